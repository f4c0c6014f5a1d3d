"""Purchases that differ from what Stripe says."""

import pytest

from chalicelib.services.purchases.settlement import settle
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.purchases import Purchase
from infra.local import table_edits
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.integration.reconciliation.admin_client import ReconciliationClient, reseller_of
from tests.support.people import Person
from tests.support.purchases import buy_and_pay


def the_purchase(seller: Person) -> Purchase:
    (purchase,) = Purchase.query(str(seller.reseller_id), consistent_read=True)
    return purchase


def test_a_paid_purchase_that_nobody_heard_of(
    seller: Person, desk: ReconciliationClient, stripe: StripeSimulator
) -> None:
    buy_and_pay(seller, stripe, 10, deliver=False)
    found, where = desk.only("purchase_uncredited")
    assert found["evidence"]["worth_by_stripe"] == 10
    assert found["safe"]
    desk.decide(where, "repair")
    assert reseller_of(seller).license_count == 15
    desk.assert_clean()


def test_a_purchase_whose_ledger_entry_was_deleted_is_not_credited_twice(
    seller: Person, desk: ReconciliationClient, stripe: StripeSimulator
) -> None:
    buy_and_pay(seller, stripe, 10)
    for entry in LedgerEntry.query(str(seller.reseller_id)):
        if entry.kind == "purchase":
            table_edits.remove(entry)
    found, where = desk.only("purchase_uncredited")
    assert not found["safe"]
    desk.decide(where, "repair")
    assert reseller_of(seller).license_count == 15
    desk.assert_clean()


def test_a_forged_purchase_is_taken_back(
    seller: Person, desk: ReconciliationClient, stripe: StripeSimulator
) -> None:
    seller.api.post("/v1/resellers/me/purchases", {"quantity": 10})
    purchase = the_purchase(seller)
    table_edits.edit(purchase, status="paid", licenses_granted=10, unsettled=None)
    table_edits.edit(reseller_of(seller), license_count=15)
    codes = {f["code"] for f in desk.findings(desk.run())}
    assert codes == {"count_unexplained", "stuck_purchase", "orphan_claim"}
    for code, action in (("stuck_purchase", "repair"), ("count_unexplained", "revert")):
        report = desk.run()
        found = next(f for f in desk.findings(report) if f["code"] == code)
        where = f"/v1/reconciliations/{report['id']}/findings/{found['id']}/resolution"
        desk.decide(where, action)
    assert reseller_of(seller).license_count == 5
    assert the_purchase(seller).status == "pending"
    desk.assert_clean()


def test_a_purchase_hidden_from_the_sweep(
    seller: Person, desk: ReconciliationClient, stripe: StripeSimulator
) -> None:
    seller.api.post("/v1/resellers/me/purchases", {"quantity": 10})
    table_edits.edit(the_purchase(seller), unsettled=None)
    _, where = desk.only("stuck_purchase")
    desk.decide(where, "repair")
    assert the_purchase(seller).unsettled is not None
    desk.assert_clean()


def test_session_without_purchase(
    seller: Person, desk: ReconciliationClient, stripe: StripeSimulator
) -> None:
    buy_and_pay(seller, stripe, 10)
    table_edits.remove(the_purchase(seller))
    _, where = desk.only("session_without_purchase")
    desk.decide(where, "adopt")
    assert the_purchase(seller).licenses_granted == 10
    assert reseller_of(seller).license_count == 15
    desk.assert_clean()


def test_a_purchase_twice(
    seller: Person, desk: ReconciliationClient, stripe: StripeSimulator
) -> None:
    buy_and_pay(seller, stripe, 10)
    table_edits.duplicate(the_purchase(seller), id="pur_twice")
    _, where = desk.only("stuck_purchase")
    desk.decide(where, "delete")
    desk.assert_clean()


@pytest.mark.parametrize("first", ["whole", "partial"])
@pytest.mark.parametrize("then", ["whole", "partial"])
def test_what_is_left_alone_is_left_alone_by_night_and_by_the_hour(
    seller: Person, desk: ReconciliationClient, stripe: StripeSimulator, first: str, then: str
) -> None:
    """A run by the hour does not ask Stripe; it is the same purchase nevertheless."""
    bought = seller.api.post("/v1/resellers/me/purchases", {"quantity": 10}).json
    table_edits.edit(the_purchase(seller), total=15_000)
    stripe.pay(bought["checkout_url"].rsplit("/", 1)[1])
    settle(the_purchase(seller))
    report = desk.run(scope=first)
    (found,) = desk.findings(report)
    assert "Paid, but not as quoted" in found["what"]
    where = f"/v1/reconciliations/{report['id']}/findings/{found['id']}/resolution"
    desk.decide(where, "ignore")
    report = desk.run(scope=then)
    assert (report["found"], report["ignored"]) == ({}, 1)


def test_paid_twice_waits_for_a_person(
    seller: Person, desk: ReconciliationClient, stripe: StripeSimulator
) -> None:
    seller.api.post("/v1/resellers/me/purchases", {"quantity": 10})
    first = str(the_purchase(seller).session_id)
    table_edits.edit(the_purchase(seller), session_id=None, checkout_url=None, checkout_attempt=1)
    seller.api.post("/v1/resellers/me/purchases", {"quantity": 10})
    stripe.pay(first)
    stripe.pay(str(the_purchase(seller).session_id))
    settle(the_purchase(seller), session_id=first)
    desk.run(apply=True)
    found, _ = desk.only("stuck_purchase")
    assert found["evidence"]["paid_elsewhere"] == 20_000
    assert first in found["what"]
    assert not found["safe"]
    stripe.refund(first)
    settle(the_purchase(seller))
    desk.assert_clean()
