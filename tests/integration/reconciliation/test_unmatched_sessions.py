"""Payments in Stripe that no purchase accounts for.

Either the purchase's row is gone, or it was restored from a backup older than the payment.
"""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.actors import Actor
from chalicelib.payments import listings
from chalicelib.services.purchases.checkout import read_purchase
from chalicelib.services.purchases.search import find_purchase
from chalicelib.services.purchases.settlement import settle
from chalicelib.services.refunds.refund_requests import refund_licenses
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.purchases import Purchase
from infra.local import table_edits
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.conftest import TestClock
from tests.integration.reconciliation.admin_client import (
    AdminClient,
    reseller_of,
    resolution_path,
)
from tests.support.people import People, Person
from tests.support.purchases import buy_and_pay


def the_purchase(seller: Person) -> Purchase:
    (purchase,) = Purchase.query(str(seller.reseller_id), consistent_read=True)
    return purchase


def remove_and_recreate(seller: Person, reconciliation: AdminClient) -> Purchase:
    table_edits.remove(the_purchase(seller))
    _, path = reconciliation.find_only("session_without_purchase")
    reconciliation.decide(path, "adopt")
    reconciliation.assert_clean()
    return the_purchase(seller)


def restore_older_rows(seller: Person) -> None:
    """Reset the row, ledger, and counter to their state just after the purchase was created."""
    purchase = the_purchase(seller)
    item = table_edits.read_item(purchase)
    for column in ("session_id", "checkout_url", "paid_at", "payment_intent_id", "credited_at"):
        item.pop(column, None)
    item |= {"status": {"S": "pending"}, "unsettled": {"S": "unsettled"}}
    item |= {"licenses_granted": {"N": "0"}, "amount_paid": {"N": "0"}, "bookings": {"M": {}}}
    table_edits.put(purchase, item)
    for entry in LedgerEntry.query(str(seller.reseller_id)):
        if entry.ref == purchase.id:
            table_edits.remove(entry)
    table_edits.edit(reseller_of(seller), license_count=5)


def test_a_session_missing_from_a_restored_row_is_settled_automatically(
    seller: Person, people: People, stripe: StripeSimulator, frozen: TestClock
) -> None:
    buy_and_pay(seller, stripe, 10)
    restore_older_rows(seller)
    frozen.advance(timedelta(days=2))
    reconciliation = AdminClient(people)
    finding = reconciliation.finding(reconciliation.run(), "session_without_purchase")
    assert finding["safe"]
    assert finding["evidence"]["amount"] == 20_000
    reconciliation.run(apply=True)
    assert the_purchase(seller).status == "paid"
    assert reseller_of(seller).license_count == 15
    reconciliation.run(apply=True)
    reconciliation.assert_clean()


def test_a_session_missing_from_a_restored_row_can_be_settled_by_a_person(
    seller: Person, people: People, stripe: StripeSimulator, frozen: TestClock
) -> None:
    buy_and_pay(seller, stripe, 10)
    restore_older_rows(seller)
    frozen.advance(timedelta(days=2))
    reconciliation = AdminClient(people)
    report = reconciliation.run()
    finding = reconciliation.finding(report, "session_without_purchase")
    path = resolution_path(report, finding)
    reconciliation.decide(path, "repair")
    assert reseller_of(seller).license_count == 15


def test_a_new_checkout_is_not_reported(
    seller: Person, reconciliation: AdminClient, stripe: StripeSimulator
) -> None:
    seller.api.post("/v1/resellers/me/purchases", {"quantity": 10})
    table_edits.edit(the_purchase(seller), session_id=None)
    assert reconciliation.run()["found"] == {}


def test_all_pages_of_sessions_are_checked(
    seller: Person, people: People, stripe: StripeSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listings, "PAGE", 2)
    for quantity in range(1, 6):
        buy_and_pay(seller, stripe, quantity)
    for purchase in Purchase.query(str(seller.reseller_id)):
        table_edits.remove(purchase)
    reconciliation = AdminClient(people)
    report = reconciliation.run()
    assert report["found"] == {"session_without_purchase": 5}


def test_recreating_a_purchase_keeps_licenses_returned_without_a_refund(
    seller: Person, reconciliation: AdminClient, stripe: StripeSimulator
) -> None:
    bought = buy_and_pay(seller, stripe, 10)
    # 9 licenses cost more than 10, so there is nothing to refund.
    refund_licenses(
        read_purchase(str(seller.reseller_id), bought["id"]), 1, reason="x", by=Actor("usr_1")
    )
    assert reseller_of(seller).license_count == 14
    recreated = remove_and_recreate(seller, reconciliation)
    assert (recreated.licenses_granted, recreated.returned) == (9, 1)
    assert reseller_of(seller).license_count == 14


def test_recreating_a_purchase_does_not_return_refunded_licenses_again(
    seller: Person, reconciliation: AdminClient, stripe: StripeSimulator
) -> None:
    bought = buy_and_pay(seller, stripe, 12)
    purchase = read_purchase(str(seller.reseller_id), bought["id"])
    refund_licenses(purchase, 2, reason="x", by=Actor("usr_1"))
    recreated = remove_and_recreate(seller, reconciliation)
    assert (recreated.licenses_granted, recreated.returned) == (10, 0)
    assert reseller_of(seller).license_count == 15


def test_recreating_a_purchase_does_not_treat_disputed_licenses_as_returned(
    seller: Person, reconciliation: AdminClient, stripe: StripeSimulator
) -> None:
    buy_and_pay(seller, stripe, 10)
    session_id = str(the_purchase(seller).session_id)
    dispute_id = stripe.open_dispute(session_id)["id"]
    settle(the_purchase(seller))
    recreated = remove_and_recreate(seller, reconciliation)
    assert (recreated.status, recreated.licenses_granted, recreated.returned) == ("disputed", 0, 0)
    stripe.win_dispute(dispute_id)
    settle(recreated)
    assert reseller_of(seller).license_count == 15


def test_a_recreated_purchase_keeps_its_month_and_bookings(
    seller: Person, people: People, stripe: StripeSimulator, frozen: TestClock
) -> None:
    frozen.current = datetime(2026, 10, 20, tzinfo=UTC)
    seller = people.reseller(licenses=5)
    bought = buy_and_pay(seller, stripe, 10)
    before = the_purchase(seller)
    frozen.current = datetime(2026, 11, 2, tzinfo=UTC)
    recreated = remove_and_recreate(seller, AdminClient(people))
    assert find_purchase(bought["id"]).reseller_id == seller.reseller_id
    assert (recreated.month, recreated.created_at) == ("2026-10", before.created_at)
    assert (recreated.bookings, recreated.credited_at) == (before.bookings, before.credited_at)


def test_a_recreated_purchase_keeps_the_price_that_was_paid(
    seller: Person, reconciliation: AdminClient, stripe: StripeSimulator
) -> None:
    buy_and_pay(seller, stripe, 10)
    tiers = the_purchase(seller).tiers
    assert remove_and_recreate(seller, reconciliation).tiers == tiers
    higher = [{"from": 1, "unit_amount": 9_900}]
    assert reconciliation.api.patch("/v1/settings", {"price_tiers": higher}).status == 200
    recreated = remove_and_recreate(seller, reconciliation)
    assert recreated.tiers == {"tiers": [{"from": 1, "unit_amount": 2_000}]}
