"""People with every kind of history, for the pages to be looked at.

What only needs to be there is written to the tables directly: ten thousand tenants take
seconds so, and minutes through the service.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from ulid import ULID

from chalicelib import clock
from chalicelib.domain.custom_domains import Finding
from chalicelib.domain.custom_domains import Status as DomainStatus
from chalicelib.domain.ledger import Kind
from chalicelib.domain.names import slugify
from chalicelib.domain.pricing import GUIDE_TIERS, unit_amount
from chalicelib.domain.purchases import Status
from chalicelib.services import api_keys, branding, platform, resellers, users
from chalicelib.services import tenants as tenants_service
from chalicelib.services.api_keys import owner_of_reseller_keys
from chalicelib.services.passwords import add_link
from chalicelib.services.reconciliation import runs
from chalicelib.services.resellers import read_reseller
from chalicelib.storage.domains import Domain
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reports import WHOLE
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import Row, connection
from chalicelib.storage.tenants import Tenant, name_key
from chalicelib.storage.transactions import Transaction
from infra.local.demo import PASSWORD

LONG = (
    "Wolfeschlegelsteinhausenbergerdorff Internationale "
    "Unternehmensberatungsgesellschaft mbH & Co. KG"
)
NAMES = ("Harbour Dental", "Old Mill Bakery", "Kite & Co", "Brightwater School", "Juniper Yoga")
# Every status, with a quantity and how many days ago.
PURCHASES = {
    Status.PENDING: (10, 0),
    Status.PROCESSING: (8, 0),
    Status.PAID: (120, 11),
    Status.PARTIALLY_REFUNDED: (5, 14),
    Status.REFUNDED: (2, 20),
    Status.DISPUTED: (50, 25),
    Status.FAILED: (9, 31),
    Status.EXPIRED: (9, 38),
    Status.QUARANTINED: (3, 44),
}
MANY = 10_000
DAY = timedelta(days=1)


def settle_town() -> dict[str, str]:
    """Addresses of what pages are about: names that a path may hold, and their values."""
    people = {
        "new": _reseller("new@example.com", "Cedar & Sons", 0),
        "busy": _reseller("busy@example.com", "Northwind Partners", 0),
        "full": _reseller("full@example.com", LONG, 0),
        "over": _reseller("over@example.com", "Beacon Systems", 0),
        "clicker": _reseller("clicker@example.com", "Clicker Ltd", 0),
        "plain": _reseller("plain@example.com", "Plain Ltd", 0),
    }
    known = {name: reseller.id for name, reseller in people.items()}
    known |= _busy(people["busy"])
    known |= _branded(_reseller("branded@example.com", "Northwind Desk", 3))
    _full(people["full"])
    _over(people["over"])
    return known | _reports(known)


def _reports(known: dict[str, str]) -> dict[str, str]:
    """What reconciliation found: of one whose counters are off, and of one who is in order."""
    found = {
        name: runs.start(
            WHOLE, apply=False, by="town", seconds_left=lambda: 60.0, reseller_id=known[who]
        ).id
        for name, who in (("report", "over"), ("report_clean", "new"))
    }
    return found | {"user": read_reseller(known["full"]).user_id}


def _reseller(email: str, company: str, licenses: int) -> Reseller:
    user = users.create_user(
        email=email, name="Rosa Lindqvist", password=PASSWORD, is_super_admin=False, by="town"
    )
    return resellers.create_reseller(
        user_id=user.id,
        user_email=None,
        company_name=company,
        slug=slugify(company, fallback="company"),
        license_count=licenses,
        is_active=True,
        by="town",
    )


def _busy(reseller: Reseller) -> dict[str, str]:
    """A dozen tenants of every state, purchases of every status, months of history."""
    now = clock.now()
    tenants = [
        _tenant(reseller, name, now - (40 - i) * DAY)
        for i, name in enumerate([*NAMES, LONG, *(f"{n} {LONG[:9]}" for n in NAMES)])
    ]
    tenants[1].is_active = False
    deleted = tenants[-1]
    deleted.deleted_at, deleted.purge_at = now - 9 * DAY, now + 21 * DAY
    deleted.holds_license = False
    purchases = [
        _purchase(reseller, status, quantity, now - days * DAY)
        for status, (quantity, days) in PURCHASES.items()
    ]
    _write([*tenants, *purchases, *_history(reseller, tenants, now)])
    _pool(reseller, count=25, used=len(tenants) - 1)
    found = {f"purchase_{p.status}": p.id for p in purchases}
    return found | {
        "tenant": tenants[0].id,
        "tenant_off": tenants[1].id,
        "tenant_long": tenants[5].id,
        "tenant_deleted": deleted.id,
    }


def _branded(reseller: Reseller) -> dict[str, str]:
    """Looks of its own, a tenant's too, and domains in every state."""
    own = {"product_name": "Northwind Desk", "primary_color": "#f2b705"}
    own |= {"login_background_color": "#0b3d2e", "support_email": "help@northwind.example"}
    branding.set_reseller_branding(read_reseller(reseller.id), own, by="town")
    tenant = tenants_service.create_tenant(
        reseller.id,
        name="Night Owl",
        slug=None,
        contact_email=None,
        branding_config={
            "product_name": "Night Owl",
            "primary_color": "#7a3ff2",
            "background_color": "#102a22",
            "text_color": "#f3efe2",
        },
        by="town",
    )
    now = clock.now()
    states = {
        "desk.northwind.example": (DomainStatus.VERIFIED, None, []),
        "login.a-rather-long-subdomain-name.northwind-partners.example": (
            DomainStatus.PENDING,
            Finding.SEVERAL_VALUES,
            ["v=spf1 -all", "tenantry-verification=old"],
        ),
        "old.northwind.example": (DomainStatus.FAILING, Finding.MISSING, []),
        "gone.northwind.example": (DomainStatus.SUSPENDED, Finding.MISSING, []),
    }
    _write(
        Domain(
            reseller.id,
            host,
            status=status,
            token="4e5d0c7f82a94bd1b7f04e5d0c7f82a9",
            finding=finding,
            found_values={"values": found},
            checked_at=now,
            grace_until=now + 5 * DAY if status is DomainStatus.FAILING else None,
            expires_at=now + 7 * DAY if status is DomainStatus.PENDING else None,
            created_at=now,
            updated_at=now,
        )
        for host, (status, finding, found) in states.items()
    )
    return {
        "branded_tenant": tenant.id,
        "domain": "desk.northwind.example",
        "api_key": _keys(reseller),
        "password_link": _password_link(reseller),
    }


def _keys(reseller: Reseller) -> str:
    owner = owner_of_reseller_keys(reseller)
    for name, scopes in (("Billing system", ["read", "purchases"]), (LONG, ["tenants"])):
        made = api_keys.create_key(owner, name=name, scopes=scopes, expires_at=None, by="town")
    return made.row.id


def _password_link(reseller: Reseller) -> str:
    tx = Transaction()
    link = add_link(tx, users.read_user(reseller.user_id), DAY)
    tx.commit()
    return link.partition("token=")[2]


def _full(reseller: Reseller) -> None:
    now = clock.now()
    tenants = [
        _tenant(reseller, f"{NAMES[i % len(NAMES)]} {i:05}", now - timedelta(minutes=10 * i))
        for i in range(MANY)
    ]
    _write([*tenants, *_history(reseller, tenants[:5], now)])
    _pool(reseller, count=12_500, used=MANY)


def _over(reseller: Reseller) -> None:
    now = clock.now()
    tenants = [_tenant(reseller, name, now - 3 * DAY) for name in NAMES]
    _write(tenants)
    _pool(reseller, count=2, used=len(tenants))


def _tenant(reseller: Reseller, name: str, at: datetime) -> Tenant:
    tenant_id = f"tnt_{ULID.from_datetime(at)}"
    slug = slugify(name, fallback="tenant")
    return Tenant(
        reseller.id,
        tenant_id,
        name=name,
        slug=slug,
        contact_email=f"office@{slug[:40]}.example",
        name_key=name_key(name, tenant_id),
        created_at=at,
        updated_at=at,
    )


def _purchase(reseller: Reseller, status: str, quantity: int, at: datetime) -> Purchase:
    """Without a session, so that nobody asks Stripe about it."""
    price = unit_amount(quantity, GUIDE_TIERS)
    paid = status in ("paid", "partially_refunded", "refunded", "disputed", "quarantined")
    refunded = {"partially_refunded": 2 * price, "refunded": quantity * price}.get(status, 0)
    granted = {"paid": quantity, "partially_refunded": quantity - 2}.get(status, 0)
    prices = platform.current()
    return Purchase(
        reseller.id,
        f"pur_{ULID.from_datetime(at)}",
        quantity=quantity,
        unit_amount=price,
        total=quantity * price,
        currency="usd",
        tiers=prices.price_tiers,
        tiers_version=1,
        status=status,
        status_reason="Paid in eur, quoted in usd." if status == "quarantined" else None,
        licenses_granted=granted,
        amount_paid=quantity * price if paid else 0,
        amount_refunded=refunded,
        paid_at=at if paid else None,
        expires_at=at + timedelta(hours=23),
        created_by="town",
        checkout_url="https://checkout.stripe.com/c/1" if status == "pending" else None,
        receipt_url="https://pay.stripe.com/receipts/1" if paid else None,
        invoice_url="https://invoice.stripe.com/i/1" if paid else None,
        month=f"{at:%Y-%m}",
        created_at=at,
        updated_at=at,
    )


def _history(reseller: Reseller, tenants: list[Tenant], now: datetime) -> list[LedgerEntry]:
    moves: list[tuple[Kind, int, int, int, str | None, str | None]]
    moves = [(Kind.ALLOCATION, 5, 0, 80, "Partner bonus for spring", None)]
    moves += [(Kind.PURCHASE, 10, 0, 70, None, None), (Kind.PURCHASE, 12, 0, 35, None, None)]
    moves += [(Kind.REFUND, -2, 0, 14, "Bought by mistake", None)]
    moves += [(Kind.TENANT_DELETED, 0, -1, 1, None, t.id) for t in tenants if t.deleted_at]
    moves += [
        (Kind.TENANT_CREATED, 0, 1, 66 - 6 * i, None, tenant.id) for i, tenant in enumerate(tenants)
    ]
    return [
        LedgerEntry(
            reseller.id,
            f"led_{ULID.from_datetime(now - days * DAY)}",
            at=now - days * DAY,
            kind=kind,
            count_change=count,
            used_change=used,
            actor="town",
            reason=reason,
            ref=ref,
            created_at=now - days * DAY,
            updated_at=now - days * DAY,
        )
        for kind, count, used, days, reason, ref in moves
    ]


def _pool(reseller: Reseller, *, count: int, used: int) -> None:
    table = Reseller._get_connection().table_name
    connection().client.update_item(
        TableName=table,
        Key={"id": {"S": reseller.id}},
        UpdateExpression="SET license_count = :c, license_used = :u",
        ExpressionAttributeValues={":c": {"N": str(count)}, ":u": {"N": str(used)}},
    )


def _write(rows: Iterable[Row]) -> None:
    by_model: dict[type[Row], list[Row]] = {}
    for row in rows:
        by_model.setdefault(type(row), []).append(row)
    for model, batch_rows in by_model.items():
        with model.batch_write() as batch:
            for row in batch_rows:
                batch.save(row)
