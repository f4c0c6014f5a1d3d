"""Concurrent changes to one license pool by 16 threads."""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from pynamodb.models import Model

from app import app
from chalicelib.domain.actors import Actor
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
from tests.engine.concurrency import THREADS, check_counters, read_reseller, run_concurrently
from tests.support import purchase_fixtures
from tests.support.people import People

pytestmark = pytest.mark.engine


def create_tenant(reseller_id: str, number: int) -> bool:
    """Create a tenant, retrying while the service is busy; return whether a license was left."""
    while True:
        try:
            lifecycle.create_tenant(
                reseller_id,
                name=f"Tenant {number}",
                by=Actor("usr_engine"),
            )
        except Busy:
            continue
        except LicensesExhausted:
            return False
        return True


def test_a_webhook_delivered_a_hundred_times_credits_once(
    tables: None, stripe: StripeSimulator
) -> None:
    reseller = purchase_fixtures.create_reseller()
    purchase = checkout.buy_licenses(reseller, 12, by=Actor("usr_engine"))
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
        """Deliver the event until the response is 200, as Stripe does."""
        for attempts in range(20):
            if stripe_webhook(request, None)["statusCode"] == 200:
                return attempts
        raise AssertionError("The webhook never returned 200.")

    def open_return_page() -> Any:
        return current_purchase(reseller.id, purchase.id)[0].status

    page_loads: list[Callable[[], Any]] = [open_return_page] * 4
    sweeps: list[Callable[[], Any]] = [run_sweep] * 2
    results = run_concurrently([*[deliver] * 50, *page_loads, *sweeps, *[deliver] * 50])

    assert read_reseller(reseller.id).license_count == 12
    (credit,) = LedgerEntry.query(reseller.id, consistent_read=True)
    assert (credit.kind, credit.count_change) == (Kind.PURCHASE, 12)
    assert results[50:54] == ["paid"] * 4
    row = Purchase.get(reseller.id, purchase.id, consistent_read=True)
    assert (row.status, row.licenses_granted) == ("paid", 12)


def test_a_refund_settled_concurrently_takes_licenses_once(
    tables: None, stripe: StripeSimulator
) -> None:
    """Without a claim, only the condition on the purchase's version prevents a double debit."""
    reseller = purchase_fixtures.create_reseller()
    purchase = checkout.buy_licenses(reseller, 12, by=Actor("usr_engine"))
    stripe.pay(purchase.session_id or "")
    current_purchase(reseller.id, purchase.id)
    stripe.refund(purchase.session_id or "", 4_000)

    def settle_again() -> int:
        while True:
            try:
                return settle(checkout.read_purchase(reseller.id, purchase.id)).granted
            except Busy:
                continue

    granted = run_concurrently([settle_again] * 64)
    assert sum(granted) == -2
    assert read_reseller(reseller.id).license_count == 10
    check_counters(reseller.id)


def test_concurrent_creates_never_exceed_the_licenses_owned(tables: None, people: People) -> None:
    reseller_id = people.reseller(licenses=10).reseller_id or ""
    created = run_concurrently(
        [partial(create_tenant, reseller_id, number) for number in range(48)]
    )
    assert sum(created) == 10
    check_counters(reseller_id)
    assert read_reseller(reseller_id).license_used == 10


def test_concurrent_requests_with_one_idempotency_key_run_once(
    tables: None, people: People
) -> None:
    person = people.reseller(licenses=10)
    assert person.api.token is not None
    gateway = Gateway(app)
    headers = {
        "Authorization": f"Bearer {person.api.token}",
        "Content-Type": "application/json",
        "Idempotency-Key": "create-once",
    }
    body = json.dumps({"name": "Once"}).encode()

    def post() -> tuple[int, bytes]:
        while True:
            response = gateway.handle("POST", "/v1/resellers/me/tenants", headers, body)
            if response.status != 503:
                return response.status, response.body

    responses = run_concurrently([post] * THREADS)
    assert {status for status, _ in responses} == {201}
    assert len({json.loads(text)["id"] for _, text in responses}) == 1
    check_counters(person.reseller_id or "")
    assert read_reseller(person.reseller_id or "").license_used == 1


def test_concurrent_purchases_with_one_idempotency_key_open_one_checkout(
    tables: None, people: People, stripe: StripeSimulator
) -> None:
    """A purchase takes two transactions, with a call to Stripe between them."""
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
            response = gateway.handle(
                "POST", "/v1/resellers/me/purchases", headers, b'{"quantity": 7}'
            )
            if response.status != 503:
                return response.status, response.body

    responses = run_concurrently([post] * THREADS)
    assert {status for status, _ in responses} == {201}
    assert len({json.loads(text)["checkout_url"] for _, text in responses}) == 1
    assert len(stripe.all("checkout.session")) == 1
    assert len(list(Purchase.query(person.reseller_id or ""))) == 1


@pytest.mark.parametrize("owner", ["paid", "missing"])
def test_a_stale_checkout_claim_is_taken_over_once(
    tables: None, stripe: StripeSimulator, owner: str
) -> None:
    """A checkout claim can be stale if only its table was restored.

    All buyers get the same checkout.
    """
    reseller = purchase_fixtures.create_reseller()
    first = checkout.buy_licenses(reseller, 7, by=Actor("usr_engine"))
    claim = Claim.get(checkout_claim(reseller.id, 7), consistent_read=True)
    stripe.pay(first.session_id or "")
    settle(first)
    Model.save(claim)
    if owner == "missing":
        Model.delete(Purchase(reseller.id, first.id))

    def buy() -> str:
        while True:
            try:
                return checkout.buy_licenses(reseller, 7, by=Actor("usr_engine")).id
            except (Busy, VersionConflict):
                continue

    (second,) = set(run_concurrently([buy] * THREADS))
    assert second != first.id
    pending = [p for p in Purchase.query(reseller.id) if p.status == "pending"]
    assert [p.id for p in pending] == [second]
    assert len(stripe.all("checkout.session")) == 2


def test_licenses_in_use_are_not_removed_while_tenants_are_created(
    tables: None, people: People
) -> None:
    """Licenses in use are never removed, no matter which operation comes first."""
    reseller_id = people.reseller(licenses=20).reseller_id or ""

    def remove_license() -> bool:
        while True:
            try:
                row = accounts.read_reseller(reseller_id)
                accounts.adjust_licenses(row, -1, reason="Fewer", by=Actor("usr_admin"))
            except (VersionConflict, Busy):
                continue
            except LicenseCountBelowUsed:
                return False
            return True

    calls: list[Callable[[], Any]] = []
    for number in range(20):
        calls.append(partial(create_tenant, reseller_id, number))
        calls.append(remove_license)
    results = run_concurrently(calls)
    created, removed = sum(results[0::2]), sum(results[1::2])
    row = read_reseller(reseller_id)
    assert (row.license_used, row.license_count) == (created, 20 - removed)
    assert row.license_used == row.license_count
    check_counters(reseller_id)


def test_concurrent_refund_requests_pay_once(tables: None, stripe: StripeSimulator) -> None:
    """An admin submits the same refund repeatedly while the sweep runs."""
    from chalicelib.services.refunds.refund_requests import refund_licenses

    reseller = purchase_fixtures.create_reseller()
    purchase = checkout.buy_licenses(reseller, 100, by=Actor("usr_engine"))
    stripe.pay(purchase.session_id or "")
    current_purchase(reseller.id, purchase.id)

    def refund() -> None:
        row = checkout.read_purchase(reseller.id, purchase.id)
        with suppress(TenantryError):  # too few licenses left, or another refund in progress
            refund_licenses(row, 91, reason="Too many", by=Actor("usr_admin"))

    run_concurrently([*[refund] * 8, run_sweep, *[refund] * 7])
    run_sweep()
    assert [r["amount"] for r in stripe.all("refund")] == [127_500]
    row = Purchase.get(reseller.id, purchase.id, consistent_read=True)
    assert (row.licenses_granted, row.amount_refunded) == (9, 127_500)
    assert row.open_refund is None
    check_counters(reseller.id)
