"""Demo accounts with every kind of history, for viewing the pages.

Everything is created through the service, with its clock set back. Only the 10,000 tenants and the
domains, which depend on DNS, are written directly to the tables.
"""

from datetime import timedelta

from chalicelib import clock
from chalicelib.domain.actors import Actor
from chalicelib.domain.names import slugify
from chalicelib.domain.purchases import Status
from chalicelib.services.branding import documents
from chalicelib.services.identity import api_keys, users
from chalicelib.services.identity.api_keys import Owner, owner_of_reseller_keys
from chalicelib.services.identity.passwords import add_link
from chalicelib.services.reconciliation import runs
from chalicelib.services.refunds import refund_requests
from chalicelib.services.reporting.dashboard_stats import (
    refresh_dashboard_stats as refresh_dashboard_stats,
)
from chalicelib.services.resellers import accounts
from chalicelib.services.resellers.accounts import read_reseller
from chalicelib.services.tenants import lifecycle
from chalicelib.storage.claims import Claim, owner_of
from chalicelib.storage.purchases import Purchase, RefundIntent, RefundState
from chalicelib.storage.reports import Scope
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import iso, new_id
from chalicelib.storage.tenants import Tenant, tenant_slug_claim
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import email_claim
from infra.local import table_edits
from infra.local.demo import ADMIN_EMAIL, PASSWORD
from tests.browser.backdated import StripeBuyer, ago
from tests.browser.bulk_tenants import NAMES, create_domains_in_every_state, create_many_tenants
from tests.browser.sales_history import create_sales_history, write_daily_history

LONG = (
    "Wolfeschlegelsteinhausenbergerdorff Internationale "
    "Unternehmensberatungsgesellschaft mbH & Co. KG"
)
MORE_NAMES = (LONG, "Ferry Lane Books", "Tall Pines Lodge", "Copper Kettle Café", "Saltmarsh Vets")
# Each account's user and company. The keys name the accounts in tests.
ACCOUNTS = {
    "new": ("Ingrid Cedar", "Cedar & Sons"),
    "busy": ("Rosa Lindqvist", "Northwind Partners"),
    "full": ("Maximilian Freiherr von Wolfeschlegelsteinhausen", LONG),
    "over": ("Tom Beacon", "Beacon Systems"),
    "drifted": ("Lena Larkspur", "Larkspur Media"),
    "branded": ("Rosa Lindqvist", "Northwind Desk"),
    "clicker": ("Chris Clicker", "Clicker Ltd"),
    "plain": ("Paula Plain", "Plain Ltd"),
}
REPORTS = {"report": "drifted", "report_many": "harvest", "report_clean": "new"}
MANY = 10_000
DAY = timedelta(days=1)


def create_demo_accounts(url: str) -> dict[str, str]:
    """Create all demo data. Return its IDs by the names used in the paths in pages.py."""
    buyer = StripeBuyer(url)
    with buyer.webhooks_off():
        resellers = {account: _create_reseller(account) for account in ACCOUNTS}
        ids = {account: reseller.id for account, reseller in resellers.items()}
        ids |= _set_up_busy(resellers["busy"], buyer)
        ids |= _set_up_branded(resellers["branded"])
        _set_up_over(resellers["over"], buyer)
        _set_up_drifted(resellers["drifted"])
        _set_up_full(resellers["full"])
        ids["harvest"] = create_sales_history(buyer, _admin())
        ids["admin_key"] = api_keys.create_key(
            Owner(_admin()),
            name="Nightly export",
            scopes=["read"],
            expires_at=None,
            by=Actor(_admin()),
        ).id
        refresh_dashboard_stats()
        write_daily_history()
        return ids | _create_reports(ids)


def _admin() -> str:
    return owner_of(email_claim(ADMIN_EMAIL)) or ""


def _create_reports(ids: dict[str, str]) -> dict[str, str]:
    """Reconcile accounts with few, many, and no findings."""
    reports = {
        name: runs.start_run(
            Scope.WHOLE,
            apply=False,
            by=Actor(_admin()),
            seconds_left=lambda: 60.0,
            reseller_id=ids[account],
        ).id
        for name, account in REPORTS.items()
    }
    return reports | {"user": read_reseller(ids["full"]).user_id}


def _create_reseller(account: str) -> Reseller:
    """Create an account without licenses, three months ago."""
    person, company = ACCOUNTS[account]
    with ago(days=92):
        user = users.create_user(
            email=f"{account}@example.com",
            name=person,
            password=PASSWORD,
            is_super_admin=False,
            by=Actor(_admin()),
        )
        return accounts.create_reseller(
            user_id=user.id,
            user_email=None,
            company_name=company,
            slug=slugify(company, fallback="company"),
            license_count=0,
            is_active=True,
            by=Actor(_admin()),
        )


def _allocate(reseller: Reseller, licenses: int, reason: str) -> None:
    accounts.adjust_licenses(
        read_reseller(reseller.id), licenses, reason=reason, by=Actor(_admin())
    )


def _create_tenant(reseller: Reseller, name: str, **branding: str) -> Tenant:
    slug = slugify(name, fallback="tenant")
    return lifecycle.create_tenant(
        reseller.id,
        name=name,
        slug=None,
        contact_email=f"office@{slug[:40]}.example",
        branding_config=branding,
        by=Actor(reseller.user_id),
    )


def _set_up_busy(reseller: Reseller, buyer: StripeBuyer) -> dict[str, str]:
    """Create tenants in every state, purchases in every status, and months of history."""
    by = Actor(reseller.user_id)
    with ago(days=88):
        _allocate(reseller, 5, "Welcome as a partner")
    with ago(days=83):
        buyer.buy(reseller, 10, "pay")
    tenants = []
    for i, name in enumerate([*NAMES, *MORE_NAMES]):
        with ago(days=82 - 7 * i, hours=i):
            tenants.append(_create_tenant(reseller, name))
    purchases = _create_purchases(reseller, buyer)
    with ago(days=16):
        lifecycle.deactivate_tenant(tenants[1], by=by)
    with ago(days=9):
        deleted = lifecycle.delete_tenant(tenants[9], by=by)
        slug_taken = lifecycle.delete_tenant(tenants[3], by=by)
    with ago(days=6, hours=3):
        _create_tenant(reseller, slug_taken.name)
    with ago(days=4):
        _allocate(reseller, 3, "Volume bonus")
    return {f"purchase_{status}": purchase.id for status, purchase in purchases.items()} | {
        "purchase_under_way": _create_refund_in_progress(reseller, buyer).id,
        "tenant": tenants[0].id,
        "tenant_off": tenants[1].id,
        "tenant_long": tenants[5].id,
        "tenant_deleted": deleted.id,
        "tenant_taken": slug_taken.id,
    }


def _create_purchases(reseller: Reseller, buyer: StripeBuyer) -> dict[Status, Purchase]:
    """Create a purchase in every status, oldest first."""
    purchases = {}
    with ago(days=44):
        order = buyer.buy(reseller, 3)
        table_edits.edit(order, unit_amount=2000, total=6000)  # not what Stripe charges
        purchases[Status.QUARANTINED] = buyer.apply(order, "pay")
    with ago(days=38):
        purchases[Status.EXPIRED] = buyer.buy(reseller, 9, "expire")
    with ago(days=31):
        purchases[Status.FAILED] = buyer.buy(reseller, 9, "pay", "bank-declines", method="delayed")
    with ago(days=25):
        disputed = buyer.buy(reseller, 15, "pay")
    with ago(days=20):
        refunded = buyer.buy(reseller, 2, "pay")
    with ago(days=19):
        purchases[Status.DISPUTED] = buyer.apply(disputed, "dispute")
        purchases[Status.REFUNDED] = buyer.apply(refunded, "refund")
    with ago(days=14):
        partially_refunded = buyer.buy(reseller, 10, "pay")
    with ago(days=13):
        purchases[Status.PARTIALLY_REFUNDED] = refund_requests.refund_licenses(
            partially_refunded, 4, reason="Ordered too many", by=Actor(_admin())
        )
    with ago(days=11):
        purchases[Status.PAID] = buyer.buy(reseller, 12, "pay")
    with ago(hours=3):
        purchases[Status.PROCESSING] = buyer.buy(reseller, 8, "pay", method="delayed")
    with ago(hours=2):
        purchases[Status.PENDING] = buyer.buy(reseller, 10)
    return purchases


def _create_refund_in_progress(reseller: Reseller, buyer: StripeBuyer) -> Purchase:
    """Create a refund in the state in which it is stored if Stripe doesn't respond."""
    with ago(days=7):
        purchase = buyer.buy(reseller, 5, "pay")
    intent = RefundIntent(
        id=new_id("rfn"),
        licenses=2,
        amount=5_000,
        reason="Ordered too many",
        by=_admin(),
        at=iso(clock.now()),
        state=RefundState.OPEN,
        kept=3,
    )
    table_edits.edit(purchase, refunds=purchase.with_refund(intent))
    return purchase


def _set_up_branded(reseller: Reseller) -> dict[str, str]:
    """Set the branding of the reseller and a tenant, and create domains in every state."""
    own = {"product_name": "Northwind Desk", "primary_color": "#f2b705"}
    own |= {"login_background_color": "#0b3d2e", "support_email": "help@northwind.example"}
    _allocate(reseller, 3, "Welcome as a partner")
    documents.set_reseller_branding(read_reseller(reseller.id), own, by=Actor(reseller.user_id))
    tenant = _create_tenant(
        reseller,
        "Night Owl",
        product_name="Night Owl",
        primary_color="#7a3ff2",
        background_color="#102a22",
        text_color="#f3efe2",
    )
    create_domains_in_every_state(reseller.id)
    return {
        "branded_tenant": tenant.id,
        "domain": "desk.northwind.example",
        "api_key": _create_keys(reseller),
        "password_link": _password_link(reseller),
    }


def _create_keys(reseller: Reseller) -> str:
    owner = owner_of_reseller_keys(reseller)
    for name, scopes in (("Billing system", ["read", "purchases"]), (LONG, ["tenants"])):
        key = api_keys.create_key(
            owner, name=name, scopes=scopes, expires_at=None, by=Actor(reseller.user_id)
        )
    return key.row.id


def _password_link(reseller: Reseller) -> str:
    tx = Transaction()
    link = add_link(tx, users.read_user(reseller.user_id), DAY)
    tx.commit()
    return link.partition("token=")[2]


def _set_up_full(reseller: Reseller) -> None:
    with ago(days=71):
        _allocate(reseller, 12_500, "Framework contract")
    create_many_tenants(reseller, MANY)


def _set_up_over(reseller: Reseller, buyer: StripeBuyer) -> None:
    """Leave three more licenses in use than owned, by refunding licenses that are in use."""
    with ago(days=12):
        _allocate(reseller, 2, "Welcome as a partner")
        bought = buyer.buy(reseller, 3, "pay")
    for i, name in enumerate(NAMES):
        with ago(days=11 - i):
            _create_tenant(reseller, name)
    with ago(days=3):
        refund_requests.refund_licenses(
            bought, 3, reason="Card of a former employee", by=Actor(_admin())
        )


def _set_up_drifted(reseller: Reseller) -> None:
    """Damage rows the way edits in the AWS console could: a wrong counter and a missing claim."""
    with ago(days=30):
        _allocate(reseller, 8, "Welcome as a partner")
    for i, name in enumerate(NAMES[:4]):
        with ago(days=29 - 5 * i):
            last = _create_tenant(reseller, name)
    table_edits.edit(reseller, license_used=6)
    table_edits.remove(Claim(tenant_slug_claim(reseller.id, last.slug)))
