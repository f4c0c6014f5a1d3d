"""API keys on the pages: a reseller's in its settings, an admin's on the account page."""

import re

import pytest

from app import app
from tests.support.page_client import PageClient, PageResponse, signed_in
from tests.support.people import People, Person


def settings(client: PageClient) -> PageResponse:
    return client.get("/reseller/settings")


def test_a_new_key_is_shown_once_and_again_if_the_form_is_resubmitted(
    client: PageClient, reseller: Person
) -> None:
    form = settings(client)
    shown = client.submit(form, "/settings?action=create-key", name="Billing", scopes="read")
    assert shown.status == 200
    key = _key_on_page(shown)
    assert reseller.api.as_(key).get("/v1/resellers/me/licenses").status == 200
    again = client.submit(form, "/settings?action=create-key", name="Billing", scopes="read")
    assert _key_on_page(again) == key
    listed = client.get("/reseller/settings")
    assert "Billing" in listed.text
    assert ">Read</td>" in listed.text
    assert key not in listed.text
    revoke = re.search(r"/api-keys/\w+/revoke", listed.text)
    assert revoke
    client.submit(client.get(f"/reseller/settings{revoke[0]}"), revoke[0])
    assert reseller.api.as_(key).get("/v1/resellers/me/licenses").status == 401


def _key_on_page(page: PageResponse) -> str:
    found = re.search(r'data-copy="([^"]+)"', page.text)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": "Billing"}, "scopes"),
        ({"name": "", "scopes": "read"}, "name"),
        ({"name": "Billing", "scopes": "admin"}, "scopes"),
        ({"name": "Billing", "scopes": "read", "expires_at": "2020-01-01"}, "expires_at"),
        ({"name": "Billing", "scopes": "read", "expires_at": "soon"}, "expires_at"),
    ],
)
def test_invalid_input_for_a_new_key_is_shown_at_the_field(
    client: PageClient, typed: dict[str, str], field: str
) -> None:
    refused = client.submit(settings(client), "/settings?action=create-key", **typed)
    assert refused.status == 422
    assert f'id="key-{field}' in refused.text
    assert 'role="alert"' in refused.text


def test_an_api_key_cannot_open_pages(client: PageClient) -> None:
    key = _key_on_page(
        client.submit(settings(client), "?action=create-key", name="K", scopes="read")
    )
    client_with_key = PageClient(app)
    client_with_key.cookies["__Host-session"] = key
    assert settings(client_with_key).status == 303


def test_admins_create_and_revoke_keys_on_the_account_page(people: People) -> None:
    other = people.reseller(licenses=3)
    admin = signed_in(people.admin)
    form = admin.get("/account")
    shown = admin.submit(form, "/account?action=create-key", name="Nightly", scopes="read")
    assert shown.status == 200
    key = _key_on_page(shown)
    path = f"/v1/resellers/{other.reseller_id}/licenses"
    assert people.admin.api.as_(key).get(path).status == 200
    assert people.admin.api.as_(key).get("/v1/settings").status == 403
    listed = admin.get("/account")
    assert "Nightly" in listed.text
    assert key not in listed.text
    revoke = re.search(r"/account/api-keys/\w+/revoke", listed.text)
    assert revoke
    confirmation = admin.get(revoke[0])
    assert "Revoke Nightly?" in confirmation.text
    assert "The key is revoked." in admin.follow(admin.submit(confirmation, revoke[0])).text
    assert people.admin.api.as_(key).get(path).status == 401


def test_each_error_of_a_new_admin_key_is_shown_once(people: People) -> None:
    admin = signed_in(people.admin)
    refused = admin.submit(admin.get("/account"), "/account?action=create-key", name="Nightly")
    assert refused.status == 422
    assert refused.text.count('id="key-scopes-error"') == 1
    assert refused.text.count("Choose at least one.") == 2  # in the summary and next to the field


def test_only_admins_can_open_the_admin_key_pages(people: People, client: PageClient) -> None:
    user = signed_in(people.user())
    page = user.get("/account")
    assert page.status == 200
    assert "API keys" not in page.text
    for person in (user, client):
        token = person.get("/account" if person is user else "/reseller").form("/logout")
        assert person.post("/account?action=create-key", token.fields).status == 403
        assert person.get("/account/api-keys/key_x/revoke").status == 403


def test_an_admin_with_a_reseller_account_has_both_kinds_of_keys(people: People) -> None:
    both = people.reseller(licenses=1)
    people.admin.api.patch(f"/v1/users/{both.user_id}", {"is_super_admin": True})
    person = signed_in(both)
    made = person.submit(
        person.get("/account"), "/account?action=create-key", name="A", scopes="admin"
    )
    assert people.admin.api.as_(_key_on_page(made)).get("/v1/settings").status == 200
    assert "No keys" in person.get("/reseller/settings").text
    assert "No keys" not in person.get("/account").text
