"""A year of sales for the admin's charts: a long-standing customer, and the daily statistics."""

from datetime import timedelta

from pynamodb.models import Model

from chalicelib import clock
from chalicelib.domain.actors import Actor
from chalicelib.services.identity import users
from chalicelib.services.resellers import accounts
from chalicelib.services.resellers.accounts import read_reseller
from chalicelib.services.tenants import lifecycle
from chalicelib.storage.claims import Claim
from chalicelib.storage.dashboard_stats import STATS_ROW, StoredStats
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.reads import get
from chalicelib.storage.tenants import Tenant, tenant_slug_claim
from infra.local import table_edits
from infra.local.demo import PASSWORD
from tests.browser.backdated import StripeBuyer, ago

COMPANY = "Harvest & Field"
# Each order's age in days, and the number of licenses bought.
ORDERS = {330: 10, 301: 20, 268: 12, 240: 50, 213: 9, 180: 24, 148: 60, 120: 15, 95: 30, 62: 20}
CLIENTS = ("Foxglove Farm", "Millstone Bakery")
UNCLAIMED = ("Windmill Dairy", "Barley Row", "Orchard Lane")
HISTORY_DAYS = 80


def create_sales_history(buyer: StripeBuyer, by: str) -> str:
    """Create the customer and return its ID. Some of its tenants have no claim on their slug."""
    with ago(days=335):
        user = users.create_user(
            email="harvest@example.com",
            name="Hanna Field",
            password=PASSWORD,
            is_super_admin=False,
            by=Actor(by),
        )
        reseller = accounts.create_reseller(
            user_id=user.id,
            user_email=None,
            company_name=COMPANY,
            slug="harvest-field",
            license_count=0,
            is_active=True,
            by=Actor(by),
        )
    for days, quantity in ORDERS.items():
        with ago(days=days):
            buyer.buy(read_reseller(reseller.id), quantity, "pay")
    with ago(days=320):
        for name in (*CLIENTS, *UNCLAIMED):
            tenant = lifecycle.create_tenant(
                reseller.id,
                name=name,
                slug=None,
                contact_email=None,
                branding_config={},
                by=Actor(user.id),
            )
            if name in UNCLAIMED:
                table_edits.remove(Claim(tenant_slug_claim(reseller.id, tenant.slug)))
    return reseller.id


def write_daily_history() -> None:
    """Write the daily statistics that scheduled runs would have stored, per ledger and tenants."""
    changes = [(e.at, e.count_change) for e in LedgerEntry.scan() if e.count_change]
    lifetimes = [(t.created_at, t.deleted_at) for t in Tenant.scan()]
    now = clock.now()
    stats = get(StoredStats, STATS_ROW)
    assert stats is not None
    history = {}
    for days_ago in range(HISTORY_DAYS, 0, -1):
        day = now - timedelta(days=days_ago)
        used = sum(
            created <= day and (deleted is None or deleted > day) for created, deleted in lifetimes
        )
        owned = sum(change for at, change in changes if at <= day)
        history[f"{day:%Y-%m-%d}"] = {"owned": owned, "used": used}
    stats.history = {**history, **stats.history}
    Model.save(stats)
