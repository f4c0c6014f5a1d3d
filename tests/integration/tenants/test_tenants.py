"""Tenants through the API: create, read, edit, and list."""

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


def test_a_created_tenant_can_be_read(account: Person) -> None:
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


def test_each_tenant_takes_a_license_until_none_is_left(account: Person) -> None:
    create_tenant_id(account, "One")
    create_tenant_id(account, "Two")
    refused = create_tenant(account, "Three")
    assert (refused.status, refused.code) == (409, "licenses_exhausted")
    assert "2 of 2" in refused.json["detail"]
    assert licenses_used(account) == 2
    assert len(tenant_names(account)) == 2


def test_an_admin_can_create_a_tenant_for_a_reseller(people: People, account: Person) -> None:
    path = f"/v1/resellers/{account.reseller_id}/tenants"
    tenant = people.admin.api.post(path, {"name": "Bakery"}).json
    assert tenant["reseller_id"] == account.reseller_id
    assert tenant_names(account) == ["Bakery"]


def test_a_slug_is_unique_within_its_reseller(people: People, account: Person) -> None:
    create_tenant_id(account, slug="bakery")
    refused = create_tenant(account, "Other", slug="bakery")
    assert (refused.status, refused.code) == (409, "slug_taken")
    assert licenses_used(account) == 1
    assert create_tenant(people.reseller(licenses=1), slug="bakery").status == 201, (
        "slugs are per reseller"
    )


def test_a_slug_derived_from_the_name_is_unique(people: People) -> None:
    account = people.reseller(licenses=5)
    slugs = [create_tenant(account, "Blue Bottle").json["slug"] for _ in range(3)]
    assert slugs[0] == "blue-bottle"
    assert all(slug.startswith("blue-bottle-") for slug in slugs[1:])
    assert len(set(slugs)) == 3
    assert create_tenant(account, "株式会社").json["slug"].startswith("tenant-")
    assert licenses_used(account) == 4


def test_a_keyed_create_whose_derived_slug_is_taken_is_replayed(account: Person) -> None:
    create_tenant_id(account, "Blue Bottle")
    first = account.api.post(TENANTS, {"name": "Blue Bottle"}, key="the-key")
    again = account.api.post(TENANTS, {"name": "Blue Bottle"}, key="the-key")
    assert first.status == 201
    assert again.json == first.json
    assert licenses_used(account) == 2


def test_a_taken_derived_slug_without_an_unused_license_is_refused(people: People) -> None:
    account = people.reseller(licenses=1)
    create_tenant_id(account, "Blue Bottle")
    assert create_tenant(account, "Blue Bottle").code == "licenses_exhausted"


def test_editing_changes_only_the_fields_that_are_sent(account: Person) -> None:
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


def test_a_slug_can_be_changed_and_changed_back(account: Person) -> None:
    tenant = create_tenant_id(account)
    for slug in ("cafe", "bakery", "cafe"):
        edited = account.api.patch(f"{TENANTS}/{tenant}", {"slug": slug})
        assert edited.json["slug"] == slug
    assert create_tenant(account, slug="bakery").status == 201


def test_concurrent_slug_changes_leave_one_claim(account: Person, aws_faults: AwsFaults) -> None:
    tenant = create_tenant_id(account)
    path = f"{TENANTS}/{tenant}"
    aws_faults.before(lambda: account.api.patch(path, {"slug": "first"}))
    assert account.api.patch(path, {"slug": "second"}).json["slug"] == "second"
    assert create_tenant(account, slug="first").status == 201


def test_expired_tenants_are_not_listed_as_deleted(
    people: People, account: Person, frozen: TestClock
) -> None:
    tenant = create_tenant_id(account)
    delete_tenant(account, tenant)
    assert tenant_names(account, "status=deleted") == ["Bakery"]
    frozen.advance(RESTORABLE)
    account.__dict__.pop("api")
    assert tenant_names(account, "status=deleted") == []


def test_the_list_filters_by_status(people: People) -> None:
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


def test_tenants_are_listed_newest_first(people: People, frozen: TestClock) -> None:
    account = people.reseller(licenses=3)
    for name in ("One", "Two", "Three"):
        create_tenant_id(account, name)
        frozen.advance(timedelta(seconds=1))
    assert tenant_names(account) == ["Three", "Two", "One"]


def test_a_search_matches_the_start_of_the_name_and_sorts_by_name(people: People) -> None:
    account = people.reseller(licenses=5)
    for name in ("bakery", "Bath", "BÄCKEREI", "Cafe"):
        create_tenant_id(account, name)
    assert tenant_names(account, "search=ba") == ["bakery", "Bath"]
    assert tenant_names(account, "search=B%C3%A4") == ["BÄCKEREI"]
    assert tenant_names(account, "search=akery") == []
    create_tenant_id(account, "Baker's", slug="bakers")
    assert tenant_names(account, "search=BAKER") == ["Baker's", "bakery"]
    assert account.api.get(f"{TENANTS}?search={'%EF%B7%BA' * 200}").json["data"] == []


def test_names_that_grow_when_folded_are_accepted(account: Person) -> None:
    """U+FDFA becomes 18 characters when it is folded for the index."""
    create_tenant_id(account, "\ufdfa" * 200)
    create_tenant_id(account, "\U0001f469\u200d\U0001f680" * 66)
    assert licenses_used(account) == 2


def test_an_unknown_tenant_is_not_found(account: Person) -> None:
    for reply in (
        account.api.get(f"{TENANTS}/tnt_none"),
        account.api.patch(f"{TENANTS}/tnt_none", {"name": "X"}),
        account.api.delete(f"{TENANTS}/tnt_none"),
        post_action(account, "tnt_none", "restore"),
    ):
        assert (reply.status, reply.code) == (404, "not_found")
