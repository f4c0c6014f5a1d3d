"""Audit trail: who changed what, and from where.

An entry is written in the same transaction as the change. License movements are recorded in the
ledger and are not duplicated here.
"""

from collections.abc import Mapping
from datetime import datetime

from chalicelib import clock
from chalicelib.domain.actors import Actor
from chalicelib.domain.messages import is_sentences
from chalicelib.domain.wording import text_of
from chalicelib.storage.audit import AuditAction, AuditEntry, month_partition
from chalicelib.storage.messages import with_sentences
from chalicelib.storage.reads import Page, Pagination, query_page
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import Row, iso, new_id
from chalicelib.storage.transactions import Transaction

# Columns that hold a secret or its hash. An audit entry records that such a column changed, but
# not its values.
SECRET_COLUMNS = frozenset({"password", "password_hash", "secret_hash"})
HIDDEN = "(hidden)"


def record(
    tx: Transaction,
    *,
    actor: Actor,
    action: AuditAction,
    target: str,
    reseller_id: str | None,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    reason: str | None = None,
) -> AuditEntry:
    """Add an audit entry to `tx`, so that it is written if and only if the change is.

    `target` is the ID of the row that changed. A value in `before` or `after` can be Sentences.
    """
    before_and_after = {"before": before or {}, "after": after or {}}
    entry = AuditEntry(
        month_partition(tx.now),
        new_id("aud"),
        at=tx.now,
        actor=actor.id,
        credential_id=actor.credential_id,
        source_ip=actor.source_ip,
        action=action,
        target=target,
        reseller_id=reseller_id,
        before=_to_document(before),
        after=_to_document(after),
        messages=with_sentences(
            None,
            {
                f"{side}.{column}": value
                for side, columns in before_and_after.items()
                for column, value in columns.items()
                if is_sentences(value)
            },
        ),
        reason=reason,
    )
    tx.put_commit_marker(entry)
    return entry


def record_edit(
    tx: Transaction,
    row: Row,
    changes: Mapping[str, object],
    *,
    actor: Actor,
    action: AuditAction,
    target: str,
    reseller_id: str | None,
) -> None:
    """Record the columns in `changes` whose values differ from the row's, if there are any.

    Call this before `tx.change`, which assigns the new values to `row`.
    """
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
    """Return a month's entries (`2026-11`; default: the current month), newest first."""
    return query_page(AuditEntry, month or month_partition(clock.now()), request, newest_first=True)


def list_for_reseller(reseller: Reseller, request: Pagination) -> Page[AuditEntry]:
    """Return the entries about this reseller, newest first.

    The source IP and credential ID are kept in entries by the reseller's own user and removed from
    all other entries, so that a reseller cannot see where admins connect from.
    """
    page = query_page(
        AuditEntry, reseller.id, request, index=AuditEntry.by_reseller, newest_first=True
    )
    for entry in page.rows:
        if entry.actor != reseller.user_id:
            entry.source_ip = entry.credential_id = None
    return page


def _to_document(columns: Mapping[str, object] | None) -> dict[str, object] | None:
    if columns is None:
        return None
    return {name: _to_stored_value(name, value) for name, value in columns.items()}


def _to_stored_value(name: str, value: object) -> object:
    if name in SECRET_COLUMNS:
        return HIDDEN if value else None
    if is_sentences(value):
        return text_of(value)
    return iso(value) if isinstance(value, datetime) else value
