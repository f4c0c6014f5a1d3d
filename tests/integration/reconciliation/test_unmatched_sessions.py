"""Money at Stripe that no purchase accounts for: its row is gone, or was put back from a
backup that is older than the payment."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.payments import listings
from chalicelib.services.purchases.checkout import read_purchase
from chalicelib.services.purchases.search import find_purchase
from chalicelib.services.purchases.settlement import settle
from chalicelib.services.refunds.refund_requests import refund_licenses
from chalicelib.services.settings import platform_settings
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.purchases import Purchase
from infra.local import table_edits
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.conftest import TestClock
from tests.integration.reconciliation.admin_client import ReconciliationClient, reseller_of
from tests.support.people import People, Person
from tests.support.purchases import buy_and_pay


def the_purchase(seller: Person) -> Purchase:
    (purchase,) = Purchase.query(str(seller.reseller_id), consistent_read=True)
    return purchase


def lose_and_adopt(seller: Person, desk: ReconciliationClient) -> Purchase:
    table_edits.remove(the_purchase(seller))
    _, where = desk.only("session_without_purchase")
    desk.decide(where, "adopt")
    desk.assert_clean()
    return the_purchase(seller)


def restore_older_rows(seller: Person) -> None:
    """Row, ledger and pool as they were when the purchase had just been begun."""
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


def test_a_row_restored_from_before_its_session(
    seller: Person, people: People, stripe: StripeSimulator, frozen: TestClock
) -> None:
    buy_and_pay(seller, stripe, 10)
    restore_older_rows(seller)
    frozen.advance(timedelta(days=2))
    desk = ReconciliationClient(people)
    (found,) = (f for f in desk.findings(desk.run()) if f["code"] == "session_without_purchase")
    assert found["safe"]
    assert found["evidence"]["amount"] == 20_000
    desk.run(apply=True)
    assert the_purchase(seller).status == "paid"
    assert reseller_of(seller).license_count == 15
    desk.run(apply=True)
    desk.assert_clean()


def test_a_person_may_decide_it_too(
    seller: Person, people: People, stripe: StripeSimulator, frozen: TestClock
) -> None:
    buy_and_pay(seller, stripe, 10)
    restore_older_rows(seller)
    frozen.advance(timedelta(days=2))
    desk = ReconciliationClient(people)
    report = desk.run()
    (found,) = (f for f in desk.findings(report) if f["code"] == "session_without_purchase")
    where = f"/v1/reconciliations/{report['id']}/findings/{found['id']}/resolution"
    desk.decide(where, "repair")
    assert reseller_of(seller).license_count == 15


def test_a_checkout_that_was_just_begun_is_no_finding(
    seller: Person, desk: ReconciliationClient, stripe: StripeSimulator
) -> None:
    seller.api.post("/v1/resellers/me/purchases", {"quantity": 10})
    table_edits.edit(the_purchase(seller), session_id=None)
    assert desk.run()["found"] == {}


def test_sessions_are_listed_a_page_at_a_time(
    seller: Person, people: People, stripe: StripeSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listings, "PAGE", 2)
    for quantity in range(1, 6):
        buy_and_pay(seller, stripe, quantity)
    for purchase in Purchase.query(str(seller.reseller_id)):
        table_edits.remove(purchase)
    desk = ReconciliationClient(people)
    report = desk.run()
    assert report["found"] == {"session_without_purchase": 5}


def test_what_was_given_back_for_no_money_is_remembered(
    seller: Person, desk: ReconciliationClient, stripe: StripeSimulator
) -> None:
    bought = buy_and_pay(seller, stripe, 10)  # 9 cost more than 10: nothing is paid back
    refund_licenses(read_purchase(str(seller.reseller_id), bought["id"]), 1, reason="x", by="usr_1")
    assert reseller_of(seller).license_count == 14
    adopted = lose_and_adopt(seller, desk)
    assert (adopted.licenses_granted, adopted.returned) == (9, 1)
    assert reseller_of(seller).license_count == 14


def test_what_stripe_refunded_is_not_given_back_twice(
    seller: Person, desk: ReconciliationClient, stripe: StripeSimulator
) -> None:
    bought = buy_and_pay(seller, stripe, 12)
    purchase = read_purchase(str(seller.reseller_id), bought["id"])
    refund_licenses(purchase, 2, reason="x", by="usr_1")
    adopted = lose_and_adopt(seller, desk)
    assert (adopted.licenses_granted, adopted.returned) == (10, 0)
    assert reseller_of(seller).license_count == 15


def test_what_a_dispute_holds_was_not_given_back(
    seller: Person, desk: ReconciliationClient, stripe: StripeSimulator
) -> None:
    buy_and_pay(seller, stripe, 10)
    session_id = str(the_purchase(seller).session_id)
    dispute_id = stripe.open_dispute(session_id)["id"]
    settle(the_purchase(seller))
    adopted = lose_and_adopt(seller, desk)
    assert (adopted.status, adopted.licenses_granted, adopted.returned) == ("disputed", 0, 0)
    stripe.win_dispute(dispute_id)
    settle(adopted)
    assert reseller_of(seller).license_count == 15


def test_an_adopted_purchase_keeps_its_month_and_its_books(
    seller: Person, people: People, stripe: StripeSimulator, frozen: TestClock
) -> None:
    frozen.moment = datetime(2026, 10, 20, tzinfo=UTC)
    seller = people.reseller(licenses=5)
    bought = buy_and_pay(seller, stripe, 10)
    before = the_purchase(seller)
    frozen.moment = datetime(2026, 11, 2, tzinfo=UTC)
    adopted = lose_and_adopt(seller, ReconciliationClient(people))
    assert find_purchase(bought["id"]).reseller_id == seller.reseller_id
    assert (adopted.month, adopted.created_at) == ("2026-10", before.created_at)
    assert (adopted.bookings, adopted.credited_at) == (before.bookings, before.credited_at)


def test_an_adopted_purchase_goes_by_the_price_that_it_was_paid_at(
    seller: Person, desk: ReconciliationClient, stripe: StripeSimulator
) -> None:
    buy_and_pay(seller, stripe, 10)
    tiers = the_purchase(seller).tiers
    assert lose_and_adopt(seller, desk).tiers == tiers
    dearer = [{"from": 1, "unit_amount": 9_900}]
    assert desk.api.patch("/v1/settings", {"price_tiers": dearer}).status == 200
    platform_settings.clear_cache()
    adopted = lose_and_adopt(seller, desk)
    assert adopted.tiers == {"tiers": [{"from": 1, "unit_amount": 2_000}]}
