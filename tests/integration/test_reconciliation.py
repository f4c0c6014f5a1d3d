"""Reconciliation, seen by an admin over HTTP: every finding, explained and mended."""

from typing import Any

import pytest

from chalicelib.storage.claims import Claim
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.tenants import Tenant
from chalicelib.storage.users import User
from infra.local import damage
from infra.local.schedule import run_now
from infra.local.stripe_stand_in.stand_in import StripeStandIn
from tests.support.people import People, Person
from tests.support.purchases import buy_and_pay


@pytest.fixture
def seller(people: People) -> Person:
    """Five licenses, two tenants."""
    seller = people.reseller(licenses=5)
    for name in ("Blue", "Green"):
        seller.api.post("/v1/resellers/me/tenants", {"name": name})
    return seller


class Desk:
    """The admin's side of it."""

    def __init__(self, people: People) -> None:
        self.api = people.admin.api

    def run(self, *, apply: bool = False, **body: Any) -> dict[str, Any]:
        reply = self.api.post("/v1/reconciliations", {"apply": apply, **body})
        assert reply.status == 201, reply.text
        report: dict[str, Any] = reply.json
        assert report["status"] == "finished"
        return report

    def findings(self, report: dict[str, Any]) -> list[dict[str, Any]]:
        reply = self.api.get(f"/v1/reconciliations/{report['id']}/findings?limit=100")
        assert reply.status == 200, reply.text
        found: list[dict[str, Any]] = reply.json["data"]
        return found

    def only(self, code: str) -> tuple[dict[str, Any], str]:
        """A dry run finds this and nothing else: the finding, and where to decide it."""
        report = self.run()
        found_all = self.findings(report)
        assert len(found_all) == 1, (report, found_all)
        (found,) = found_all
        assert found["code"] == code, found
        return found, f"/v1/reconciliations/{report['id']}/findings/{found['id']}/resolution"

    def decide(self, where: str, action: str, **body: Any) -> dict[str, Any]:
        reply = self.api.post(where, {"action": action, "reason": "As agreed.", **body})
        assert reply.status == 200, reply.text
        decided: dict[str, Any] = reply.json
        return decided

    def assert_clean(self) -> None:
        report = self.run()
        assert report["found"] == {}, self.findings(report)


@pytest.fixture
def desk(people: People) -> Desk:
    return Desk(people)


def reseller_of(seller: Person) -> Reseller:
    row = get(Reseller, str(seller.reseller_id))
    assert row is not None
    return row


def tenants_of(seller: Person) -> list[Tenant]:
    return list(Tenant.query(str(seller.reseller_id), consistent_read=True))


def test_nothing_is_found_where_nothing_is_wrong(
    seller: Person, desk: Desk, stripe: StripeStandIn
) -> None:
    buy_and_pay(seller, stripe, 10)
    report = desk.run()
    assert (report["resellers"], report["tenants"], report["found"]) == (1, 2, {})
    assert report["notes"] == []


@pytest.mark.parametrize("used", [0, 1, 4, 99])
def test_used_mismatch(seller: Person, desk: Desk, used: int) -> None:
    damage.edit(reseller_of(seller), license_used=used)
    report = desk.run()
    found = next(f for f in desk.findings(report) if f["code"] == "used_mismatch")
    assert found["evidence"] == {"license_used": used, "tenants_holding": 2, "ledger_used": 2}
    assert found["safe"]
    assert reseller_of(seller).license_used == used, "a dry run changes nothing"
    report = desk.run(apply=True)
    assert report["repaired"] == {"used_mismatch": 1}
    assert reseller_of(seller).license_used == 2
    desk.assert_clean()


def test_an_edited_count_can_be_adopted(seller: Person, desk: Desk) -> None:
    damage.edit(reseller_of(seller), license_count=8)
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


def test_an_edited_count_can_be_reverted(seller: Person, desk: Desk) -> None:
    damage.edit(reseller_of(seller), license_count=8)
    _, where = desk.only("count_unexplained")
    desk.decide(where, "revert")
    assert reseller_of(seller).license_count == 5
    desk.assert_clean()


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


def test_over_allocated(seller: Person, desk: Desk) -> None:
    """As a refund may leave it: no damage, and yet somebody should know."""
    damage.edit(reseller_of(seller), license_count=1)
    for entry in LedgerEntry.query(str(seller.reseller_id)):
        if entry.kind == "allocation":
            damage.edit(entry, count_change=1)
    _, where = desk.only("over_allocated")
    desk.decide(where, "adopt")
    assert reseller_of(seller).license_count == 2
    desk.assert_clean()


def test_tenant_holds_wrongly(seller: Person, desk: Desk) -> None:
    damage.edit(tenants_of(seller)[0], holds_license=False)
    found, where = desk.only("tenant_holds_wrongly")
    assert found["safe"]
    desk.decide(where, "repair")
    assert all(t.holds_license for t in tenants_of(seller))
    desk.assert_clean()


def test_orphan_tenant_adopted(seller: Person, people: People, desk: Desk) -> None:
    other = people.reseller(licenses=1)
    tenant = tenants_of(seller)[0]
    damage.duplicate(tenant, reseller_id="rsl_gone", id="tnt_orphan")
    found, where = desk.only("orphan_tenant")
    assert not found["safe"]
    missing = desk.api.post(where, {"action": "adopt", "reason": "Whose?"})
    assert (missing.status, missing.json["errors"][0]["field"]) == (422, "to")
    desk.decide(where, "adopt", to=other.reseller_id)
    adopted = get(Tenant, str(other.reseller_id), "tnt_orphan")
    assert adopted is not None
    assert (adopted.name, adopted.holds_license) == ("Blue", True)
    assert reseller_of(other).license_used == 1
    desk.assert_clean()


def test_orphan_tenant_cannot_be_adopted_without_a_license(
    seller: Person, people: People, desk: Desk
) -> None:
    poor = people.reseller(licenses=0)
    damage.duplicate(tenants_of(seller)[0], reseller_id="rsl_gone", id="tnt_orphan")
    _, where = desk.only("orphan_tenant")
    reply = desk.api.post(where, {"action": "adopt", "reason": "x", "to": poor.reseller_id})
    assert (reply.status, reply.code) == (409, "licenses_exhausted")
    assert get(Tenant, "rsl_gone", "tnt_orphan") is not None


def test_orphan_tenant_deleted(seller: Person, desk: Desk) -> None:
    damage.duplicate(tenants_of(seller)[0], reseller_id="rsl_gone", id="tnt_orphan")
    _, where = desk.only("orphan_tenant")
    desk.decide(where, "delete")
    desk.assert_clean()


def test_orphan_claim_and_missing_claim(seller: Person, desk: Desk) -> None:
    tenant = tenants_of(seller)[0]
    damage.edit(tenant, slug="azure")
    codes = {f["code"] for f in desk.findings(desk.run())}
    assert codes == {"orphan_claim", "missing_claim"}
    desk.run(apply=True)
    desk.assert_clean()
    name = f"tenant-slug:{seller.reseller_id}:azure"
    assert Claim.get(name).owner == tenant.id


def test_a_tenant_twice(seller: Person, desk: Desk) -> None:
    damage.duplicate(tenants_of(seller)[0], id="tnt_twice")
    report = desk.run()
    codes = sorted(f["code"] for f in desk.findings(report))
    assert codes == ["missing_claim", "used_mismatch"]
    conflict = next(f for f in desk.findings(report) if f["code"] == "missing_claim")
    assert not conflict["safe"]
    where = f"/v1/reconciliations/{report['id']}/findings/{conflict['id']}/resolution"
    desk.decide(where, "delete")
    assert reseller_of(seller).license_used == 2
    desk.assert_clean()


def test_reseller_without_user(seller: Person, people: People, desk: Desk) -> None:
    user = get(User, seller.user_id)
    assert user is not None
    damage.edit(user, reseller_id=None)
    _, where = desk.only("reseller_without_user")
    desk.decide(where, "repair")
    desk.assert_clean()
    damage.remove(user)
    claims = [f for f in desk.findings(desk.run(apply=True)) if f["code"] == "orphan_claim"]
    assert [f["state"] for f in claims] == ["repaired"]
    _, where = desk.only("reseller_without_user")
    new = desk.api.post("/v1/users", {"email": "new@example.com", "name": "New"}).json
    desk.decide(where, "adopt", to=new["id"])
    assert reseller_of(seller).user_id == new["id"]
    desk.assert_clean()


def test_user_link_wrong(seller: Person, people: People, desk: Desk) -> None:
    stranger = desk.api.post("/v1/users", {"email": "new@example.com", "name": "New"}).json
    user = get(User, stranger["id"])
    assert user is not None
    damage.edit(user, reseller_id=str(seller.reseller_id))
    _, where = desk.only("user_link_wrong")
    desk.decide(where, "repair")
    desk.assert_clean()


def the_purchase(seller: Person) -> Purchase:
    (purchase,) = Purchase.query(str(seller.reseller_id), consistent_read=True)
    return purchase


def test_a_paid_purchase_that_nobody_heard_of(
    seller: Person, desk: Desk, stripe: StripeStandIn
) -> None:
    buy_and_pay(seller, stripe, 10, deliver=False)
    found, where = desk.only("purchase_uncredited")
    assert found["evidence"]["worth_by_stripe"] == 10
    assert found["safe"]
    desk.decide(where, "repair")
    assert reseller_of(seller).license_count == 15
    desk.assert_clean()


def test_a_purchase_whose_ledger_entry_was_deleted_is_not_credited_twice(
    seller: Person, desk: Desk, stripe: StripeStandIn
) -> None:
    buy_and_pay(seller, stripe, 10)
    for entry in LedgerEntry.query(str(seller.reseller_id)):
        if entry.kind == "purchase":
            damage.remove(entry)
    found, where = desk.only("purchase_uncredited")
    assert not found["safe"]
    desk.decide(where, "repair")
    assert reseller_of(seller).license_count == 15
    desk.assert_clean()


def test_a_forged_purchase_is_taken_back(seller: Person, desk: Desk, stripe: StripeStandIn) -> None:
    seller.api.post("/v1/resellers/me/purchases", {"quantity": 10})
    purchase = the_purchase(seller)
    damage.edit(purchase, status="paid", licenses_granted=10, unsettled=None)
    damage.edit(reseller_of(seller), license_count=15)
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
    seller: Person, desk: Desk, stripe: StripeStandIn
) -> None:
    seller.api.post("/v1/resellers/me/purchases", {"quantity": 10})
    damage.edit(the_purchase(seller), unsettled=None)
    _, where = desk.only("stuck_purchase")
    desk.decide(where, "repair")
    assert the_purchase(seller).unsettled is not None
    desk.assert_clean()


def test_session_without_purchase(seller: Person, desk: Desk, stripe: StripeStandIn) -> None:
    buy_and_pay(seller, stripe, 10)
    damage.remove(the_purchase(seller))
    _, where = desk.only("session_without_purchase")
    desk.decide(where, "adopt")
    assert the_purchase(seller).licenses_granted == 10
    assert reseller_of(seller).license_count == 15
    desk.assert_clean()


def test_a_purchase_twice(seller: Person, desk: Desk, stripe: StripeStandIn) -> None:
    buy_and_pay(seller, stripe, 10)
    damage.duplicate(the_purchase(seller), id="pur_twice")
    _, where = desk.only("stuck_purchase")
    desk.decide(where, "delete")
    desk.assert_clean()


def test_settings_say_what_is_automatic(seller: Person, desk: Desk) -> None:
    changed = desk.api.patch("/v1/settings", {"automatic_repairs": ["orphan_claim"]})
    assert changed.status == 200, changed.text
    damage.edit(reseller_of(seller), license_used=4)
    assert desk.run(apply=True)["repaired"] == {}
    assert reseller_of(seller).license_used == 4


def test_sync_tells_before_after_and_why(seller: Person, desk: Desk) -> None:
    damage.edit(reseller_of(seller), license_used=4)
    where = f"/v1/resellers/{seller.reseller_id}/sync"
    dry = desk.api.post(where, {}).json
    assert (dry["applied"], dry["before"]["license_used"], dry["after"]["license_used"]) == (
        False,
        4,
        2,
    )
    assert "license_used is 4, 2 tenants hold a license" in dry["why"]
    done = desk.api.post(where, {"apply": True}, key="k").json
    assert done["applied"]
    assert reseller_of(seller).license_used == 2
    assert desk.api.post(where, {"apply": True}, key="k").json == done
    assert not desk.api.post(where, {"apply": True}).json["applied"]
    assert seller.api.post(where, {"apply": True}).status == 403


def test_the_schedule_repairs_what_is_safe(seller: Person, desk: Desk) -> None:
    damage.edit(reseller_of(seller), license_used=4)
    report = run_now("reconcile")
    assert (report["scope"], report["status"]) == ("partial", "finished")
    assert report["repaired"] == {"used_mismatch": 1}


def test_a_row_that_cannot_be_read_stops_no_other(
    seller: Person, people: People, desk: Desk
) -> None:
    other = people.reseller(licenses=5)
    row = reseller_of(seller)
    damage.put(row, damage.stored(row) | {"license_used": {"S": "three"}})
    damage.edit(reseller_of(other), license_used=3)
    report = desk.run(apply=True)
    assert report["repaired"] == {"used_mismatch": 1}
    assert str(seller.reseller_id) in report["notes"][0]


def test_only_admins(seller: Person) -> None:
    for reply in (
        seller.api.get("/v1/reconciliations"),
        seller.api.post("/v1/reconciliations", {}),
        seller.api.get("/v1/reconciliations/rec_1"),
    ):
        assert reply.status == 403


def test_it_goes_on_where_it_stopped(seller: Person, people: People, desk: Desk) -> None:
    from chalicelib.services.reconciliation import runs

    sellers = [people.reseller(licenses=1) for _ in range(2)]
    for one in sellers:
        damage.edit(reseller_of(one), license_used=1)
    report = runs.start("whole", apply=True, by="schedule", seconds_left=lambda: 0.0)
    assert (report.status, report.resellers) == ("running", 1)
    rounds = 0
    while (left := runs.go_on(lambda: 0.0)) is not None and left.status == "running":
        rounds += 1
        assert rounds < 50
    done = runs.read_report(report.id)
    assert (done.status, done.resellers, done.repaired) == ("finished", 3, {"used_mismatch": 2})
