"""What happens at the same moment, on Amazon's own engine: 16 threads at one row."""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from app import app
from chalicelib.domain.ledger import Kind
from chalicelib.errors import (
    Busy,
    LicenseCountBelowUsed,
    LicensesExhausted,
    TenantryError,
    VersionConflict,
)
from chalicelib.functions.stripe_webhook import stripe_webhook
from chalicelib.services.purchases import checkout
from chalicelib.services.purchases.checkout import current_purchase
from chalicelib.services.purchases.settlement import settle
from chalicelib.services.resellers import accounts
from chalicelib.services.stripe_sync.sweep import run_sweep
from chalicelib.services.tenants import lifecycle
from chalicelib.storage.claims import Claim
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.purchases import Purchase, checkout_claim
from infra.local.gateway import Gateway
from infra.local.stripe_simulator import StripeSimulator
from tests.engine.concurrency import THREADS, account, all_at_once, check_books
from tests.support import purchase_fixtures
from tests.support.people import People

pytestmark = pytest.mark.engine


def create_tenant(reseller_id: str, number: int) -> bool:
    """A busy answer is an invitation to try again."""
    while True:
        try:
            lifecycle.create_tenant(
                reseller_id,
                name=f"Tenant {number}",
                slug=None,
                contact_email=None,
                branding_config={},
                by="usr_engine",
            )
        except Busy:
            continue
        except LicensesExhausted:
            return False
        return True


def test_one_webhook_a_hundred_times(tables: None, stripe: StripeSimulator) -> None:
    reseller = purchase_fixtures.create_reseller()
    purchase = checkout.buy_licenses(reseller, 12, by="usr_engine")
    stripe.pay(purchase.session_id or "")
    (event,) = stripe.events("checkout.session.completed")
    headers, body = stripe.signed(event)
    request = {
        "headers": {name.lower(): value for name, value in headers.items()},
        "requestContext": {"http": {"method": "POST"}},
        "body": body.decode(),
        "isBase64Encoded": False,
    }

    def deliver() -> int:
        """As Stripe does: again, until the answer is 2xx."""
        for attempts in range(20):
            if stripe_webhook(request, None)["statusCode"] == 200:
                return attempts
        raise AssertionError("never answered 200")

    def land() -> Any:
        return current_purchase(reseller.id, purchase.id)[0].status

    landing: list[Callable[[], Any]] = [land] * 4
    sweeping: list[Callable[[], Any]] = [run_sweep] * 2
    done = all_at_once([*[deliver] * 50, *landing, *sweeping, *[deliver] * 50])

    assert account(reseller.id).license_count == 12
    (credit,) = LedgerEntry.query(reseller.id, consistent_read=True)
    assert (credit.kind, credit.count_change) == (Kind.PURCHASE, 12)
    assert done[50:54] == ["paid"] * 4
    row = Purchase.get(reseller.id, purchase.id, consistent_read=True)
    assert (row.status, row.licenses_granted) == ("paid", 12)


def test_one_refund_seen_by_everybody(tables: None, stripe: StripeSimulator) -> None:
    """No claim stands in the way here: the purchase's version alone keeps it to one."""
    reseller = purchase_fixtures.create_reseller()
    purchase = checkout.buy_licenses(reseller, 12, by="usr_engine")
    stripe.pay(purchase.session_id or "")
    current_purchase(reseller.id, purchase.id)
    stripe.refund(purchase.session_id or "", 4_000)

    def look() -> int:
        while True:
            try:
                return settle(checkout.read_purchase(reseller.id, purchase.id)).granted
            except Busy:
                continue

    moved = all_at_once([look] * 64)
    assert sum(moved) == -2
    assert account(reseller.id).license_count == 10
    check_books(reseller.id)


def test_ten_licenses_for_sixteen_threads(tables: None, people: People) -> None:
    reseller_id = people.reseller(licenses=10).reseller_id or ""
    created = all_at_once([partial(create_tenant, reseller_id, number) for number in range(48)])
    assert sum(created) == 10
    check_books(reseller_id)
    assert account(reseller_id).license_used == 10


def test_one_key_sixteen_times_at_once(tables: None, people: People) -> None:
    person = people.reseller(licenses=10)
    assert person.api.token is not None
    gateway = Gateway(app)
    headers = {
        "Authorization": f"Bearer {person.api.token}",
        "Content-Type": "application/json",
        "Idempotency-Key": "once-and-only-once",
    }
    body = json.dumps({"name": "Once"}).encode()

    def post() -> tuple[int, bytes]:
        while True:
            answer = gateway.handle("POST", "/v1/resellers/me/tenants", headers, body)
            if answer.status != 503:
                return answer.status, answer.body

    answers = all_at_once([post] * THREADS)
    assert {status for status, _ in answers} == {201}
    assert len({json.loads(text)["id"] for _, text in answers}) == 1
    check_books(person.reseller_id or "")
    assert account(person.reseller_id or "").license_used == 1


def test_one_key_buys_one_checkout(tables: None, people: People, stripe: StripeSimulator) -> None:
    """Two steps with Stripe between them, sixteen times at once."""
    person = people.reseller()
    assert person.api.token is not None
    gateway = Gateway(app)
    headers = {
        "Authorization": f"Bearer {person.api.token}",
        "Content-Type": "application/json",
        "Idempotency-Key": "one-checkout",
    }

    def post() -> tuple[int, bytes]:
        while True:
            answer = gateway.handle(
                "POST", "/v1/resellers/me/purchases", headers, b'{"quantity": 7}'
            )
            if answer.status != 503:
                return answer.status, answer.body

    answers = all_at_once([post] * THREADS)
    assert {status for status, _ in answers} == {201}
    assert len({json.loads(text)["checkout_url"] for _, text in answers}) == 1
    assert len(stripe.all("checkout.session")) == 1
    assert len(list(Purchase.query(person.reseller_id or ""))) == 1


@pytest.mark.parametrize("owner", ["paid", "gone"])
def test_a_claim_left_behind_is_taken_over_once(
    tables: None, stripe: StripeSimulator, owner: str
) -> None:
    """As a table restored alone leaves it; sixteen orders at once make one checkout."""
    reseller = purchase_fixtures.create_reseller()
    first = checkout.buy_licenses(reseller, 7, by="usr_engine")
    claim = Claim.get(checkout_claim(reseller.id, 7), consistent_read=True)
    stripe.pay(first.session_id or "")
    settle(first)
    claim.save()
    if owner == "gone":
        Purchase(reseller.id, first.id).delete()

    def buy() -> str:
        while True:
            try:
                return checkout.buy_licenses(reseller, 7, by="usr_engine").id
            except (Busy, VersionConflict):
                continue

    (second,) = set(all_at_once([buy] * THREADS))
    assert second != first.id
    pending = [p for p in Purchase.query(reseller.id) if p.status == "pending"]
    assert [p.id for p in pending] == [second]
    assert len(stripe.all("checkout.session")) == 2


def test_takes_against_an_admin_who_takes_back(tables: None, people: People) -> None:
    """Whoever wins, nothing in use is ever revoked."""
    reseller_id = people.reseller(licenses=20).reseller_id or ""

    def take_back() -> bool:
        while True:
            try:
                row = accounts.read_reseller(reseller_id)
                accounts.adjust_licenses(row, -1, reason="Fewer", by="usr_admin")
            except (VersionConflict, Busy):
                continue
            except LicenseCountBelowUsed:
                return False
            return True

    calls: list[Callable[[], Any]] = []
    for number in range(20):
        calls.append(partial(create_tenant, reseller_id, number))
        calls.append(take_back)
    done = all_at_once(calls)
    created, revoked = sum(done[0::2]), sum(done[1::2])
    row = account(reseller_id)
    assert (row.license_used, row.license_count) == (created, 20 - revoked)
    assert row.license_used == row.license_count
    check_books(reseller_id)


def test_refunds_at_once_pay_back_once(tables: None, stripe: StripeSimulator) -> None:
    """An admin's impatient finger, and the sweep on top of it."""
    from chalicelib.services.refunds.refund_requests import refund_licenses

    reseller = purchase_fixtures.create_reseller()
    purchase = checkout.buy_licenses(reseller, 100, by="usr_engine")
    stripe.pay(purchase.session_id or "")
    current_purchase(reseller.id, purchase.id)

    def refund() -> None:
        row = checkout.read_purchase(reseller.id, purchase.id)
        with suppress(TenantryError):  # there are not 91 left, or another is under way
            refund_licenses(row, 91, reason="Too many", by="usr_admin")

    all_at_once([*[refund] * 8, run_sweep, *[refund] * 7])
    run_sweep()
    assert [r["amount"] for r in stripe.all("refund")] == [127_500]
    row = Purchase.get(reseller.id, purchase.id, consistent_read=True)
    assert (row.licenses_granted, row.amount_refunded) == (9, 127_500)
    assert row.open_refund is None
    check_books(reseller.id)
