"""The admin's reseller pages, tested without a browser or scripts."""

import json
import re

import pytest

from chalicelib.services.resellers import accounts
from chalicelib.storage.reads import Pagination
from tests.support.page_client import PageClient
from tests.support.people import People


def test_only_users_without_an_account_are_suggested(admin: PageClient, people: People) -> None:
    free, taken = people.user(), people.reseller()
    found = json.loads(admin.get("/admin/users/suggest?q=").text)
    assert found == []
    found = json.loads(admin.get("/admin/users/suggest?q=u").text)
    assert found == [{"email": free.email, "name": "Somebody"}]
    assert json.loads(admin.get(f"/admin/users/suggest?q={taken.email}").text) == []


def test_a_reseller_is_created_for_a_user_found_by_email(admin: PageClient, people: People) -> None:
    user = people.user()
    shown = admin.get(f"/admin/resellers?create=1&user_email={user.email}")
    assert dict(shown.form("/admin/resellers").fields)["user_email"] == user.email
    typed = {"company_name": "Acme & Co", "slug": "acme", "license_count": "5"}
    first = admin.submit(shown, "/admin/resellers", **typed)
    second = admin.submit(shown, "/admin/resellers", **typed)
    assert first.location == second.location
    page = admin.follow(first)
    assert "Acme &amp; Co was created." in page.text
    row = admin.get("/admin/resellers?q=acm").text
    assert "Acme &amp; Co" in row
    assert user.email in row


@pytest.mark.parametrize(
    ("typed", "field", "status"),
    [
        ({"user_email": "unknown@example.com"}, "user_email", 422),
        ({"user_email": "reseller1@example.com"}, "user_email", 422),
        ({"slug": "No Slug"}, "slug", 422),
        ({"slug": "company-1"}, "slug", 409),
        ({"license_count": "-1"}, "license_count", 422),
        ({"license_count": "many"}, "license_count", 422),
        ({"company_name": " "}, "company_name", 422),
    ],
)
def test_invalid_input_for_a_new_reseller_is_shown_at_the_field(
    admin: PageClient, people: People, typed: dict[str, str], field: str, status: int
) -> None:
    people.reseller()
    valid = {"user_email": people.user().email, "company_name": "Acme", "slug": "acme"}
    shown = admin.get("/admin/resellers?create=1")
    refused = admin.submit(shown, "/admin/resellers", **{**valid, **typed})
    assert refused.status == status
    assert f'id="{field}-error"' in refused.text
    form = dict(refused.form("/admin/resellers").fields)
    assert form["user_email"] == (valid | typed)["user_email"]
    assert len(accounts.list_resellers(Pagination()).rows) == 1


def test_resellers_are_filtered_by_status_and_search(admin: PageClient, people: People) -> None:
    plenty, low = people.reseller(licenses=50), people.reseller(licenses=2)
    people.reseller(licenses=9, is_active=False)

    def shown(query: str) -> set[str]:
        return set(re.findall(r">(Company \d)</a>", admin.get(f"/admin/resellers?{query}").text))

    assert shown("") == {"Company 1", "Company 2", "Company 3"}
    assert shown("status=low") == {"Company 2"}
    assert shown("status=inactive") == {"Company 3"}
    assert shown("status=active") == {"Company 1", "Company 2"}
    assert shown("status=over") == set()
    assert shown("status=nonsense") == shown("")
    assert shown("q=company 1") == {"Company 1"}
    assert shown("q=company-2") == {"Company 2"}
    assert shown(f"q={plenty.email}") == {"Company 1"}
    assert shown(f"q={low.email}&status=low") == {"Company 2"}


def test_a_reseller_is_edited(admin: PageClient, people: People) -> None:
    reseller = people.reseller(licenses=3)
    path = f"/admin/resellers/{reseller.reseller_id}"
    saved = admin.submit(admin.get(path), path, company_name="New Name", license_count="7")
    page = admin.follow(saved)
    assert "Saved." in page.text
    assert "New Name" in page.text
    assert "4 licenses allocated" in page.text
    unchecked = [(name, value) for name, value in page.form(path).fields if name != "is_active"]
    assert admin.post(path, unchecked).status == 303
    assert "Inactive" in admin.get(path).text


def test_the_license_total_cannot_fall_below_usage(admin: PageClient, people: People) -> None:
    reseller = people.reseller(licenses=2)
    reseller.api.post("/v1/resellers/me/tenants", {"name": "One"})
    path = f"/admin/resellers/{reseller.reseller_id}"
    refused = admin.submit(admin.get(path), path, license_count="0")
    assert refused.status == 409
    assert 'id="edit-license_count-error"' in refused.text
    assert dict(refused.form(path).fields)["license_count"] == "0"


def test_an_edit_conflicts_with_another_edit_but_not_with_new_tenants(
    admin: PageClient, people: People
) -> None:
    reseller = people.reseller(licenses=5)
    path = f"/admin/resellers/{reseller.reseller_id}"
    page = admin.get(path)
    reseller.api.post("/v1/resellers/me/tenants", {"name": "Meanwhile"})
    assert admin.submit(page, path, company_name="First").status == 303
    conflict = admin.submit(page, path, company_name="Second")
    assert conflict.status == 412
    assert "It is “First” now." in conflict.text
    assert dict(conflict.form(path).fields)["company_name"] == "Second"
    assert admin.submit(conflict, path).status == 303
    assert "Second" in admin.get(path).text


def test_submitting_an_allocation_twice_allocates_once(admin: PageClient, people: People) -> None:
    reseller = people.reseller(licenses=5)
    path = f"/admin/resellers/{reseller.reseller_id}"
    page = admin.get(path)
    for _ in range(2):
        sent = admin.submit(page, path + "?action=allocate", change="10", reason="Spring bonus")
        assert sent.status == 303
    page = admin.follow(sent)
    assert "10 licenses allocated." in page.text
    assert "Spring bonus" in page.text
    back = admin.submit(page, path + "?action=allocate", change="−3", reason="Typographic minus")
    assert "3 licenses taken back." in admin.follow(back).text
    assert accounts.read_reseller(str(reseller.reseller_id)).license_count == 12


@pytest.mark.parametrize(
    ("change", "reason", "field", "status"),
    [
        ("0", "Nothing", "change", 422),
        ("", "Nothing", "change", 422),
        ("ten", "Nothing", "change", 422),
        ("1", "", "reason", 422),
        ("-6", "Too many", "change", 409),
    ],
)
def test_invalid_allocations_show_an_error(
    admin: PageClient, people: People, change: str, reason: str, field: str, status: int
) -> None:
    reseller = people.reseller(licenses=5)
    path = f"/admin/resellers/{reseller.reseller_id}"
    sent = admin.submit(admin.get(path), path + "?action=allocate", change=change, reason=reason)
    assert sent.status == status
    assert f"#allocate-{field}" in sent.text
    assert dict(sent.form(path + "?action=allocate").fields)["change"] == change
    assert dict(sent.form(path).fields)["company_name"] == "Company 1"
