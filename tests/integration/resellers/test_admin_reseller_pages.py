"""The super admin's pages, without a browser and without a script: people and resellers."""

import json
import re

import pytest

from chalicelib.services.resellers import accounts
from chalicelib.storage.reads import Pagination
from tests.support.page_client import PageClient, PageResponse, signed_in
from tests.support.people import People


@pytest.fixture
def admin(people: People) -> PageClient:
    return signed_in(people.admin)


def unchecked(shown: PageResponse, action: str, *boxes: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in shown.form(action).fields if name not in boxes]


def test_forms_from_elsewhere_are_refused(admin: PageClient, people: People) -> None:
    fields = admin.get("/admin/users?create=1").form("/admin/users").fields
    typed = [("email", "a@example.com"), ("name", "A")]
    without = [(n, v) for n, v in fields if n not in ("csrf_token", "email", "name")]
    assert admin.post("/admin/users", without + typed).status == 403
    strange = [*without, ("csrf_token", "0" * 64), *typed]
    assert admin.post("/admin/users", strange).status == 403
    admin.headers = {"Sec-Fetch-Site": "cross-site"}
    token = [(n, v) for n, v in fields if n == "csrf_token"]
    assert admin.post("/admin/users", without + token + typed).status == 403
    assert len(people.admin.api.get("/v1/users").json["data"]) == 1


def test_a_user_is_created_once_though_the_form_is_sent_twice(admin: PageClient) -> None:
    shown = admin.get("/admin/users?create=1")
    first = admin.submit(shown, "/admin/users", email="Rosa@Example.com", name="Rosa")
    second = admin.submit(shown, "/admin/users", email="Rosa@Example.com", name="Rosa")
    assert first.status == 303
    assert first.location == second.location
    page = admin.follow(first)
    assert "Rosa was created." in page.text
    assert "rosa@example.com" in page.text


def test_what_is_wrong_with_a_new_user_stands_beside_the_field(admin: PageClient) -> None:
    shown = admin.get("/admin/users")
    refused = admin.submit(shown, "/admin/users", email="nobody", name="")
    assert refused.status == 422
    assert 'id="email-error"' in refused.text
    assert "Please fill this in." in refused.text
    assert dict(refused.form("/admin/users").fields)["email"] == "nobody"
    taken = admin.submit(shown, "/admin/users", email="admin@example.com", name="Again")
    assert taken.status == 409
    assert "is taken" in taken.text


def test_users_are_searched_by_the_beginning_of_the_email(
    admin: PageClient, people: People
) -> None:
    person = people.reseller()
    found = admin.get("/admin/users?q=RESELLER").text
    assert person.email in found
    assert "Company 1" in found
    assert "admin@example.com</span>" not in found
    assert "No user matches" in admin.get("/admin/users?q=zzz").text


def test_a_user_is_edited_and_deactivated(admin: PageClient, people: People) -> None:
    person = people.user()
    path = f"/admin/users/{person.user_id}"
    saved = admin.submit(admin.get(path), path, name="Another Name")
    assert "Another Name" in admin.follow(saved).text
    assert admin.post(path, unchecked(admin.get(path), path, "is_active")).status == 303
    assert "Inactive" in admin.get(path).text


def test_an_edit_over_anothers_edit_is_shown_before_it_is_made(
    admin: PageClient, people: People
) -> None:
    path = f"/admin/users/{people.user().user_id}"
    early = admin.get(path)
    admin.submit(early, path, name="First")
    late = admin.submit(early, path, name="Second")
    assert late.status == 412
    assert "What you typed is kept below" in late.text
    assert dict(late.form(path).fields)["name"] == "Second"
    assert admin.submit(late, path).status == 303
    assert "Second" in admin.get(path).text


def test_ones_own_switches_stay_as_they_are(admin: PageClient, people: People) -> None:
    path = f"/admin/users/{people.admin.user_id}"
    fields = unchecked(admin.get(path), path, "is_active", "is_super_admin")
    assert admin.post(path, fields).status == 303
    assert admin.get("/admin/users").status == 200


def test_ones_own_address_is_not_changed_without_the_password(
    admin: PageClient, people: People
) -> None:
    path = f"/admin/users/{people.admin.user_id}"
    typed = {"email": "thief@example.com", "name": "Changed"}
    assert admin.submit(admin.get(path), path, **typed).status == 303
    user = people.admin.api.get(f"/v1/users/{people.admin.user_id}").json
    assert (user["email"], user["name"]) == (people.admin.email, "Changed")


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
    ("typed", "beside", "status"),
    [
        ({"user_email": "ghost@example.com"}, "user_email", 422),
        ({"user_email": "reseller1@example.com"}, "user_email", 422),
        ({"slug": "No Slug"}, "slug", 422),
        ({"slug": "company-1"}, "slug", 409),
        ({"license_count": "-1"}, "license_count", 422),
        ({"license_count": "many"}, "license_count", 422),
        ({"company_name": " "}, "company_name", 422),
    ],
)
def test_what_is_wrong_with_a_new_reseller_stands_beside_the_field(
    admin: PageClient, people: People, typed: dict[str, str], beside: str, status: int
) -> None:
    people.reseller()
    right = {"user_email": people.user().email, "company_name": "Acme", "slug": "acme"}
    shown = admin.get("/admin/resellers?create=1")
    refused = admin.submit(shown, "/admin/resellers", **{**right, **typed})
    assert refused.status == status
    assert f'id="{beside}-error"' in refused.text
    form = dict(refused.form("/admin/resellers").fields)
    assert form["user_email"] == (right | typed)["user_email"]
    assert len(accounts.list_resellers(Pagination()).rows) == 1


def test_resellers_are_narrowed_by_how_they_stand(admin: PageClient, people: People) -> None:
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
    assert admin.post(path, unchecked(page, path, "is_active")).status == 303
    assert "Inactive" in admin.get(path).text


def test_the_total_never_falls_below_what_is_used(admin: PageClient, people: People) -> None:
    reseller = people.reseller(licenses=2)
    reseller.api.post("/v1/resellers/me/tenants", {"name": "One"})
    path = f"/admin/resellers/{reseller.reseller_id}"
    refused = admin.submit(admin.get(path), path, license_count="0")
    assert refused.status == 409
    assert 'id="edit-license_count-error"' in refused.text
    assert dict(refused.form(path).fields)["license_count"] == "0"


def test_traffic_does_not_stand_in_the_way_of_an_edit_but_an_edit_does(
    admin: PageClient, people: People
) -> None:
    reseller = people.reseller(licenses=5)
    path = f"/admin/resellers/{reseller.reseller_id}"
    early = admin.get(path)
    reseller.api.post("/v1/resellers/me/tenants", {"name": "Meanwhile"})
    assert admin.submit(early, path, company_name="First").status == 303
    late = admin.submit(early, path, company_name="Second")
    assert late.status == 412
    assert "It is “First” now." in late.text
    assert dict(late.form(path).fields)["company_name"] == "Second"
    assert admin.submit(late, path).status == 303
    assert "Second" in admin.get(path).text


def test_licenses_are_allocated_once_with_a_reason(admin: PageClient, people: People) -> None:
    reseller = people.reseller(licenses=5)
    path = f"/admin/resellers/{reseller.reseller_id}"
    page = admin.get(path)
    for _ in range(2):
        sent = admin.submit(page, path + "/allocate", change="10", reason="Spring bonus")
        assert sent.status == 303
    page = admin.follow(sent)
    assert "10 licenses allocated." in page.text
    assert "Spring bonus" in page.text
    back = admin.submit(page, path + "/allocate", change="−3", reason="Typographic minus")
    assert "3 licenses taken back." in admin.follow(back).text
    assert accounts.read_reseller(str(reseller.reseller_id)).license_count == 12


@pytest.mark.parametrize(
    ("change", "reason", "beside", "status"),
    [
        ("0", "Nothing", "change", 422),
        ("", "Nothing", "change", 422),
        ("ten", "Nothing", "change", 422),
        ("1", "", "reason", 422),
        ("-6", "Too many", "change", 409),
    ],
)
def test_what_is_wrong_with_an_allocation_is_said(
    admin: PageClient, people: People, change: str, reason: str, beside: str, status: int
) -> None:
    reseller = people.reseller(licenses=5)
    path = f"/admin/resellers/{reseller.reseller_id}"
    sent = admin.submit(admin.get(path), path + "/allocate", change=change, reason=reason)
    assert sent.status == status
    assert f"#allocate-{beside}" in sent.text
    assert dict(sent.form(path + "/allocate").fields)["change"] == change
    assert dict(sent.form(path).fields)["company_name"] == "Company 1"
