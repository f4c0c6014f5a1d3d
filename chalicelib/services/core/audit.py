"""Audit: who did what to which, from where; written in the transaction of the change.

License moves are in the ledger and are not written here again.
"""

from datetime import datetime
from typing import Any

from chalicelib import clock
from chalicelib.storage.audit import AuditEntry, month_of
from chalicelib.storage.reads import Page, Pagination, query_page
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import Row, iso, new_id
from chalicelib.storage.transactions import Transaction

# Columns that hold a secret or its hash: the record says that they changed, not to what.
SECRET_COLUMNS = frozenset({"password", "password_hash", "secret_hash"})
HIDDEN = "(hidden)"


class Actor(str):
    """Who acts, as the ledger names it, who also remembers where the call came from.

    It is a str so that whatever takes `by: str` takes it too.
    """

    __slots__ = ("credential_id", "source_ip")

    source_ip: str | None
    credential_id: str | None

    def __new__(
        cls, name: str, *, source_ip: str | None = None, credential_id: str | None = None
    ) -> "Actor":
        actor = super().__new__(cls, name)
        actor.source_ip = source_ip
        actor.credential_id = credential_id
        return actor


def record(
    tx: Transaction,
    *,
    actor: str,
    action: str,
    target: str,
    reseller_id: str | None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str | None = None,
) -> AuditEntry:
    """Add an entry to `tx`, so that it is there exactly if the change is.

    actor: an Actor where a request caused it, else the name of what acted (`schedule`).
    action: `noun.verb_past`, such as `user.deactivated`. target: the id of what was changed.
    """
    entry = AuditEntry(
        month_of(tx.now),
        new_id("aud"),
        at=tx.now,
        actor=str(actor),
        credential_id=actor.credential_id if isinstance(actor, Actor) else None,
        source_ip=actor.source_ip if isinstance(actor, Actor) else None,
        action=action,
        target=target,
        reseller_id=reseller_id,
        before=_plain(before),
        after=_plain(after),
        reason=reason,
    )
    tx.witness(entry)
    return entry


def record_edit(
    tx: Transaction,
    row: Row,
    changes: dict[str, Any],
    *,
    actor: str,
    action: str,
    target: str,
    reseller_id: str | None,
) -> None:
    """Record what differs between the row as it was read and `changes`; nothing if nothing
    does. Call it before `tx.change`, which gives the row in hand its new values."""
    differing = {name: new for name, new in changes.items() if getattr(row, name) != new}
    if differing:
        record(
            tx,
            actor=actor,
            action=action,
            target=target,
            reseller_id=reseller_id,
            before={name: getattr(row, name) for name in differing},
            after=differing,
        )


def list_month(month: str | None, request: Pagination) -> Page[AuditEntry]:
    """Everything of one month (`2026-11`; None: this one), newest first."""
    return query_page(AuditEntry, month or month_of(clock.now()), request, newest_first=True)


def list_for_reseller(reseller: Reseller, request: Pagination) -> Page[AuditEntry]:
    """What concerns this reseller, newest first. Where its own people were is its business;
    where an admin was is not."""
    page = query_page(
        AuditEntry, reseller.id, request, index=AuditEntry.by_reseller, newest_first=True
    )
    for entry in page.rows:
        if entry.actor != reseller.user_id:
            entry.source_ip = entry.credential_id = None
    return page


def _plain(columns: dict[str, Any] | None) -> dict[str, Any] | None:
    if columns is None:
        return None
    return {name: _shown(name, value) for name, value in columns.items()}


def _shown(name: str, value: Any) -> Any:
    if name in SECRET_COLUMNS:
        return HIDDEN if value else None
    return iso(value) if isinstance(value, datetime) else value
