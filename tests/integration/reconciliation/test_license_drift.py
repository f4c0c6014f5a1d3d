"""Licenses that drifted, seen by an admin over HTTP: found, explained, mended."""

import pytest

from chalicelib.storage.ledger import LedgerEntry
from infra.local import table_edits
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.integration.reconciliation.admin_client import (
    ReconciliationClient,
    reseller_of,
    tenants_of,
)
from tests.support.people import Person
from tests.support.purchases import buy_and_pay


def test_nothing_is_found_where_nothing_is_wrong(
    seller: Person, desk: ReconciliationClient, stripe: StripeSimulator
) -> None:
    buy_and_pay(seller, stripe, 10)
    report = desk.run()
    assert (report["resellers"], report["tenants"], report["found"]) == (1, 2, {})
    assert report["notes"] == []


@pytest.mark.parametrize("used", [0, 1, 4, 99])
def test_used_mismatch(seller: Person, desk: ReconciliationClient, used: int) -> None:
    table_edits.edit(reseller_of(seller), license_used=used)
    report = desk.run()
    found = next(f for f in desk.findings(report) if f["code"] == "used_mismatch")
    assert found["evidence"] == {"license_used": used, "tenants_holding": 2, "ledger_used": 2}
    assert found["safe"]
    assert reseller_of(seller).license_used == used, "a dry run changes nothing"
    report = desk.run(apply=True)
    assert report["repaired"] == {"used_mismatch": 1}
    assert reseller_of(seller).license_used == 2
    desk.assert_clean()


def test_an_edited_count_can_be_adopted(seller: Person, desk: ReconciliationClient) -> None:
    table_edits.edit(reseller_of(seller), license_count=8)
    found, where = desk.only("count_unexplained")
    assert found["evidence"] == {"license_count": 8, "explained": 5, "difference": 3}
    assert not found["safe"]
    assert set(found["actions"]) == {"adopt", "revert", "ignore"}
    decided = desk.decide(where, "adopt")
    assert (decided["state"], decided["resolution"]) == ("repaired", "adopt")
    assert reseller_of(seller).license_count == 8
    entry = list(LedgerEntry.query(str(seller.reseller_id)))[-1]
    assert (entry.kind, entry.count_change, entry.reason) == ("sync", 3, "As agreed.")
    desk.assert_clean()


def test_an_edited_count_can_be_reverted(seller: Person, desk: ReconciliationClient) -> None:
    table_edits.edit(reseller_of(seller), license_count=8)
    _, where = desk.only("count_unexplained")
    desk.decide(where, "revert")
    assert reseller_of(seller).license_count == 5
    desk.assert_clean()


def test_an_edit_is_never_taken_for_a_payment(
    seller: Person, desk: ReconciliationClient, stripe: StripeSimulator
) -> None:
    """The schedule adds what was paid; whether the edit stays, a person decides."""
    buy_and_pay(seller, stripe, 10, deliver=False)
    table_edits.edit(reseller_of(seller), license_count=5 + 4)
    report = desk.run(apply=True)
    assert report["repaired"] == {"purchase_uncredited": 1}
    assert reseller_of(seller).license_count == 5 + 4 + 10
    found, where = desk.only("count_unexplained")
    assert found["evidence"]["difference"] == 4
    desk.decide(where, "revert")
    assert reseller_of(seller).license_count == 5 + 10
    desk.assert_clean()


def test_over_allocated(seller: Person, desk: ReconciliationClient) -> None:
    """As a refund may leave it: no damage, and yet somebody should know."""
    table_edits.edit(reseller_of(seller), license_count=1)
    for entry in LedgerEntry.query(str(seller.reseller_id)):
        if entry.kind == "allocation":
            table_edits.edit(entry, count_change=1)
    _, where = desk.only("over_allocated")
    desk.decide(where, "adopt")
    assert reseller_of(seller).license_count == 2
    desk.assert_clean()


def test_tenant_holds_wrongly(seller: Person, desk: ReconciliationClient) -> None:
    table_edits.edit(tenants_of(seller)[0], holds_license=False)
    found, where = desk.only("tenant_holds_wrongly")
    assert found["safe"]
    desk.decide(where, "repair")
    assert all(t.holds_license for t in tenants_of(seller))
    desk.assert_clean()
