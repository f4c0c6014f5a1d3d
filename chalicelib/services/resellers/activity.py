"""What happened lately to a reseller's pool, and how it grew: read from the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib import clock
from chalicelib.domain.pool_levels import Change, Level, pool_levels
from chalicelib.services.resellers.accounts import list_ledger
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.reads import Pagination, batch_get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.tenants import Tenant

# One query reads as many without paging: a page's worth of work, however large the ledger.
LOOKED_BACK = 500
POINTS = 14
TENANT_ID = "tnt_"


@dataclass(frozen=True, slots=True)
class Activity:
    """newest: the latest entries. subjects: the names of the tenants that they are about.
    history: oldest first; fewer than two points where a day has not passed yet."""

    newest: list[LedgerEntry]
    subjects: dict[str, str]
    history: list[Level]


def recent_activity(reseller: Reseller, limit: int) -> Activity:
    """The last `limit` moves, and the pool's levels as far back as the last 500 reach."""
    entries = list_ledger(reseller.id, Pagination(LOOKED_BACK)).rows
    changes = [Change(e.at, e.count_change, e.used_change) for e in entries]
    history = pool_levels(
        changes, reseller.license_count, reseller.license_used, clock.now(), most=POINTS
    )
    newest = entries[:limit]
    return Activity(newest, tenant_names(newest), history)


def tenant_names(entries: Sequence[LedgerEntry]) -> dict[str, str]:
    """Tenant id → name, for the entries that are about a tenant which is still known."""
    about = {(e.reseller_id, e.ref) for e in entries if e.ref and e.ref.startswith(TENANT_ID)}
    rows = batch_get(Tenant, [Tenant(reseller_id, ref) for reseller_id, ref in sorted(about)])
    return {tenant.id: tenant.name for tenant in rows}
