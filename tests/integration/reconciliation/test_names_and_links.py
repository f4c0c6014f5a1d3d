"""Names without owners, owners without names, rows that lost what they belong to."""

from chalicelib.storage.claims import Claim
from chalicelib.storage.reads import get
from chalicelib.storage.tenants import Tenant
from chalicelib.storage.users import User
from infra.local import table_edits
from tests.integration.reconciliation.admin_client import (
    ReconciliationClient,
    reseller_of,
    tenants_of,
)
from tests.support.people import People, Person


def test_orphan_tenant_adopted(seller: Person, people: People, desk: ReconciliationClient) -> None:
    other = people.reseller(licenses=1)
    tenant = tenants_of(seller)[0]
    table_edits.duplicate(tenant, reseller_id="rsl_gone", id="tnt_orphan")
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
    seller: Person, people: People, desk: ReconciliationClient
) -> None:
    poor = people.reseller(licenses=0)
    table_edits.duplicate(tenants_of(seller)[0], reseller_id="rsl_gone", id="tnt_orphan")
    _, where = desk.only("orphan_tenant")
    reply = desk.api.post(where, {"action": "adopt", "reason": "x", "to": poor.reseller_id})
    assert (reply.status, reply.code) == (409, "licenses_exhausted")
    assert get(Tenant, "rsl_gone", "tnt_orphan") is not None


def test_orphan_tenant_deleted(seller: Person, desk: ReconciliationClient) -> None:
    table_edits.duplicate(tenants_of(seller)[0], reseller_id="rsl_gone", id="tnt_orphan")
    _, where = desk.only("orphan_tenant")
    desk.decide(where, "delete")
    desk.assert_clean()


def test_orphan_claim_and_missing_claim(seller: Person, desk: ReconciliationClient) -> None:
    tenant = tenants_of(seller)[0]
    table_edits.edit(tenant, slug="azure")
    codes = {f["code"] for f in desk.findings(desk.run())}
    assert codes == {"orphan_claim", "missing_claim"}
    desk.run(apply=True)
    desk.assert_clean()
    name = f"tenant-slug:{seller.reseller_id}:azure"
    assert Claim.get(name).owner == tenant.id


def test_a_tenant_twice(seller: Person, desk: ReconciliationClient) -> None:
    table_edits.duplicate(tenants_of(seller)[0], id="tnt_twice")
    report = desk.run()
    codes = sorted(f["code"] for f in desk.findings(report))
    assert codes == ["missing_claim", "used_mismatch"]
    conflict = next(f for f in desk.findings(report) if f["code"] == "missing_claim")
    assert not conflict["safe"]
    where = f"/v1/reconciliations/{report['id']}/findings/{conflict['id']}/resolution"
    desk.decide(where, "delete")
    assert reseller_of(seller).license_used == 2
    desk.assert_clean()


def test_reseller_without_user(seller: Person, people: People, desk: ReconciliationClient) -> None:
    user = get(User, seller.user_id)
    assert user is not None
    table_edits.edit(user, reseller_id=None)
    _, where = desk.only("reseller_without_user")
    desk.decide(where, "repair")
    desk.assert_clean()
    table_edits.remove(user)
    claims = [f for f in desk.findings(desk.run(apply=True)) if f["code"] == "orphan_claim"]
    assert [f["state"] for f in claims] == ["repaired"]
    _, where = desk.only("reseller_without_user")
    new = desk.api.post("/v1/users", {"email": "new@example.com", "name": "New"}).json
    desk.decide(where, "adopt", to=new["id"])
    assert reseller_of(seller).user_id == new["id"]
    desk.assert_clean()


def test_user_link_wrong(seller: Person, people: People, desk: ReconciliationClient) -> None:
    stranger = desk.api.post("/v1/users", {"email": "new@example.com", "name": "New"}).json
    user = get(User, stranger["id"])
    assert user is not None
    table_edits.edit(user, reseller_id=str(seller.reseller_id))
    _, where = desk.only("user_link_wrong")
    desk.decide(where, "repair")
    desk.assert_clean()
