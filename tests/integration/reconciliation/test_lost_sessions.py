"""Money at Stripe that no purchase accounts for: its row is gone, or was put back from a
backup that is older than the payment."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.payments import listings
from chalicelib.services import platform
from chalicelib.services.purchase_search import find_purchase
from chalicelib.services.purchases import read_purchase
from chalicelib.services.refunds import refund_licenses
from chalicelib.services.settlement import settle
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.purchases import Purchase
from infra.local import damage
from infra.local.stripe_stand_in.stand_in import StripeStandIn
from tests.conftest import TestClock
from tests.integration.reconciliation.desk import Desk, reseller_of
from tests.support.people import People, Person
from tests.support.purchases import buy_and_pay


def the_purchase(seller: Person) -> Purchase:
    (purchase,) = Purchase.query(str(seller.reseller_id), consistent_read=True)
    return purchase


def lose_and_adopt(seller: Person, desk: Desk) -> Purchase:
    damage.remove(the_purchase(seller))
    _, where = desk.only("session_without_purchase")
    desk.decide(where, "adopt")
    desk.assert_clean()
    return the_purchase(seller)


def put_back(seller: Person) -> None:
    """Row, ledger and pool as they were when the purchase had just been begun."""
    purchase = the_purchase(seller)
    item = damage.stored(purchase)
    for column in ("session_id", "checkout_url", "paid_at", "payment_intent_id", "credited_at"):
        item.pop(column, None)
    item |= {"status": {"S": "pending"}, "unsettled": {"S": "unsettled"}}
    item |= {"licenses_granted": {"N": "0"}, "amount_paid": {"N": "0"}, "bookings": {"M": {}}}
    damage.put(purchase, item)
    for entry in LedgerEntry.query(str(seller.reseller_id)):
        if entry.ref == purchase.id:
            damage.remove(entry)
    damage.edit(reseller_of(seller), license_count=5)


def test_a_row_put_back_from_before_its_session(
    seller: Person, people: People, stripe: StripeStandIn, frozen: TestClock
) -> None:
    buy_and_pay(seller, stripe, 10)
    put_back(seller)
    frozen.advance(timedelta(days=2))
    desk = Desk(people)
    (found,) = (f for f in desk.findings(desk.run()) if f["code"] == "session_without_purchase")
    assert found["safe"]
    assert found["evidence"]["amount"] == 20_000
    desk.run(apply=True)
    assert the_purchase(seller).status == "paid"
    assert reseller_of(seller).license_count == 15
    desk.run(apply=True)
    desk.assert_clean()


def test_a_person_may_decide_it_too(
    seller: Person, people: People, stripe: StripeStandIn, frozen: TestClock
) -> None:
    buy_and_pay(seller, stripe, 10)
    put_back(seller)
    frozen.advance(timedelta(days=2))
    desk = Desk(people)
    report = desk.run()
    (found,) = (f for f in desk.findings(report) if f["code"] == "session_without_purchase")
    where = f"/v1/reconciliations/{report['id']}/findings/{found['id']}/resolution"
    desk.decide(where, "repair")
    assert reseller_of(seller).license_count == 15


def test_a_checkout_that_was_just_begun_is_no_finding(
    seller: Person, desk: Desk, stripe: StripeStandIn
) -> None:
    seller.api.post("/v1/resellers/me/purchases", {"quantity": 10})
    damage.edit(the_purchase(seller), session_id=None)
    assert desk.run()["found"] == {}


def test_sessions_are_listed_a_page_at_a_time(
    seller: Person, people: People, stripe: StripeStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listings, "PAGE", 2)
    for quantity in range(1, 6):
        buy_and_pay(seller, stripe, quantity)
    for purchase in Purchase.query(str(seller.reseller_id)):
        damage.remove(purchase)
    desk = Desk(people)
    report = desk.run()
    assert report["found"] == {"session_without_purchase": 5}


def test_what_was_given_back_for_no_money_is_remembered(
    seller: Person, desk: Desk, stripe: StripeStandIn
) -> None:
    bought = buy_and_pay(seller, stripe, 10)  # 9 cost more than 10: nothing is paid back
    refund_licenses(read_purchase(str(seller.reseller_id), bought["id"]), 1, reason="x", by="usr_1")
    assert reseller_of(seller).license_count == 14
    adopted = lose_and_adopt(seller, desk)
    assert (adopted.licenses_granted, adopted.returned) == (9, 1)
    assert reseller_of(seller).license_count == 14


def test_what_stripe_refunded_is_not_given_back_twice(
    seller: Person, desk: Desk, stripe: StripeStandIn
) -> None:
    bought = buy_and_pay(seller, stripe, 12)
    purchase = read_purchase(str(seller.reseller_id), bought["id"])
    refund_licenses(purchase, 2, reason="x", by="usr_1")
    adopted = lose_and_adopt(seller, desk)
    assert (adopted.licenses_granted, adopted.returned) == (10, 0)
    assert reseller_of(seller).license_count == 15


def test_what_a_dispute_holds_was_not_given_back(
    seller: Person, desk: Desk, stripe: StripeStandIn
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
    seller: Person, people: People, stripe: StripeStandIn, frozen: TestClock
) -> None:
    frozen.moment = datetime(2026, 10, 20, tzinfo=UTC)
    seller = people.reseller(licenses=5)
    bought = buy_and_pay(seller, stripe, 10)
    before = the_purchase(seller)
    frozen.moment = datetime(2026, 11, 2, tzinfo=UTC)
    adopted = lose_and_adopt(seller, Desk(people))
    assert find_purchase(bought["id"]).reseller_id == seller.reseller_id
    assert (adopted.month, adopted.created_at) == ("2026-10", before.created_at)
    assert (adopted.bookings, adopted.credited_at) == (before.bookings, before.credited_at)


def test_an_adopted_purchase_goes_by_the_price_that_it_was_paid_at(
    seller: Person, desk: Desk, stripe: StripeStandIn
) -> None:
    buy_and_pay(seller, stripe, 10)
    tiers = the_purchase(seller).tiers
    assert lose_and_adopt(seller, desk).tiers == tiers
    dearer = [{"from": 1, "unit_amount": 9_900}]
    assert desk.api.patch("/v1/settings", {"price_tiers": dearer}).status == 200
    platform.forget()
    adopted = lose_and_adopt(seller, desk)
    assert adopted.tiers == {"tiers": [{"from": 1, "unit_amount": 2_000}]}
