"""Tenants: created, read, edited and listed, each on one license."""

from datetime import timedelta

import pytest

from chalicelib.services.tenants.lifecycle import RESTORABLE
from tests.conftest import TestClock
from tests.support.aws_faults import AwsFaults
from tests.support.people import People, Person
from tests.support.tenants import (
    TENANTS,
    create_tenant,
    create_tenant_id,
    delete_tenant,
    licenses_used,
    post_action,
    tenant_names,
)


@pytest.fixture
def account(people: People) -> Person:
    return people.reseller(licenses=2)


def test_create_and_read(account: Person) -> None:
    reply = create_tenant(account, contact_email="Owner@Bakery.example.com")
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
    assert licenses_used(account) == 1


def test_each_takes_a_license_until_there_is_none(account: Person) -> None:
    create_tenant_id(account, "One")
    create_tenant_id(account, "Two")
    refused = create_tenant(account, "Three")
    assert (refused.status, refused.code) == (409, "licenses_exhausted")
    assert "2 of 2" in refused.json["detail"]
    assert licenses_used(account) == 2
    assert len(tenant_names(account)) == 2


def test_the_admin_may_do_all_that_the_reseller_may(people: People, account: Person) -> None:
    path = f"/v1/resellers/{account.reseller_id}/tenants"
    tenant = people.admin.api.post(path, {"name": "Bakery"}).json
    assert tenant["reseller_id"] == account.reseller_id
    assert tenant_names(account) == ["Bakery"]


def test_a_slug_belongs_to_one_tenant_of_its_reseller(people: People, account: Person) -> None:
    create_tenant_id(account, slug="bakery")
    refused = create_tenant(account, "Other", slug="bakery")
    assert (refused.status, refused.code) == (409, "slug_taken")
    assert licenses_used(account) == 1
    assert create_tenant(people.reseller(licenses=1), slug="bakery").status == 201, "each its own"


def test_a_slug_made_of_the_name_is_made_unique(people: People) -> None:
    account = people.reseller(licenses=5)
    slugs = [create_tenant(account, "Blue Bottle").json["slug"] for _ in range(3)]
    assert slugs[0] == "blue-bottle"
    assert all(slug.startswith("blue-bottle-") for slug in slugs[1:])
    assert len(set(slugs)) == 3
    assert create_tenant(account, "株式会社").json["slug"].startswith("tenant-")
    assert licenses_used(account) == 4


def test_a_made_slug_that_collides_with_a_key(account: Person) -> None:
    create_tenant_id(account, "Blue Bottle")
    first = account.api.post(TENANTS, {"name": "Blue Bottle"}, key="the-key")
    again = account.api.post(TENANTS, {"name": "Blue Bottle"}, key="the-key")
    assert first.status == 201
    assert again.json == first.json
    assert licenses_used(account) == 2


def test_a_made_slug_that_collides_without_a_license_left(people: People) -> None:
    account = people.reseller(licenses=1)
    create_tenant_id(account, "Blue Bottle")
    assert create_tenant(account, "Blue Bottle").code == "licenses_exhausted"


def test_edit(account: Person) -> None:
    tenant = create_tenant_id(account, contact_email="a@example.com")
    path = f"{TENANTS}/{tenant}"
    edited = account.api.patch(path, {"name": "  Cafe ", "slug": "cafe"}).json
    assert (edited["name"], edited["slug"], edited["version"]) == ("Cafe", "cafe", 2)
    assert edited["contact_email"] == "a@example.com"
    assert account.api.patch(path, {"contact_email": None}).json["contact_email"] is None
    assert account.api.get(path).json["contact_email"] is None
    create_tenant_id(account, "Other", slug="bakery")
    refused = account.api.patch(path, {"slug": "bakery", "name": "Bakery"})
    assert (refused.status, refused.code) == (409, "slug_taken")
    assert account.api.get(path).json["name"] == "Cafe"


def test_renaming_there_and_back(account: Person) -> None:
    tenant = create_tenant_id(account)
    for slug in ("cafe", "bakery", "cafe"):
        edited = account.api.patch(f"{TENANTS}/{tenant}", {"slug": slug})
        assert edited.json["slug"] == slug
    assert create_tenant(account, slug="bakery").status == 201


def test_two_renames_at_once_leave_one_claim(account: Person, aws_faults: AwsFaults) -> None:
    tenant = create_tenant_id(account)
    path = f"{TENANTS}/{tenant}"
    aws_faults.before(lambda: account.api.patch(path, {"slug": "first"}))
    assert account.api.patch(path, {"slug": "second"}).json["slug"] == "second"
    assert create_tenant(account, slug="first").status == 201


def test_the_list_of_the_deleted_forgets_what_has_expired(
    people: People, account: Person, frozen: TestClock
) -> None:
    tenant = create_tenant_id(account)
    delete_tenant(account, tenant)
    assert tenant_names(account, "status=deleted") == ["Bakery"]
    frozen.advance(RESTORABLE)
    account.__dict__.pop("api")
    assert tenant_names(account, "status=deleted") == []


def test_lists_by_state_newest_first(people: People) -> None:
    account = people.reseller(licenses=5)
    ids = {name: create_tenant_id(account, name) for name in ("One", "Two", "Three", "Four")}
    post_action(account, ids["Two"], "deactivate")
    delete_tenant(account, ids["Three"])
    assert set(tenant_names(account)) == {"One", "Two", "Four"}
    assert set(tenant_names(account, "status=live")) == {"One", "Two", "Four"}
    assert set(tenant_names(account, "status=active")) == {"One", "Four"}
    assert tenant_names(account, "status=inactive") == ["Two"]
    assert tenant_names(account, "status=deleted") == ["Three"]
    assert account.api.get(f"{TENANTS}?status=gone").code == "invalid_request"


def test_newest_first(people: People, frozen: TestClock) -> None:
    account = people.reseller(licenses=3)
    for name in ("One", "Two", "Three"):
        create_tenant_id(account, name)
        frozen.advance(timedelta(seconds=1))
    assert tenant_names(account) == ["Three", "Two", "One"]


def test_a_search_is_by_the_beginning_of_the_name_in_order(people: People) -> None:
    account = people.reseller(licenses=5)
    for name in ("bakery", "Bath", "BÄCKEREI", "Cafe"):
        create_tenant_id(account, name)
    assert tenant_names(account, "search=ba") == ["bakery", "Bath"]
    assert tenant_names(account, "search=B%C3%A4") == ["BÄCKEREI"]
    assert tenant_names(account, "search=akery") == []
    create_tenant_id(account, "Baker's", slug="bakers")
    assert tenant_names(account, "search=BAKER") == ["Baker's", "bakery"]
    assert account.api.get(f"{TENANTS}?search={'%EF%B7%BA' * 200}").json["data"] == []


def test_names_as_long_as_they_unfold(account: Person) -> None:
    """U+FDFA alone is 18 characters once it is unfolded for the index."""
    create_tenant_id(account, "\ufdfa" * 200)
    create_tenant_id(account, "\U0001f469\u200d\U0001f680" * 66)
    assert licenses_used(account) == 2


def test_unknown_tenants(account: Person) -> None:
    for reply in (
        account.api.get(f"{TENANTS}/tnt_none"),
        account.api.patch(f"{TENANTS}/tnt_none", {"name": "X"}),
        account.api.delete(f"{TENANTS}/tnt_none"),
        post_action(account, "tnt_none", "restore"),
    ):
        assert (reply.status, reply.code) == (404, "not_found")
