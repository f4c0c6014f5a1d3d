"""Create a reseller and its purchases without HTTP, and check the invariants of their rows."""

from collections.abc import Callable
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType
from pynamodb.models import Model

from chalicelib import clock
from chalicelib.domain.actors import Actor
from chalicelib.services.purchases.checkout import buy_licenses, read_purchase
from chalicelib.services.stripe_sync.sweep import OVERLAP
from chalicelib.settings import settings
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.resellers import Reseller, company_key
from chalicelib.storage.stripe_events import PROGRESS, SweepProgress
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.support.tables import tables

RESELLER = "rsl_test"


def create_reseller(licenses: int = 0) -> Reseller:
    """Write a reseller's row, as if it had been created with `licenses`."""
    now = clock.now()
    account = Reseller(
        RESELLER,
        user_id="usr_test",
        company_name="Test Reseller",
        slug="test-reseller",
        company_key=company_key("Test Reseller", RESELLER),
        license_count=licenses,
        created_at=now,
        updated_at=now,
    )
    Model.save(account)
    return account


def record_recent_sweep() -> None:
    """Write the progress row of a sweep that has just finished."""
    now = clock.now()
    Model.save(SweepProgress(PROGRESS, seen_until=now - OVERLAP, created_at=now, updated_at=now))


def read_reseller() -> Reseller:
    return Reseller.get(RESELLER, consistent_read=True)


def buy(quantity: int = 12) -> Purchase:
    return buy_licenses(read_reseller(), quantity, by=Actor("usr_test"))


def pay_unnoticed(
    stripe: StripeSimulator, *quantities: int, how: Callable[[str], Any] | None = None
) -> list[Purchase]:
    """Buy and pay without notifying the service. If given, `how` replaces `stripe.pay`."""
    purchases = [buy(quantity) for quantity in quantities]
    for purchase in purchases:
        (how or stripe.pay)(purchase.session_id or "")
    return purchases


def total_granted() -> int:
    return sum(row["licenses_granted"] for row in rows("purchases"))


def reload(purchase: Purchase) -> Purchase:
    """Read the purchase again."""
    return read_purchase(purchase.reseller_id, purchase.id)


def rows(noun: str) -> list[dict[str, Any]]:
    """Return every row in a table as plain values. For speed, reads moto's memory directly."""
    table = tables()[f"{settings().table_prefix}-{noun}"]
    return [
        {name: _plain(value) for name, value in item.attrs.items()}
        for partition in table.items.values()
        for item in (partition.values() if isinstance(partition, dict) else [partition])
    ]


def _plain(value: DynamoType) -> Any:
    match value.type:
        case "N":
            return int(value.value)
        case "M":
            return {name: _plain(item) for name, item in value.value.items()}
        case "L":
            return [_plain(item) for item in value.value]
        case "NULL":
            return None
    return value.value


def check_invariants(opened_with: int = 0) -> None:
    """Assert that the license counters agree with the tenants, the ledger, and the purchases.

    `opened_with` is the reseller's initial license_count.
    """
    (reseller,) = rows("resellers")
    ledger = rows("ledger")
    purchases = rows("purchases")
    holding = sum(tenant["holds_license"] for tenant in rows("tenants"))
    assert reseller["license_used"] == holding >= 0
    count_changes = sum(entry["count_change"] for entry in ledger)
    assert reseller["license_count"] == opened_with + count_changes
    assert reseller["license_used"] == sum(entry["used_change"] for entry in ledger)
    for purchase in purchases:
        credited = [e["count_change"] for e in ledger if e.get("ref") == purchase["id"]]
        assert purchase["licenses_granted"] == sum(credited)
        assert 0 <= purchase["licenses_granted"] <= purchase["quantity"]
        _check_money(purchase)
    granted = sum(purchase["licenses_granted"] for purchase in purchases)
    assert reseller["license_count"] == opened_with + granted


def _check_money(purchase: dict[str, Any]) -> None:
    """Assert that the bookings cover the row's amounts, and match them if there is one session."""
    gross, refunded, disputed = booked_totals(purchase)
    if purchase.get("other_sessions"):
        assert gross >= purchase["amount_paid"]
        assert refunded >= purchase["amount_refunded"]
        assert disputed >= 0
    else:
        assert (gross, refunded) == (purchase["amount_paid"], purchase["amount_refunded"])
        assert (disputed > 0) == (purchase["status"] == "disputed")


def booked_totals(purchase: dict[str, Any]) -> tuple[int, int, int]:
    """Return the sums of the purchase's bookings: gross, refunded, and disputed, in cents."""
    gross, refunded, disputed = (
        sum(booking[name] for booking in purchase["bookings"].values())
        for name in ("gross", "refunded", "disputed")
    )
    return gross, refunded, disputed


HOLDING_DISPUTES = ("needs_response", "under_review", "lost")


def expected_grant(stripe: StripeSimulator, session_id: str, quantity: int) -> tuple[int, int]:
    """Return the licenses a session pays for and the cents refunded, per the simulator's objects.

    These values are computed independently of the code under test.
    """
    session = stripe.find("checkout.session", session_id)
    if session["payment_status"] == "unpaid":
        return 0, 0
    total, intent = session["amount_total"], session["payment_intent"]
    refunds = [r for r in stripe.all("refund") if r["payment_intent"] == intent]
    alive = [r for r in refunds if r["status"] in ("pending", "succeeded")]
    refunded = sum(refund["amount"] for refund in alive)
    disputes = [d for d in stripe.all("dispute") if d["payment_intent"] == intent]
    if any(dispute["status"] in HOLDING_DISPUTES for dispute in disputes):
        return 0, refunded
    if total and refunded == total:
        return 0, refunded
    returned = sum(int(r["metadata"].get("licenses", 0)) for r in alive)
    unattributed = sum(r["amount"] for r in alive if "licenses" not in r["metadata"])
    kept = quantity - returned - (unattributed * quantity // total if unattributed else 0)
    return max(0, kept), refunded


def expected_money(stripe: StripeSimulator, session_id: str) -> tuple[int, int, int]:
    """Return the cents paid, refunded, and disputed, per the simulator's objects.

    These values are computed independently of the code under test.
    """
    session = stripe.find("checkout.session", session_id)
    if session["payment_status"] == "unpaid":
        return 0, 0, 0
    intent = session["payment_intent"]
    disputes = [d for d in stripe.all("dispute") if d["payment_intent"] == intent and intent]
    moved = [m["amount"] for dispute in disputes for m in dispute["balance_transactions"]]
    _, refunded = expected_grant(stripe, session_id, 0)
    return session["amount_total"], refunded, -sum(moved)
