"""Tenants: created, edited, deactivated, deleted and restored, each on one license."""

from datetime import timedelta

import pytest

from chalicelib.services.tenants import RESTORABLE
from chalicelib.storage.reads import get
from chalicelib.storage.tenants import Tenant
from tests.conftest import TestClock
from tests.support.api import Reply
from tests.support.people import People, Person
from tests.support.switches import switch
from tests.support.wire import Wire

TENANTS = "/v1/resellers/me/tenants"


@pytest.fixture
def account(people: People) -> Person:
    return people.reseller(licenses=2)


def create(account: Person, name: str = "Bakery", **fields: object) -> Reply:
    return account.api.post(TENANTS, {"name": name, **fields})


def made(account: Person, name: str = "Bakery", **fields: object) -> str:
    reply = create(account, name, **fields)
    assert reply.status == 201, reply.text
    tenant_id: str = reply.json["id"]
    return tenant_id


def move(account: Person, tenant_id: str, verb: str) -> Reply:
    return account.api.post(f"{TENANTS}/{tenant_id}/{verb}")


def delete(account: Person, tenant_id: str) -> None:
    assert account.api.delete(f"{TENANTS}/{tenant_id}").status == 204


def used(account: Person) -> int:
    """license_used, which must also be what the ledger and the tenants say."""
    licenses = account.api.get("/v1/resellers/me/licenses").json
    entries = account.api.get("/v1/resellers/me/ledger?limit=100").json["data"]
    assert sum(e["used_change"] for e in entries) == licenses["license_used"]
    assert sum(e["count_change"] for e in entries) == licenses["license_count"]
    holding = [t for t in Tenant.query(account.reseller_id or "") if t.holds_license]
    assert len(holding) == licenses["license_used"]
    count: int = licenses["license_used"]
    return count


def names(account: Person, query: str = "") -> list[str]:
    listed = account.api.get(f"{TENANTS}?{query}").json["data"]
    return [tenant["name"] for tenant in listed]


def test_create_and_read(account: Person) -> None:
    reply = create(account, contact_email="Owner@Bakery.example.com")
    assert reply.status == 201
    tenant = reply.json
    path = f"/v1/resellers/{account.reseller_id}/tenants/{tenant['id']}"
    assert reply.headers["Location"].endswith(path)
    assert {k: tenant[k] for k in tenant if k not in ("id", "created_at", "updated_at")} == {
        "reseller_id": account.reseller_id,
        "name": "Bakery",
        "slug": "bakery",
        "contact_email": "owner@bakery.example.com",
        "is_active": True,
        "holds_license": True,
        "branding_config": {},
        "deleted_at": None,
        "purge_at": None,
        "version": 1,
    }
    assert account.api.get(path).json == tenant
    assert used(account) == 1


def test_each_takes_a_license_until_there_is_none(account: Person) -> None:
    made(account, "One")
    made(account, "Two")
    refused = create(account, "Three")
    assert (refused.status, refused.code) == (409, "licenses_exhausted")
    assert "2 of 2" in refused.json["detail"]
    assert used(account) == 2
    assert len(names(account)) == 2


def test_the_admin_may_do_all_that_the_reseller_may(people: People, account: Person) -> None:
    path = f"/v1/resellers/{account.reseller_id}/tenants"
    tenant = people.admin.api.post(path, {"name": "Bakery"}).json
    assert tenant["reseller_id"] == account.reseller_id
    assert names(account) == ["Bakery"]


def test_a_slug_belongs_to_one_tenant_of_its_reseller(people: People, account: Person) -> None:
    made(account, slug="bakery")
    refused = create(account, "Other", slug="bakery")
    assert (refused.status, refused.code) == (409, "slug_taken")
    assert used(account) == 1
    assert create(people.reseller(licenses=1), slug="bakery").status == 201, "each its own"


def test_a_slug_made_of_the_name_is_made_unique(people: People) -> None:
    account = people.reseller(licenses=5)
    slugs = [create(account, "Blue Bottle").json["slug"] for _ in range(3)]
    assert slugs[0] == "blue-bottle"
    assert all(slug.startswith("blue-bottle-") for slug in slugs[1:])
    assert len(set(slugs)) == 3
    assert create(account, "株式会社").json["slug"].startswith("tenant-")
    assert used(account) == 4


def test_a_made_slug_that_collides_with_a_key(account: Person) -> None:
    made(account, "Blue Bottle")
    first = account.api.post(TENANTS, {"name": "Blue Bottle"}, key="the-key")
    again = account.api.post(TENANTS, {"name": "Blue Bottle"}, key="the-key")
    assert first.status == 201
    assert again.json == first.json
    assert used(account) == 2


def test_a_made_slug_that_collides_without_a_license_left(people: People) -> None:
    account = people.reseller(licenses=1)
    made(account, "Blue Bottle")
    assert create(account, "Blue Bottle").code == "licenses_exhausted"


def test_edit(account: Person) -> None:
    tenant = made(account, contact_email="a@example.com")
    path = f"{TENANTS}/{tenant}"
    edited = account.api.patch(path, {"name": "  Cafe ", "slug": "cafe"}).json
    assert (edited["name"], edited["slug"], edited["version"]) == ("Cafe", "cafe", 2)
    assert edited["contact_email"] == "a@example.com"
    assert account.api.patch(path, {"contact_email": None}).json["contact_email"] is None
    assert account.api.get(path).json["contact_email"] is None
    made(account, "Other", slug="bakery")
    refused = account.api.patch(path, {"slug": "bakery", "name": "Bakery"})
    assert (refused.status, refused.code) == (409, "slug_taken")
    assert account.api.get(path).json["name"] == "Cafe"


def test_renaming_there_and_back(account: Person) -> None:
    tenant = made(account)
    for slug in ("cafe", "bakery", "cafe"):
        edited = account.api.patch(f"{TENANTS}/{tenant}", {"slug": slug})
        assert edited.json["slug"] == slug
    assert create(account, slug="bakery").status == 201


def test_two_renames_at_once_leave_one_claim(account: Person, wire: Wire) -> None:
    tenant = made(account)
    path = f"{TENANTS}/{tenant}"
    wire.before(lambda: account.api.patch(path, {"slug": "first"}))
    assert account.api.patch(path, {"slug": "second"}).json["slug"] == "second"
    assert create(account, slug="first").status == 201


def test_a_deactivated_tenant_keeps_its_license(people: People) -> None:
    account = people.reseller(licenses=1)
    tenant = made(account)
    off = move(account, tenant, "deactivate").json
    assert (off["is_active"], off["holds_license"]) == (False, True)
    assert used(account) == 1
    assert create(account, "Other").code == "licenses_exhausted"
    assert move(account, tenant, "reactivate").json["is_active"] is True
    assert used(account) == 1


def test_repeating_a_move_changes_nothing(account: Person) -> None:
    tenant = made(account)
    for verb in ("deactivate", "reactivate"):
        once = move(account, tenant, verb).json
        assert move(account, tenant, verb).json == once
    assert used(account) == 1
    delete(account, tenant)
    delete(account, tenant)
    assert used(account) == 0
    restored = move(account, tenant, "restore").json
    assert move(account, tenant, "restore").json == restored
    assert used(account) == 1


def test_the_switch_that_frees_a_deactivated_tenants_license(people: People) -> None:
    account = people.reseller(licenses=1)
    switch(deactivated_tenants_hold_license=False)
    first = made(account, "First")
    assert move(account, first, "deactivate").json["holds_license"] is False
    assert used(account) == 0
    second = made(account, "Second")
    refused = move(account, first, "reactivate")
    assert (refused.status, refused.code) == (409, "licenses_exhausted")
    assert account.api.get(f"{TENANTS}/{first}").json["is_active"] is False
    delete(account, second)
    back = move(account, first, "reactivate").json
    assert (back["is_active"], back["holds_license"]) == (True, True)
    assert used(account) == 1


@pytest.mark.parametrize("before", [True, False])
def test_the_switch_may_be_thrown_at_any_time(account: Person, before: bool) -> None:
    """holds_license says what each tenant did, so nothing is freed or taken twice."""
    switch(deactivated_tenants_hold_license=before)
    tenant = made(account)
    move(account, tenant, "deactivate")
    assert used(account) == int(before)
    switch(deactivated_tenants_hold_license=not before)
    move(account, tenant, "deactivate")
    assert used(account) == int(before)
    move(account, tenant, "reactivate")
    assert used(account) == 1
    move(account, tenant, "deactivate")
    delete(account, tenant)
    assert used(account) == 0
    assert move(account, tenant, "restore").json["holds_license"] is True
    assert used(account) == 1


def test_deleting_frees_the_license_and_the_slug_at_once(people: People) -> None:
    account = people.reseller(licenses=1)
    tenant = made(account)
    delete(account, tenant)
    assert used(account) == 0
    assert names(account) == []
    gone = account.api.get(f"{TENANTS}/{tenant}").json
    assert gone["deleted_at"] is not None
    assert gone["purge_at"] is not None
    assert (gone["holds_license"], names(account, "status=deleted")) == (False, ["Bakery"])
    assert create(account, slug="bakery").status == 201


@pytest.mark.parametrize("verb", ["deactivate", "reactivate"])
def test_what_is_deleted_can_not_be_changed(account: Person, verb: str) -> None:
    tenant = made(account)
    delete(account, tenant)
    assert move(account, tenant, verb).code == "not_found"
    assert account.api.patch(f"{TENANTS}/{tenant}", {"name": "X"}).code == "not_found"
    assert account.api.patch(f"{TENANTS}/{tenant}", {}).code == "not_found"


def test_restore(account: Person) -> None:
    tenant = made(account)
    move(account, tenant, "deactivate")
    delete(account, tenant)
    back = move(account, tenant, "restore").json
    assert (back["is_active"], back["holds_license"]) == (True, True)
    assert (back["deleted_at"], back["purge_at"]) == (None, None)
    assert used(account) == 1
    assert create(account, slug="bakery").code == "slug_taken"


def test_restoring_takes_a_license_again(people: People) -> None:
    account = people.reseller(licenses=1)
    tenant = made(account)
    delete(account, tenant)
    made(account, "Other")
    refused = move(account, tenant, "restore")
    assert (refused.status, refused.code) == (409, "licenses_exhausted")
    assert used(account) == 1


def test_restoring_needs_its_slug(account: Person) -> None:
    tenant = made(account)
    delete(account, tenant)
    other = made(account, "Other", slug="bakery")
    refused = move(account, tenant, "restore")
    assert (refused.status, refused.code) == (409, "slug_taken")
    assert used(account) == 1
    delete(account, other)
    assert move(account, tenant, "restore").status == 200


def test_restoring_under_another_slug(people: People) -> None:
    account = people.reseller(licenses=3)
    tenant = made(account)
    delete(account, tenant)
    made(account, "Other", slug="bakery")
    path = f"{TENANTS}/{tenant}/restore"
    assert account.api.post(path, {"slug": "Not a slug"}).code == "invalid_request"
    back = account.api.post(path, {"slug": "bakery-two"}).json
    assert (back["slug"], back["deleted_at"]) == ("bakery-two", None)
    assert create(account, slug="bakery-two").code == "slug_taken"
    assert used(account) == 2
    delete(account, tenant)
    assert create(account, slug="bakery-two").status == 201


def test_restoring_under_a_slug_that_is_taken(account: Person) -> None:
    tenant = made(account)
    delete(account, tenant)
    made(account, "Other", slug="taken")
    refused = account.api.post(f"{TENANTS}/{tenant}/restore", {"slug": "taken"})
    assert (refused.status, refused.code) == (409, "slug_taken")
    assert used(account) == 1
    assert create(account, slug="bakery").status == 201  # its own name is still free


def test_restoring_needs_an_active_reseller(people: People, account: Person) -> None:
    tenant = made(account)
    delete(account, tenant)
    path = f"/v1/resellers/{account.reseller_id}"
    people.admin.api.patch(path, {"is_active": False})
    refused = people.admin.api.post(f"{path}/tenants/{tenant}/restore")
    assert (refused.status, refused.code) == (409, "reseller_inactive")


@pytest.mark.parametrize("way", ["read", "restore", "delete", "edit"])
def test_after_30_days_it_is_gone_though_its_row_lingers(
    people: People, account: Person, frozen: TestClock, way: str
) -> None:
    tenant = made(account)
    delete(account, tenant)
    path = f"/v1/resellers/{account.reseller_id}/tenants/{tenant}"

    def attempt() -> Reply:
        people.admin.__dict__.pop("api", None)  # its session has run out
        api = people.admin.api
        match way:
            case "read":
                return api.get(path)
            case "restore":
                return api.post(f"{path}/restore")
            case "delete":
                return api.delete(path)
        return api.patch(path, {"name": "X"})

    frozen.advance(RESTORABLE)
    assert attempt().code == "not_found"
    frozen.advance(-timedelta(minutes=1))
    assert attempt().status == {"read": 200, "restore": 200, "delete": 204, "edit": 404}[way]


def test_the_list_of_the_deleted_forgets_what_has_expired(
    people: People, account: Person, frozen: TestClock
) -> None:
    tenant = made(account)
    delete(account, tenant)
    assert names(account, "status=deleted") == ["Bakery"]
    frozen.advance(RESTORABLE)
    account.__dict__.pop("api")
    assert names(account, "status=deleted") == []


def test_restoring_while_the_row_expires(account: Person, wire: Wire) -> None:
    """DynamoDB's TTL takes it between our look and our write: no ghost, no license lost."""
    tenant = made(account)
    delete(account, tenant)
    row = get(Tenant, account.reseller_id or "", tenant)
    assert row is not None
    wire.before(row.delete)
    assert move(account, tenant, "restore").code == "not_found"
    assert used(account) == 0


def test_lists_by_state_newest_first(people: People) -> None:
    account = people.reseller(licenses=5)
    ids = {name: made(account, name) for name in ("One", "Two", "Three", "Four")}
    move(account, ids["Two"], "deactivate")
    delete(account, ids["Three"])
    assert set(names(account)) == {"One", "Two", "Four"}
    assert set(names(account, "status=live")) == {"One", "Two", "Four"}
    assert set(names(account, "status=active")) == {"One", "Four"}
    assert names(account, "status=inactive") == ["Two"]
    assert names(account, "status=deleted") == ["Three"]
    assert account.api.get(f"{TENANTS}?status=gone").code == "invalid_request"


def test_newest_first(people: People, frozen: TestClock) -> None:
    account = people.reseller(licenses=3)
    for name in ("One", "Two", "Three"):
        made(account, name)
        frozen.advance(timedelta(seconds=1))
    assert names(account) == ["Three", "Two", "One"]


def test_a_search_is_by_the_beginning_of_the_name_in_order(people: People) -> None:
    account = people.reseller(licenses=5)
    for name in ("bakery", "Bath", "BÄCKEREI", "Cafe"):
        made(account, name)
    assert names(account, "search=ba") == ["bakery", "Bath"]
    assert names(account, "search=B%C3%A4") == ["BÄCKEREI"]
    assert names(account, "search=akery") == []
    made(account, "Baker's", slug="bakers")
    assert names(account, "search=BAKER") == ["Baker's", "bakery"]
    assert account.api.get(f"{TENANTS}?search={'%EF%B7%BA' * 200}").json["data"] == []


def test_names_as_long_as_they_unfold(account: Person) -> None:
    """U+FDFA alone is 18 characters once it is unfolded for the index."""
    made(account, "\ufdfa" * 200)
    made(account, "\U0001f469\u200d\U0001f680" * 66)
    assert used(account) == 2


def test_a_drifted_pool_does_not_hold_up_a_deletion(people: People, account: Person) -> None:
    """Somebody set license_used to 0 by hand: the tenant goes, for reconciliation to judge."""
    from chalicelib.storage.resellers import Reseller

    tenant = made(account)
    row = get(Reseller, account.reseller_id or "")
    assert row is not None
    row.update([Reseller.license_used.set(0)])
    delete(account, tenant)
    licenses = account.api.get("/v1/resellers/me/licenses").json
    assert licenses["license_used"] == 0
    assert account.api.get(f"{TENANTS}/{tenant}").json["holds_license"] is False


def test_unknown_tenants(account: Person) -> None:
    for reply in (
        account.api.get(f"{TENANTS}/tnt_none"),
        account.api.patch(f"{TENANTS}/tnt_none", {"name": "X"}),
        account.api.delete(f"{TENANTS}/tnt_none"),
        move(account, "tnt_none", "restore"),
    ):
        assert (reply.status, reply.code) == (404, "not_found")
