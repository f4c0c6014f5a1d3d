"""An admin's decisions about findings, and when they are refused."""

import pytest

from chalicelib.payments import reports as payment_reports
from infra.local import table_edits
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.integration.reconciliation.admin_client import AdminClient, reseller_of
from tests.support.people import Person
from tests.support.purchases import buy_and_pay


def test_a_decision_is_refused_when_the_facts_have_changed(
    seller: Person, reconciliation: AdminClient
) -> None:
    table_edits.edit(reseller_of(seller), license_count=8)
    _, path = reconciliation.find_only("count_unexplained")
    table_edits.edit(reseller_of(seller), license_count=800)
    reply = reconciliation.api.post(path, {"action": "adopt", "reason": "As agreed."})
    assert (reply.status, reply.code) == (412, "version_conflict")
    assert reseller_of(seller).license_count == 800


def test_normal_traffic_does_not_invalidate_a_decision(
    seller: Person, reconciliation: AdminClient
) -> None:
    table_edits.edit(reseller_of(seller), license_count=8)
    _, path = reconciliation.find_only("count_unexplained")
    seller.api.post("/v1/resellers/me/tenants", {"name": "Meanwhile"})
    reconciliation.decide(path, "adopt")
    reconciliation.assert_clean()


def test_a_finding_that_resolved_itself_is_marked_gone(
    seller: Person, reconciliation: AdminClient
) -> None:
    table_edits.edit(reseller_of(seller), license_count=8)
    _, path = reconciliation.find_only("count_unexplained")
    table_edits.edit(reseller_of(seller), license_count=5)
    assert reconciliation.decide(path, "adopt")["state"] == "gone"
    assert reseller_of(seller).license_count == 5


def test_an_ignored_finding_is_not_reported_until_its_facts_change(
    seller: Person, reconciliation: AdminClient
) -> None:
    table_edits.edit(reseller_of(seller), license_count=8)
    _, path = reconciliation.find_only("count_unexplained")
    assert reconciliation.decide(path, "ignore")["state"] == "ignored"
    report = reconciliation.run()
    assert (report["found"], report["ignored"]) == ({}, 1)
    table_edits.edit(reseller_of(seller), license_count=9)
    reconciliation.find_only("count_unexplained")


def test_only_admins_see_the_audit_entry_of_an_ignored_finding(
    seller: Person, reconciliation: AdminClient
) -> None:
    table_edits.edit(reseller_of(seller), license_count=8)
    _, path = reconciliation.find_only("count_unexplained")
    decided = reconciliation.decide(path, "ignore")
    (entry,) = [
        e for e in reconciliation.api.get("/v1/audit").json["data"] if "ignored" in e["action"]
    ]
    assert (entry["action"], entry["target"]) == ("finding.ignored", seller.reseller_id)
    assert (entry["actor"], entry["reason"]) == (decided["resolved_by"], decided["reason"])
    own = seller.api.get("/v1/resellers/me/audit").json["data"]
    assert "finding.ignored" not in {e["action"] for e in own}


def test_a_finding_is_decided_only_once(seller: Person, reconciliation: AdminClient) -> None:
    table_edits.edit(reseller_of(seller), license_count=8)
    _, path = reconciliation.find_only("count_unexplained")
    body = {"action": "adopt", "reason": "As agreed."}
    first = reconciliation.api.post(path, body, key="once")
    again = reconciliation.api.post(path, body, key="once")
    assert first.json == again.json
    assert again.headers["Idempotent-Replayed"] == "true"
    other = reconciliation.api.post(path, {"action": "revert", "reason": "No."})
    assert other.json["resolution"] == "adopt"
    assert reseller_of(seller).license_count == 8
    reconciliation.assert_clean()


@pytest.fixture
def fetched_sessions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the IDs of sessions fetched from Stripe."""
    sessions: list[str] = []
    real = payment_reports.fetch_session

    def report(session_id: str) -> payment_reports.SessionReport:
        sessions.append(session_id)
        return real(session_id)

    monkeypatch.setattr(payment_reports, "fetch_session", report)
    return sessions


def test_a_decision_about_a_counter_does_not_query_stripe(
    seller: Person,
    reconciliation: AdminClient,
    stripe: StripeSimulator,
    fetched_sessions: list[str],
) -> None:
    """With many purchases, querying Stripe would exceed API Gateway's 29-second limit."""
    for quantity in range(1, 6):
        buy_and_pay(seller, stripe, quantity)
    table_edits.edit(reseller_of(seller), license_count=50)
    _, path = reconciliation.find_only("count_unexplained")
    fetched_sessions.clear()
    reconciliation.decide(path, "revert")
    assert fetched_sessions == []
    reconciliation.api.post(f"/v1/resellers/{seller.reseller_id}/sync", {})
    assert fetched_sessions == []
    reconciliation.assert_clean()


def test_a_decision_about_a_purchase_queries_only_its_session(
    seller: Person,
    reconciliation: AdminClient,
    stripe: StripeSimulator,
    fetched_sessions: list[str],
) -> None:
    for quantity in range(1, 5):
        buy_and_pay(seller, stripe, quantity)
    bought = buy_and_pay(seller, stripe, 5, deliver=False)
    _, path = reconciliation.find_only("purchase_uncredited")
    fetched_sessions.clear()
    reconciliation.decide(path, "repair")
    assert set(fetched_sessions) == {bought["checkout_url"].rsplit("/", 1)[1]}
    reconciliation.assert_clean()


def test_only_admins_can_use_reconciliation(seller: Person) -> None:
    for reply in (
        seller.api.get("/v1/reconciliations"),
        seller.api.post("/v1/reconciliations", {}),
        seller.api.get("/v1/reconciliations/rec_1"),
    ):
        assert reply.status == 403
