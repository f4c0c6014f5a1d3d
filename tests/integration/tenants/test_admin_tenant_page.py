"""The admin's page for one tenant."""

from typing import Any

import pytest

from tests.support.page_client import PageClient, signed_in
from tests.support.people import People, Person


@pytest.fixture
def admin(people: People) -> PageClient:
    return signed_in(people.admin)


@pytest.fixture
def seller(people: People) -> Person:
    return people.reseller(licenses=2)


@pytest.fixture
def tenant(seller: Person) -> dict[str, Any]:
    made: dict[str, Any] = seller.api.post("/v1/resellers/me/tenants", {"name": "Kite & Co"}).json
    return made


@pytest.fixture
def path(seller: Person, tenant: dict[str, Any]) -> str:
    return f"/admin/resellers/{seller.reseller_id}/tenants/{tenant['id']}"


def used(seller: Person) -> int:
    answer: int = seller.api.get("/v1/resellers/me/licenses").json["license_used"]
    return answer


def test_the_list_and_the_reseller_page_link_to_the_tenant(
    admin: PageClient, seller: Person, path: str
) -> None:
    for list_page in (path.rpartition("/")[0], f"/admin/resellers/{seller.reseller_id}"):
        assert f'href="{path}"' in admin.get(list_page).text
    page = admin.get(path).words
    assert "Holds one" in page
    assert "/login?reseller=company-1&amp;tenant=kite-co" in page
    assert "Company 1" in page


def test_the_tenant_is_edited_and_a_taken_slug_is_reported_at_its_field(
    admin: PageClient, seller: Person, path: str
) -> None:
    seller.api.post("/v1/resellers/me/tenants", {"name": "Other", "slug": "other"})
    refused = admin.submit(admin.get(path), path, slug="other")
    assert refused.status == 409
    assert 'id="slug-error"' in refused.text
    saved = admin.submit(refused, path, slug="kites", contact_email="a@kite.example")
    page = admin.follow(saved).words
    assert "Saved." in page
    assert "Slug kite-co → became kites" in page
    assert "admin@example.com" in page


def test_the_tenant_is_deactivated_deleted_and_restored(
    admin: PageClient, seller: Person, path: str
) -> None:
    off = admin.follow(admin.submit(admin.get(path), path + "?action=deactivate"))
    assert "is deactivated" in off.text
    on = admin.follow(admin.submit(off, path + "?action=reactivate"))
    assert "is active again" in on.text
    asked = admin.get(path + "/delete")
    assert "Delete Kite &amp; Co?" in asked.text
    gone = admin.submit(asked, path + "?action=delete")
    assert gone.location == path.rpartition("/")[0]
    assert used(seller) == 0
    deleted = admin.get(path)
    assert "It can be restored until" in deleted.text
    back = admin.follow(admin.submit(deleted, path + "?action=restore"))
    assert "on one of the reseller" in back.text
    assert used(seller) == 1
    history = back.words
    for words in ("Created", "Deactivated", "Reactivated", "Deleted", "Restored"):
        assert words in history


def test_restoring_without_an_unused_license_shows_why(
    admin: PageClient, seller: Person, path: str
) -> None:
    admin.submit(admin.get(path), path + "?action=delete")
    early = admin.get(path)
    for name in ("One", "Two"):
        seller.api.post("/v1/resellers/me/tenants", {"name": name})
    refused = admin.submit(early, path + "?action=restore")
    assert refused.status == 409
    page = admin.get(path).text
    assert "allocate one</a> first" in page
    assert path + "?action=restore" not in page


def test_the_delete_confirmation_of_a_deleted_tenant_redirects(
    admin: PageClient, path: str
) -> None:
    admin.submit(admin.get(path), path + "?action=delete")
    assert admin.get(path + "/delete").location == path


def test_a_tenant_of_another_reseller_is_not_found(
    admin: PageClient, people: People, tenant: dict[str, Any]
) -> None:
    other = people.reseller()
    path = f"/admin/resellers/{other.reseller_id}/tenants/{tenant['id']}"
    assert admin.get(path).status == 404
    token = admin.get("/admin").form("/logout").fields
    assert admin.post(path + "?action=delete", token).status == 404
