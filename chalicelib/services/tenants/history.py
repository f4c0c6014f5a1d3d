"""A tenant's history: its ledger entries and its entries in the audit trail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from chalicelib.storage.audit import AuditEntry
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.reads import Pagination, query_page
from chalicelib.storage.rows import lowest_id
from chalicelib.storage.tenants import Tenant

# Neither the ledger nor the audit trail can be queried by tenant, so the reseller's latest rows are
# searched: one query per table, no matter how large the tables are.
LEDGER_PAGE = Pagination(500)
AUDIT_PAGE = Pagination(200)


@dataclass(frozen=True, slots=True)
class History:
    """A tenant's events, newest first. `is_complete` says whether they go back to its creation."""

    events: Sequence[LedgerEntry | AuditEntry]
    is_complete: bool


def history_of(tenant: Tenant) -> History:
    """Return the tenant's events from the reseller's latest ledger and audit entries."""
    since = tenant.created_at - timedelta(minutes=1)
    moves = query_page(
        LedgerEntry,
        tenant.reseller_id,
        LEDGER_PAGE,
        range_condition=LedgerEntry.id >= lowest_id("led", since),
        newest_first=True,
    )
    changes = query_page(
        AuditEntry,
        tenant.reseller_id,
        AUDIT_PAGE,
        index=AuditEntry.by_reseller,
        range_condition=AuditEntry.id >= lowest_id("aud", since),
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
