"""What happened to one tenant: its moves in the ledger, and its changes in the audit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from chalicelib.storage.audit import AuditEntry
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.reads import Pagination, query_page
from chalicelib.storage.rows import first_id
from chalicelib.storage.tenants import Tenant

# Neither table can be asked for one tenant, so its reseller's latest are looked through: one
# query each, however large they are.
MOVES = Pagination(500)
CHANGES = Pagination(200)


@dataclass(frozen=True, slots=True)
class History:
    """events: newest first. reaches_back: whether it goes back to the tenant's creation."""

    events: Sequence[LedgerEntry | AuditEntry]
    reaches_back: bool


def history_of(tenant: Tenant) -> History:
    since = tenant.created_at - timedelta(minutes=1)
    moves = query_page(
        LedgerEntry,
        tenant.reseller_id,
        MOVES,
        range_condition=LedgerEntry.id >= first_id("led", since),
        newest_first=True,
    )
    changes = query_page(
        AuditEntry,
        tenant.reseller_id,
        CHANGES,
        index=AuditEntry.by_reseller,
        range_condition=AuditEntry.id >= first_id("aud", since),
        newest_first=True,
    )
    own: list[LedgerEntry | AuditEntry] = [
        *(move for move in moves.rows if move.ref == tenant.id),
        *(change for change in changes.rows if change.target == tenant.id),
    ]
    return History(
        sorted(own, key=lambda event: event.at, reverse=True),
        moves.next_cursor is None and changes.next_cursor is None,
    )
