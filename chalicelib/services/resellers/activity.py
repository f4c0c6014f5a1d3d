"""Recent activity and history of a reseller's license pool, read from the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib import clock
from chalicelib.domain.pool_levels import Change, Level, pool_levels
from chalicelib.services.resellers.accounts import list_ledger
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.reads import Pagination, batch_get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.tenants import Tenant

# One query reads this many entries without paging, so the cost is bounded, no matter how long the
# ledger is.
MAX_ENTRIES_READ = 500
MAX_POINTS = 14
TENANT_ID_PREFIX = "tnt_"


@dataclass(frozen=True, slots=True)
class Activity:
    """A pool's latest ledger entries and its history.

    Attributes:
        newest: The latest entries, newest first.
        tenant_names: Names of the tenants that these entries refer to, by tenant ID.
        history: Pool levels over time, oldest first. There are fewer than two on the first day.
    """

    newest: list[LedgerEntry]
    tenant_names: dict[str, str]
    history: list[Level]


def recent_activity(reseller: Reseller, limit: int) -> Activity:
    """Return the last `limit` entries, and pool levels computed from the last 500 entries."""
    entries = list_ledger(reseller.id, Pagination(MAX_ENTRIES_READ)).rows
    changes = [Change(e.at, e.count_change, e.used_change) for e in entries]
    history = pool_levels(
        changes, reseller.license_count, reseller.license_used, clock.now(), max_levels=MAX_POINTS
    )
    newest = entries[:limit]
    return Activity(newest, tenant_names(newest), history)


def tenant_names(entries: Sequence[LedgerEntry]) -> dict[str, str]:
    """Return the names of the existing tenants that the entries refer to, by tenant ID."""
    keys = {(e.reseller_id, e.ref) for e in entries if e.ref and e.ref.startswith(TENANT_ID_PREFIX)}
    rows = batch_get(Tenant, [Tenant(reseller_id, ref) for reseller_id, ref in sorted(keys)])
    return {tenant.id: tenant.name for tenant in rows}
