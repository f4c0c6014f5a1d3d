"""People with every kind of history, for the pages to be looked at.

All of it is done through the service, at the time it happened; only the ten thousand tenants
and what other machines answer (DNS) are written to the tables directly.
"""

from datetime import timedelta

from chalicelib import clock
from chalicelib.domain.names import slugify
from chalicelib.domain.purchases import Status
from chalicelib.services.branding import documents
from chalicelib.services.identity import api_keys, users
from chalicelib.services.identity.api_keys import Owner, owner_of_reseller_keys
from chalicelib.services.identity.passwords import add_link
from chalicelib.services.reconciliation import runs
from chalicelib.services.refunds import refund_requests
from chalicelib.services.reporting.dashboard_stats import refresh_dashboard_stats as take_figures
from chalicelib.services.resellers import accounts
from chalicelib.services.resellers.accounts import read_reseller
from chalicelib.services.tenants import lifecycle
from chalicelib.storage.claims import Claim, owner_of
from chalicelib.storage.purchases import Purchase, RefundIntent
from chalicelib.storage.reports import Scope
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import iso, new_id
from chalicelib.storage.tenants import Tenant, tenant_slug_claim
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import email_claim
from infra.local import table_edits
from infra.local.demo import ADMIN_EMAIL, PASSWORD
from tests.browser.backdated import Till, ago
from tests.browser.bulk_tenants import NAMES, domains_of_every_state, fill
from tests.browser.sales_history import keep_days, trade_for_a_year

LONG = (
    "Wolfeschlegelsteinhausenbergerdorff Internationale "
    "Unternehmensberatungsgesellschaft mbH & Co. KG"
)
MORE_NAMES = (LONG, "Ferry Lane Books", "Tall Pines Lodge", "Copper Kettle Café", "Saltmarsh Vets")
PEOPLE = {
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


def settle_town(url: str) -> dict[str, str]:
    """Addresses of what pages are about: names that a path may hold, and their values."""
    till = Till(url)
    with till.quietly():
        people = {who: _reseller(who) for who in PEOPLE}
        known = {who: reseller.id for who, reseller in people.items()}
        known |= _busy(people["busy"], till)
        known |= _branded(people["branded"])
        _over(people["over"], till)
        _drifted(people["drifted"])
        _full(people["full"])
        known["harvest"] = trade_for_a_year(till, _admin())
        known["admin_key"] = api_keys.create_key(
            Owner(_admin()), name="Nightly export", scopes=["read"], expires_at=None, by=_admin()
        ).id
        take_figures()
        keep_days()
        return known | _reports(known)


def _admin() -> str:
    return owner_of(email_claim(ADMIN_EMAIL)) or ""


def _reports(known: dict[str, str]) -> dict[str, str]:
    """What reconciliation found: of one whose counters are off, and of one who is in order."""
    found = {
        name: runs.start_run(
            Scope.WHOLE, apply=False, by=_admin(), seconds_left=lambda: 60.0, reseller_id=known[who]
        ).id
        for name, who in REPORTS.items()
    }
    return found | {"user": read_reseller(known["full"]).user_id}


def _reseller(who: str) -> Reseller:
    """Without licenses, three months ago."""
    person, company = PEOPLE[who]
    with ago(days=92):
        user = users.create_user(
            email=f"{who}@example.com",
            name=person,
            password=PASSWORD,
            is_super_admin=False,
            by=_admin(),
        )
        return accounts.create_reseller(
            user_id=user.id,
            user_email=None,
            company_name=company,
            slug=slugify(company, fallback="company"),
            license_count=0,
            is_active=True,
            by=_admin(),
        )


def _allocate(reseller: Reseller, licenses: int, reason: str) -> None:
    accounts.adjust_licenses(read_reseller(reseller.id), licenses, reason=reason, by=_admin())


def _create(reseller: Reseller, name: str, **looks: str) -> Tenant:
    slug = slugify(name, fallback="tenant")
    return lifecycle.create_tenant(
        reseller.id,
        name=name,
        slug=None,
        contact_email=f"office@{slug[:40]}.example",
        branding_config=looks,
        by=reseller.user_id,
    )


def _busy(reseller: Reseller, till: Till) -> dict[str, str]:
    """A dozen tenants of every state, purchases of every status, months of history."""
    by = reseller.user_id
    with ago(days=88):
        _allocate(reseller, 5, "Welcome as a partner")
    with ago(days=83):
        till.buy(reseller, 10, "pay")
    made = []
    for i, name in enumerate([*NAMES, *MORE_NAMES]):
        with ago(days=82 - 7 * i, hours=i):
            made.append(_create(reseller, name))
    bought = _purchases(reseller, till)
    with ago(days=16):
        lifecycle.deactivate_tenant(made[1], by=by)
    with ago(days=9):
        gone = lifecycle.delete_tenant(made[9], by=by)
        taken = lifecycle.delete_tenant(made[3], by=by)
    with ago(days=6, hours=3):
        _create(reseller, taken.name)
    with ago(days=4):
        _allocate(reseller, 3, "Volume bonus")
    return {f"purchase_{status}": purchase.id for status, purchase in bought.items()} | {
        "purchase_under_way": _refund_under_way(reseller, till).id,
        "tenant": made[0].id,
        "tenant_off": made[1].id,
        "tenant_long": made[5].id,
        "tenant_deleted": gone.id,
        "tenant_taken": taken.id,
    }


def _purchases(reseller: Reseller, till: Till) -> dict[Status, Purchase]:
    """One of every status, the oldest first."""
    made = {}
    with ago(days=44):
        order = till.buy(reseller, 3)
        table_edits.edit(order, unit_amount=2000, total=6000)  # which Stripe was not asked for
        made[Status.QUARANTINED] = till.happens(order, "pay")
    with ago(days=38):
        made[Status.EXPIRED] = till.buy(reseller, 9, "expire")
    with ago(days=31):
        made[Status.FAILED] = till.buy(reseller, 9, "pay", "bank-declines", method="delayed")
    with ago(days=25):
        disputed = till.buy(reseller, 15, "pay")
    with ago(days=20):
        whole = till.buy(reseller, 2, "pay")
    with ago(days=19):
        made[Status.DISPUTED] = till.happens(disputed, "dispute")
        made[Status.REFUNDED] = till.happens(whole, "refund")
    with ago(days=14):
        part = till.buy(reseller, 10, "pay")
    with ago(days=13):
        made[Status.PARTIALLY_REFUNDED] = refund_requests.refund_licenses(
            part, 4, reason="Ordered too many", by=_admin()
        )
    with ago(days=11):
        made[Status.PAID] = till.buy(reseller, 12, "pay")
    with ago(hours=3):
        made[Status.PROCESSING] = till.buy(reseller, 8, "pay", method="delayed")
    with ago(hours=2):
        made[Status.PENDING] = till.buy(reseller, 10)
    return made


def _refund_under_way(reseller: Reseller, till: Till) -> Purchase:
    """As it stays where Stripe did not answer."""
    with ago(days=7):
        purchase = till.buy(reseller, 5, "pay")
    intent = RefundIntent(
        id=new_id("rfn"),
        licenses=2,
        amount=5_000,
        reason="Ordered too many",
        by=_admin(),
        at=iso(clock.now()),
        kept=3,
    )
    table_edits.edit(purchase, refunds=purchase.with_refund(intent))
    return purchase


def _branded(reseller: Reseller) -> dict[str, str]:
    """Looks of its own, a tenant's too, and domains in every state."""
    own = {"product_name": "Northwind Desk", "primary_color": "#f2b705"}
    own |= {"login_background_color": "#0b3d2e", "support_email": "help@northwind.example"}
    _allocate(reseller, 3, "Welcome as a partner")
    documents.set_reseller_branding(read_reseller(reseller.id), own, by=reseller.user_id)
    tenant = _create(
        reseller,
        "Night Owl",
        product_name="Night Owl",
        primary_color="#7a3ff2",
        background_color="#102a22",
        text_color="#f3efe2",
    )
    domains_of_every_state(reseller.id)
    return {
        "branded_tenant": tenant.id,
        "domain": "desk.northwind.example",
        "api_key": _keys(reseller),
        "password_link": _password_link(reseller),
    }


def _keys(reseller: Reseller) -> str:
    owner = owner_of_reseller_keys(reseller)
    for name, scopes in (("Billing system", ["read", "purchases"]), (LONG, ["tenants"])):
        made = api_keys.create_key(
            owner, name=name, scopes=scopes, expires_at=None, by=reseller.user_id
        )
    return made.row.id


def _password_link(reseller: Reseller) -> str:
    tx = Transaction()
    link = add_link(tx, users.read_user(reseller.user_id), DAY)
    tx.commit()
    return link.partition("token=")[2]


def _full(reseller: Reseller) -> None:
    with ago(days=71):
        _allocate(reseller, 12_500, "Framework contract")
    fill(reseller, MANY)


def _over(reseller: Reseller, till: Till) -> None:
    """Three more in use than owned: a purchase was refunded after its licenses were taken."""
    with ago(days=12):
        _allocate(reseller, 2, "Welcome as a partner")
        bought = till.buy(reseller, 3, "pay")
    for i, name in enumerate(NAMES):
        with ago(days=11 - i):
            _create(reseller, name)
    with ago(days=3):
        refund_requests.refund_licenses(bought, 3, reason="Card of a former employee", by=_admin())


def _drifted(reseller: Reseller) -> None:
    """Somebody edited the counter in the console, and removed a name's claim."""
    with ago(days=30):
        _allocate(reseller, 8, "Welcome as a partner")
    for i, name in enumerate(NAMES[:4]):
        with ago(days=29 - 5 * i):
            last = _create(reseller, name)
    table_edits.edit(reseller, license_used=6)
    table_edits.remove(Claim(tenant_slug_claim(reseller.id, last.slug)))
