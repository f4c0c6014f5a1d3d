"""What an admin decides about a finding, and when a decision is refused."""

import pytest

from chalicelib.payments import reports as payment_reports
from infra.local import table_edits
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.integration.reconciliation.admin_client import ReconciliationClient, reseller_of
from tests.support.people import Person
from tests.support.purchases import buy_and_pay


def test_a_decision_is_refused_when_the_facts_have_changed(
    seller: Person, desk: ReconciliationClient
) -> None:
    table_edits.edit(reseller_of(seller), license_count=8)
    _, where = desk.only("count_unexplained")
    table_edits.edit(reseller_of(seller), license_count=800)
    reply = desk.api.post(where, {"action": "adopt", "reason": "As agreed."})
    assert (reply.status, reply.code) == (412, "version_conflict")
    assert reseller_of(seller).license_count == 800


def test_traffic_does_not_hinder_a_decision(seller: Person, desk: ReconciliationClient) -> None:
    table_edits.edit(reseller_of(seller), license_count=8)
    _, where = desk.only("count_unexplained")
    seller.api.post("/v1/resellers/me/tenants", {"name": "Meanwhile"})
    desk.decide(where, "adopt")
    desk.assert_clean()


def test_what_came_right_by_itself_is_gone(seller: Person, desk: ReconciliationClient) -> None:
    table_edits.edit(reseller_of(seller), license_count=8)
    _, where = desk.only("count_unexplained")
    table_edits.edit(reseller_of(seller), license_count=5)
    assert desk.decide(where, "adopt")["state"] == "gone"
    assert reseller_of(seller).license_count == 5


def test_what_is_ignored_is_not_found_until_it_changes(
    seller: Person, desk: ReconciliationClient
) -> None:
    table_edits.edit(reseller_of(seller), license_count=8)
    _, where = desk.only("count_unexplained")
    assert desk.decide(where, "ignore")["state"] == "ignored"
    report = desk.run()
    assert (report["found"], report["ignored"]) == ({}, 1)
    table_edits.edit(reseller_of(seller), license_count=9)
    desk.only("count_unexplained")


def test_who_ignored_what_and_why_is_for_admins_to_read(
    seller: Person, desk: ReconciliationClient
) -> None:
    table_edits.edit(reseller_of(seller), license_count=8)
    _, where = desk.only("count_unexplained")
    decided = desk.decide(where, "ignore")
    (entry,) = [e for e in desk.api.get("/v1/audit").json["data"] if "ignored" in e["action"]]
    assert (entry["action"], entry["target"]) == ("finding.ignored", seller.reseller_id)
    assert (entry["actor"], entry["reason"]) == (decided["resolved_by"], decided["reason"])
    own = seller.api.get("/v1/resellers/me/audit").json["data"]
    assert "finding.ignored" not in {e["action"] for e in own}


def test_a_decision_is_made_once(seller: Person, desk: ReconciliationClient) -> None:
    table_edits.edit(reseller_of(seller), license_count=8)
    _, where = desk.only("count_unexplained")
    body = {"action": "adopt", "reason": "As agreed."}
    first = desk.api.post(where, body, key="once")
    again = desk.api.post(where, body, key="once")
    assert first.json == again.json
    assert again.headers["Idempotent-Replayed"] == "true"
    other = desk.api.post(where, {"action": "revert", "reason": "No."})
    assert other.json["resolution"] == "adopt"
    assert reseller_of(seller).license_count == 8
    desk.assert_clean()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sessions that Stripe is asked about."""
    sessions: list[str] = []
    real = payment_reports.fetch_session

    def report(session_id: str) -> payment_reports.SessionReport:
        sessions.append(session_id)
        return real(session_id)

    monkeypatch.setattr(payment_reports, "fetch_session", report)
    return sessions


def test_a_decision_about_a_counter_asks_stripe_nothing(
    seller: Person, desk: ReconciliationClient, stripe: StripeSimulator, asked: list[str]
) -> None:
    """However many purchases there are: a request has 29 seconds."""
    for quantity in range(1, 6):
        buy_and_pay(seller, stripe, quantity)
    table_edits.edit(reseller_of(seller), license_count=50)
    _, where = desk.only("count_unexplained")
    asked.clear()
    desk.decide(where, "revert")
    assert asked == []
    desk.api.post(f"/v1/resellers/{seller.reseller_id}/sync", {})
    assert asked == []
    desk.assert_clean()


def test_a_decision_about_a_purchase_asks_about_it_alone(
    seller: Person, desk: ReconciliationClient, stripe: StripeSimulator, asked: list[str]
) -> None:
    for quantity in range(1, 5):
        buy_and_pay(seller, stripe, quantity)
    bought = buy_and_pay(seller, stripe, 5, deliver=False)
    _, where = desk.only("purchase_uncredited")
    asked.clear()
    desk.decide(where, "repair")
    assert set(asked) == {bought["checkout_url"].rsplit("/", 1)[1]}
    desk.assert_clean()


def test_only_admins(seller: Person) -> None:
    for reply in (
        seller.api.get("/v1/reconciliations"),
        seller.api.post("/v1/reconciliations", {}),
        seller.api.get("/v1/reconciliations/rec_1"),
    ):
        assert reply.status == 403
