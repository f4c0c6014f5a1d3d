"""Wrong license counters: found, explained, and repaired by an admin through the API."""

import pytest

from chalicelib.storage.ledger import LedgerEntry
from infra.local import table_edits
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.integration.reconciliation.admin_client import (
    AdminClient,
    reseller_of,
    tenants_of,
)
from tests.support.people import Person
from tests.support.purchases import buy_and_pay


def test_consistent_tables_produce_no_findings(
    seller: Person, reconciliation: AdminClient, stripe: StripeSimulator
) -> None:
    buy_and_pay(seller, stripe, 10)
    report = reconciliation.run()
    assert (report["resellers"], report["tenants"], report["found"]) == (1, 2, {})
    assert report["notes"] == []


@pytest.mark.parametrize("used", [0, 1, 4, 99])
def test_a_wrong_used_count_is_found_and_repaired(
    seller: Person, reconciliation: AdminClient, used: int
) -> None:
    table_edits.edit(reseller_of(seller), license_used=used)
    report = reconciliation.run()
    finding = reconciliation.finding(report, "used_mismatch")
    assert finding["evidence"] == {"license_used": used, "tenants_holding": 2, "ledger_used": 2}
    assert finding["safe"]
    assert reseller_of(seller).license_used == used, "a dry run changes nothing"
    report = reconciliation.run(apply=True)
    assert report["repaired"] == {"used_mismatch": 1}
    assert reseller_of(seller).license_used == 2
    reconciliation.assert_clean()


def test_an_edited_count_can_be_adopted(seller: Person, reconciliation: AdminClient) -> None:
    table_edits.edit(reseller_of(seller), license_count=8)
    finding, path = reconciliation.find_only("count_unexplained")
    assert finding["evidence"] == {"license_count": 8, "explained": 5, "difference": 3}
    assert not finding["safe"]
    assert set(finding["actions"]) == {"adopt", "revert", "ignore"}
    decided = reconciliation.decide(path, "adopt")
    assert (decided["state"], decided["resolution"]) == ("repaired", "adopt")
    assert reseller_of(seller).license_count == 8
    entry = list(LedgerEntry.query(str(seller.reseller_id)))[-1]
    assert (entry.kind, entry.count_change, entry.reason) == ("sync", 3, "As agreed.")
    reconciliation.assert_clean()


def test_an_edited_count_can_be_reverted(seller: Person, reconciliation: AdminClient) -> None:
    table_edits.edit(reseller_of(seller), license_count=8)
    _, path = reconciliation.find_only("count_unexplained")
    reconciliation.decide(path, "revert")
    assert reseller_of(seller).license_count == 5
    reconciliation.assert_clean()


def test_an_edited_count_is_not_mistaken_for_a_lost_purchase_entry(
    seller: Person, reconciliation: AdminClient, stripe: StripeSimulator
) -> None:
    """The scheduled run credits the payment. An admin decides whether to keep the edited count."""
    buy_and_pay(seller, stripe, 10, deliver=False)
    table_edits.edit(reseller_of(seller), license_count=5 + 4)
    report = reconciliation.run(apply=True)
    assert report["repaired"] == {"purchase_uncredited": 1}
    assert reseller_of(seller).license_count == 5 + 4 + 10
    finding, path = reconciliation.find_only("count_unexplained")
    assert finding["evidence"]["difference"] == 4
    reconciliation.decide(path, "revert")
    assert reseller_of(seller).license_count == 5 + 10
    reconciliation.assert_clean()


def test_an_over_allocated_reseller_can_be_allocated_the_missing_licenses(
    seller: Person, reconciliation: AdminClient
) -> None:
    """A refund can over-allocate a reseller. No data is damaged, but an admin should know."""
    table_edits.edit(reseller_of(seller), license_count=1)
    for entry in LedgerEntry.query(str(seller.reseller_id)):
        if entry.kind == "allocation":
            table_edits.edit(entry, count_change=1)
    _, path = reconciliation.find_only("over_allocated")
    reconciliation.decide(path, "adopt")
    assert reseller_of(seller).license_count == 2
    reconciliation.assert_clean()


def test_a_wrong_license_flag_on_a_tenant_is_repaired(
    seller: Person, reconciliation: AdminClient
) -> None:
    table_edits.edit(tenants_of(seller)[0], holds_license=False)
    finding, path = reconciliation.find_only("tenant_holds_wrongly")
    assert finding["safe"]
    reconciliation.decide(path, "repair")
    assert all(t.holds_license for t in tenants_of(seller))
    reconciliation.assert_clean()
