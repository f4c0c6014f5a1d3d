"""What an admin decides about a finding, and when a decision is refused."""

from infra.local import damage
from tests.integration.reconciliation.desk import Desk, reseller_of
from tests.support.people import Person


def test_a_decision_is_refused_when_the_facts_have_changed(seller: Person, desk: Desk) -> None:
    damage.edit(reseller_of(seller), license_count=8)
    _, where = desk.only("count_unexplained")
    damage.edit(reseller_of(seller), license_count=800)
    reply = desk.api.post(where, {"action": "adopt", "reason": "As agreed."})
    assert (reply.status, reply.code) == (412, "version_conflict")
    assert reseller_of(seller).license_count == 800


def test_traffic_does_not_hinder_a_decision(seller: Person, desk: Desk) -> None:
    damage.edit(reseller_of(seller), license_count=8)
    _, where = desk.only("count_unexplained")
    seller.api.post("/v1/resellers/me/tenants", {"name": "Meanwhile"})
    desk.decide(where, "adopt")
    desk.assert_clean()


def test_what_came_right_by_itself_is_gone(seller: Person, desk: Desk) -> None:
    damage.edit(reseller_of(seller), license_count=8)
    _, where = desk.only("count_unexplained")
    damage.edit(reseller_of(seller), license_count=5)
    assert desk.decide(where, "adopt")["state"] == "gone"
    assert reseller_of(seller).license_count == 5


def test_what_is_ignored_is_not_found_until_it_changes(seller: Person, desk: Desk) -> None:
    damage.edit(reseller_of(seller), license_count=8)
    _, where = desk.only("count_unexplained")
    assert desk.decide(where, "ignore")["state"] == "ignored"
    report = desk.run()
    assert (report["found"], report["ignored"]) == ({}, 1)
    damage.edit(reseller_of(seller), license_count=9)
    desk.only("count_unexplained")


def test_a_decision_is_made_once(seller: Person, desk: Desk) -> None:
    damage.edit(reseller_of(seller), license_count=8)
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


def test_only_admins(seller: Person) -> None:
    for reply in (
        seller.api.get("/v1/reconciliations"),
        seller.api.post("/v1/reconciliations", {}),
        seller.api.get("/v1/reconciliations/rec_1"),
    ):
        assert reply.status == 403
