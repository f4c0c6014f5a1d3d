"""A year of trade for the admin's charts: a customer of long standing, and the daily figures
that the schedule would have kept meanwhile."""

from datetime import timedelta

from chalicelib import clock
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
from tests.browser.backdated import Till, ago

COMPANY = "Harvest & Field"
# How many days ago it bought how many.
ORDERS = {330: 10, 301: 20, 268: 12, 240: 50, 213: 9, 180: 24, 148: 60, 120: 15, 95: 30, 62: 20}
CLIENTS = ("Foxglove Farm", "Millstone Bakery")
NAMELESS = ("Windmill Dairy", "Barley Row", "Orchard Lane")
KEPT_DAYS = 80


def trade_for_a_year(till: Till, by: str) -> str:
    """The customer's id. Some of its tenants' names have lost their claims."""
    with ago(days=335):
        user = users.create_user(
            email="harvest@example.com",
            name="Hanna Field",
            password=PASSWORD,
            is_super_admin=False,
            by=by,
        )
        reseller = accounts.create_reseller(
            user_id=user.id,
            user_email=None,
            company_name=COMPANY,
            slug="harvest-field",
            license_count=0,
            is_active=True,
            by=by,
        )
    for days, quantity in ORDERS.items():
        with ago(days=days):
            till.buy(read_reseller(reseller.id), quantity, "pay")
    with ago(days=320):
        for name in (*CLIENTS, *NAMELESS):
            made = lifecycle.create_tenant(
                reseller.id,
                name=name,
                slug=None,
                contact_email=None,
                branding_config={},
                by=user.id,
            )
            if name in NAMELESS:
                table_edits.remove(Claim(tenant_slug_claim(reseller.id, made.slug)))
    return reseller.id


def keep_days() -> None:
    """What each day's count would have been, from the ledger and the tenants."""
    allocated = [(e.at, e.count_change) for e in LedgerEntry.scan() if e.count_change]
    lives = [(t.created_at, t.deleted_at) for t in Tenant.scan()]
    now = clock.now()
    kept = get(StoredStats, STATS_ROW)
    assert kept is not None
    history = {}
    for back in range(KEPT_DAYS, 0, -1):
        day = now - timedelta(days=back)
        used = sum(born <= day and (gone is None or gone > day) for born, gone in lives)
        owned = sum(change for at, change in allocated if at <= day)
        history[f"{day:%Y-%m-%d}"] = {"owned": owned, "used": used}
    kept.history = {**history, **kept.history}
    kept.save()
