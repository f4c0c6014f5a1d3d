"""Purchases that differ from their sessions in Stripe."""

import pytest

from chalicelib.services.purchases.settlement import settle
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.purchases import Purchase
from infra.local import table_edits
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.integration.reconciliation.admin_client import (
    AdminClient,
    reseller_of,
    resolution_path,
)
from tests.support.people import Person
from tests.support.purchases import buy_and_pay


def the_purchase(seller: Person) -> Purchase:
    (purchase,) = Purchase.query(str(seller.reseller_id), consistent_read=True)
    return purchase


def test_a_payment_without_a_webhook_is_credited(
    seller: Person, reconciliation: AdminClient, stripe: StripeSimulator
) -> None:
    buy_and_pay(seller, stripe, 10, deliver=False)
    finding, path = reconciliation.find_only("purchase_uncredited")
    assert finding["evidence"]["worth_by_stripe"] == 10
    assert finding["safe"]
    reconciliation.decide(path, "repair")
    assert reseller_of(seller).license_count == 15
    reconciliation.assert_clean()


def test_a_purchase_whose_ledger_entry_was_deleted_is_not_credited_twice(
    seller: Person, reconciliation: AdminClient, stripe: StripeSimulator
) -> None:
    buy_and_pay(seller, stripe, 10)
    for entry in LedgerEntry.query(str(seller.reseller_id)):
        if entry.kind == "purchase":
            table_edits.remove(entry)
    finding, path = reconciliation.find_only("purchase_uncredited")
    assert not finding["safe"]
    reconciliation.decide(path, "repair")
    assert reseller_of(seller).license_count == 15
    reconciliation.assert_clean()


def test_a_forged_purchase_is_reverted(
    seller: Person, reconciliation: AdminClient, stripe: StripeSimulator
) -> None:
    seller.api.post("/v1/resellers/me/purchases", {"quantity": 10})
    purchase = the_purchase(seller)
    table_edits.edit(purchase, status="paid", licenses_granted=10, unsettled=None)
    table_edits.edit(reseller_of(seller), license_count=15)
    codes = {f["code"] for f in reconciliation.findings(reconciliation.run())}
    assert codes == {"count_unexplained", "stuck_purchase", "orphan_claim"}
    for code, action in (("stuck_purchase", "repair"), ("count_unexplained", "revert")):
        report = reconciliation.run()
        finding = reconciliation.finding(report, code)
        path = resolution_path(report, finding)
        reconciliation.decide(path, action)
    assert reseller_of(seller).license_count == 5
    assert the_purchase(seller).status == "pending"
    reconciliation.assert_clean()


def test_a_purchase_missing_from_the_sweeps_index_is_repaired(
    seller: Person, reconciliation: AdminClient, stripe: StripeSimulator
) -> None:
    seller.api.post("/v1/resellers/me/purchases", {"quantity": 10})
    table_edits.edit(the_purchase(seller), unsettled=None)
    _, path = reconciliation.find_only("stuck_purchase")
    reconciliation.decide(path, "repair")
    assert the_purchase(seller).unsettled is not None
    reconciliation.assert_clean()


def test_a_lost_purchase_is_recreated_from_its_session(
    seller: Person, reconciliation: AdminClient, stripe: StripeSimulator
) -> None:
    buy_and_pay(seller, stripe, 10)
    table_edits.remove(the_purchase(seller))
    _, path = reconciliation.find_only("session_without_purchase")
    reconciliation.decide(path, "adopt")
    assert the_purchase(seller).licenses_granted == 10
    assert reseller_of(seller).license_count == 15
    reconciliation.assert_clean()


def test_a_duplicated_purchase_can_be_deleted(
    seller: Person, reconciliation: AdminClient, stripe: StripeSimulator
) -> None:
    buy_and_pay(seller, stripe, 10)
    table_edits.duplicate(the_purchase(seller), id="pur_copy")
    _, path = reconciliation.find_only("stuck_purchase")
    reconciliation.decide(path, "delete")
    reconciliation.assert_clean()


@pytest.mark.parametrize("first", ["whole", "partial"])
@pytest.mark.parametrize("then", ["whole", "partial"])
def test_an_ignored_purchase_stays_ignored_in_nightly_and_hourly_runs(
    seller: Person,
    reconciliation: AdminClient,
    stripe: StripeSimulator,
    first: str,
    then: str,
) -> None:
    """Hourly runs don't query Stripe, but the finding must have the same fingerprint."""
    bought = seller.api.post("/v1/resellers/me/purchases", {"quantity": 10}).json
    table_edits.edit(the_purchase(seller), total=15_000)
    stripe.pay(bought["checkout_url"].rsplit("/", 1)[1])
    settle(the_purchase(seller))
    report = reconciliation.run(scope=first)
    (finding,) = reconciliation.findings(report)
    assert "The payment doesn't match the quote" in finding["what"]
    path = resolution_path(report, finding)
    reconciliation.decide(path, "ignore")
    report = reconciliation.run(scope=then)
    assert (report["found"], report["ignored"]) == ({}, 1)


def test_a_purchase_that_was_paid_twice_waits_for_a_person(
    seller: Person, reconciliation: AdminClient, stripe: StripeSimulator
) -> None:
    seller.api.post("/v1/resellers/me/purchases", {"quantity": 10})
    first = str(the_purchase(seller).session_id)
    table_edits.edit(the_purchase(seller), session_id=None, checkout_url=None, checkout_attempt=1)
    seller.api.post("/v1/resellers/me/purchases", {"quantity": 10})
    stripe.pay(first)
    stripe.pay(str(the_purchase(seller).session_id))
    settle(the_purchase(seller), session_id=first)
    reconciliation.run(apply=True)
    finding, _ = reconciliation.find_only("stuck_purchase")
    assert finding["evidence"]["paid_elsewhere"] == 20_000
    assert first in finding["what"]
    assert not finding["safe"]
    stripe.refund(first)
    settle(the_purchase(seller))
    reconciliation.assert_clean()
