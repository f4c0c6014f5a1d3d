"""Claims without owners, names without claims, and rows whose related row is missing."""

from chalicelib.storage.claims import Claim
from chalicelib.storage.reads import get
from chalicelib.storage.tenants import Tenant
from chalicelib.storage.users import User
from infra.local import table_edits
from tests.integration.reconciliation.admin_client import (
    AdminClient,
    reseller_of,
    resolution_path,
    tenants_of,
)
from tests.support.people import People, Person


def test_an_orphan_tenant_can_be_adopted(
    seller: Person, people: People, reconciliation: AdminClient
) -> None:
    other = people.reseller(licenses=1)
    tenant = tenants_of(seller)[0]
    table_edits.duplicate(tenant, reseller_id="rsl_gone", id="tnt_orphan")
    finding, path = reconciliation.find_only("orphan_tenant")
    assert not finding["safe"]
    missing = reconciliation.api.post(path, {"action": "adopt", "reason": "No target."})
    assert (missing.status, missing.json["errors"][0]["field"]) == (422, "to")
    reconciliation.decide(path, "adopt", to=other.reseller_id)
    adopted = get(Tenant, str(other.reseller_id), "tnt_orphan")
    assert adopted is not None
    assert (adopted.name, adopted.holds_license) == ("Blue", True)
    assert reseller_of(other).license_used == 1
    reconciliation.assert_clean()


def test_an_orphan_tenant_cannot_be_adopted_without_an_available_license(
    seller: Person, people: People, reconciliation: AdminClient
) -> None:
    other = people.reseller(licenses=0)
    table_edits.duplicate(tenants_of(seller)[0], reseller_id="rsl_gone", id="tnt_orphan")
    _, path = reconciliation.find_only("orphan_tenant")
    body = {"action": "adopt", "reason": "x", "to": other.reseller_id}
    reply = reconciliation.api.post(path, body)
    assert (reply.status, reply.code) == (409, "licenses_exhausted")
    assert get(Tenant, "rsl_gone", "tnt_orphan") is not None


def test_an_orphan_tenant_can_be_deleted(seller: Person, reconciliation: AdminClient) -> None:
    table_edits.duplicate(tenants_of(seller)[0], reseller_id="rsl_gone", id="tnt_orphan")
    _, path = reconciliation.find_only("orphan_tenant")
    reconciliation.decide(path, "delete")
    reconciliation.assert_clean()


def test_an_edited_slug_leaves_an_orphan_claim_and_a_missing_claim(
    seller: Person, reconciliation: AdminClient
) -> None:
    tenant = tenants_of(seller)[0]
    table_edits.edit(tenant, slug="azure")
    codes = {f["code"] for f in reconciliation.findings(reconciliation.run())}
    assert codes == {"orphan_claim", "missing_claim"}
    reconciliation.run(apply=True)
    reconciliation.assert_clean()
    name = f"tenant-slug:{seller.reseller_id}:azure"
    assert Claim.get(name).owner == tenant.id


def test_a_duplicated_tenant_can_be_deleted(seller: Person, reconciliation: AdminClient) -> None:
    table_edits.duplicate(tenants_of(seller)[0], id="tnt_copy")
    report = reconciliation.run()
    codes = sorted(f["code"] for f in reconciliation.findings(report))
    assert codes == ["missing_claim", "used_mismatch"]
    conflict = next(f for f in reconciliation.findings(report) if f["code"] == "missing_claim")
    assert not conflict["safe"]
    path = resolution_path(report, conflict)
    reconciliation.decide(path, "delete")
    assert reseller_of(seller).license_used == 2
    reconciliation.assert_clean()


def test_a_reseller_is_relinked_to_its_user_or_another_user(
    seller: Person, people: People, reconciliation: AdminClient
) -> None:
    user = get(User, seller.user_id)
    assert user is not None
    table_edits.edit(user, reseller_id=None)
    _, path = reconciliation.find_only("reseller_without_user")
    reconciliation.decide(path, "repair")
    reconciliation.assert_clean()
    table_edits.remove(user)
    claim = reconciliation.finding(reconciliation.run(apply=True), "orphan_claim")
    assert claim["state"] == "repaired"
    _, path = reconciliation.find_only("reseller_without_user")
    new = reconciliation.api.post("/v1/users", {"email": "new@example.com", "name": "New"}).json
    reconciliation.decide(path, "adopt", to=new["id"])
    assert reseller_of(seller).user_id == new["id"]
    reconciliation.assert_clean()


def test_a_wrongly_linked_user_is_unlinked(
    seller: Person, people: People, reconciliation: AdminClient
) -> None:
    other = reconciliation.api.post("/v1/users", {"email": "new@example.com", "name": "New"}).json
    user = get(User, other["id"])
    assert user is not None
    table_edits.edit(user, reseller_id=str(seller.reseller_id))
    _, path = reconciliation.find_only("user_link_wrong")
    reconciliation.decide(path, "repair")
    reconciliation.assert_clean()
