"""Signing in and out, and the validity of tokens."""

from datetime import timedelta

import pytest

from chalicelib.services.identity.authenticate import SESSION_LIFETIME
from chalicelib.storage.credentials import Credential
from chalicelib.storage.reads import get
from tests.conftest import TestClock
from tests.support.api import Api, Reply
from tests.support.people import PASSWORD, People
from tests.support.platform_settings import set_switches


def sign_in(api: Api, email: str, password: str = PASSWORD) -> Reply:
    return api.as_(None).post("/v1/login", {"email": email, "password": password})


def test_sign_in_returns_a_working_token(api: Api, people: People, frozen: TestClock) -> None:
    account = people.reseller()
    reply = sign_in(api, account.email)
    assert reply.status == 200
    assert reply.json["user"]["id"] == account.user_id
    assert PASSWORD not in reply.text
    assert "hash" not in reply.text
    expires = frozen.now() + SESSION_LIFETIME
    assert (
        reply.json["expires_at"] == f"{expires:%Y-%m-%dT%H:%M:%S}.{expires.microsecond // 1000:03}Z"
    )

    me = api.as_(reply.json["token"]).get("/v1/me").json
    assert (me["user"]["id"], me["reseller"]["id"]) == (account.user_id, account.reseller_id)


def test_an_admin_has_no_reseller_account(people: People) -> None:
    me = people.admin.api.get("/v1/me").json
    assert me["user"]["is_super_admin"] is True
    assert me["reseller"] is None


def test_sign_in_ignores_the_case_of_the_email(api: Api, people: People) -> None:
    assert sign_in(api, people.admin.email.upper()).status == 200


def test_the_token_is_stored_as_a_hash(api: Api, people: People) -> None:
    credential_id, secret = sign_in(api, people.admin.email).json["token"].split(".")
    row = get(Credential, credential_id)
    assert row is not None
    assert secret not in str(row.attribute_values)


def test_every_refused_sign_in_gets_the_same_response(api: Api, people: People) -> None:
    """The response must not reveal which emails have an account."""
    account = people.reseller()
    people.admin.api.patch(f"/v1/users/{account.user_id}", {"is_active": False})
    without = people.admin.api.post("/v1/users", {"email": "no@example.com", "name": "No"})
    assert without.status == 201
    replies = [
        sign_in(api, people.admin.email, "wrong password"),
        sign_in(api, people.admin.email, PASSWORD.upper()),
        sign_in(api, "nobody@example.com"),
        sign_in(api, account.email),  # inactive
        sign_in(api, "no@example.com"),  # has no password yet
    ]
    assert {reply.status for reply in replies} == {401}
    assert {reply.code for reply in replies} == {"unauthenticated"}
    assert len({reply.text for reply in replies}) == 1
    assert {reply.headers["WWW-Authenticate"] for reply in replies} == {"Bearer"}


def test_an_inactive_reseller_cannot_sign_in(api: Api, people: People) -> None:
    account = people.reseller(is_active=False)
    refused = sign_in(api, account.email)
    assert (refused.status, refused.code) == (403, "reseller_inactive")
    wrong = sign_in(api, account.email, "wrong password")
    assert wrong.status == 401, "checked after the password, so that others learn nothing"


def test_an_inactive_reseller_can_sign_in_if_the_platform_allows_it(
    api: Api, people: People
) -> None:
    account = people.reseller(is_active=False, licenses=1)
    set_switches(restrict_inactive_resellers=False)
    assert account.api.get("/v1/me").status == 200
    refused = account.api.post("/v1/resellers/me/tenants", {"name": "Bakery"})
    assert (refused.status, refused.code) == (409, "reseller_inactive")


def test_deactivating_a_reseller_blocks_its_session(people: People) -> None:
    account = people.reseller()
    assert account.api.get("/v1/me").status == 200
    path = f"/v1/resellers/{account.reseller_id}"
    people.admin.api.patch(path, {"is_active": False})
    assert account.api.get("/v1/me").status == 401
    people.admin.api.patch(path, {"is_active": True})
    again = people.reseller()
    assert again.api.get("/v1/me").status == 200


def test_an_admin_with_an_inactive_reseller_account_can_sign_in(people: People) -> None:
    account = people.reseller(is_active=False)
    people.admin.api.patch(f"/v1/users/{account.user_id}", {"is_super_admin": True})
    assert account.api.get("/v1/me").status == 200


def test_deactivating_a_user_ends_its_sessions(people: People) -> None:
    account = people.reseller()
    assert account.api.get("/v1/me").status == 200
    people.admin.api.patch(f"/v1/users/{account.user_id}", {"is_active": False})
    assert account.api.get("/v1/me").status == 401


def test_a_session_expires_even_if_its_row_still_exists(people: People, frozen: TestClock) -> None:
    account = people.reseller()
    assert account.api.get("/v1/me").status == 200
    in_use = timedelta(minutes=59)
    for _ in range(SESSION_LIFETIME // in_use):
        frozen.advance(in_use)
        assert account.api.get("/v1/me").status == 200
    frozen.advance(SESSION_LIFETIME % in_use - timedelta(seconds=1))
    assert account.api.get("/v1/me").status == 200
    frozen.advance(timedelta(seconds=1))
    ended = account.api.get("/v1/me")
    assert (ended.status, ended.code) == (401, "unauthenticated")


def test_signing_out_ends_only_the_current_session(api: Api, people: People) -> None:
    first, second = (sign_in(api, people.admin.email).json["token"] for _ in range(2))
    out = api.as_(first).post("/v1/logout")
    assert (out.status, out.text) == (204, "")
    assert api.as_(first).get("/v1/me").status == 401
    assert api.as_(first).post("/v1/logout").status == 401
    assert api.as_(second).get("/v1/me").status == 200


def test_a_session_can_use_an_account_linked_after_sign_in(people: People) -> None:
    user = people.user()
    assert user.api.get("/v1/me").json["reseller"] is None
    assert user.api.get("/v1/resellers/me").status == 404
    new = {"user_id": user.user_id, "company_name": "New", "slug": "new-company"}
    made = people.admin.api.post("/v1/resellers", new).json
    assert user.api.get("/v1/me").json["reseller"]["id"] == made["id"]
    assert user.api.get("/v1/resellers/me").json["slug"] == "new-company"


def malformed_headers(token: str) -> list[str | None]:
    credential_id, secret = token.split(".")
    return [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Basic {token}",
        token,
        f"Bearer {credential_id}",
        f"Bearer {credential_id}.",
        f"Bearer .{secret}",
        f"Bearer {credential_id}.{secret}x",
        f"Bearer {credential_id}.{secret[:-1]}",
        f"Bearer {credential_id.upper()}.{secret}",
        f"Bearer {secret}.{credential_id}",
        f"Bearer ses_.{secret}",
        "Bearer ses_" + "x" * 5000 + "." + secret,
        "Bearer ses_ü.ü",
        "Bearer ses_\udcff.\udcff",
        "Bearer ses_\x00.\x00",
        f"Bearer usr_{credential_id[4:]}.{secret}",
        f"Bearer {token} {token}",
        f"Bearer {token},{token}",
    ]


@pytest.mark.parametrize("number", range(21))
def test_malformed_tokens_are_refused(api: Api, people: People, number: int) -> None:
    headers_to_try = malformed_headers(sign_in(api, people.admin.email).json["token"])
    assert len(headers_to_try) == 21
    header = headers_to_try[number]
    headers = {} if header is None else {"Authorization": header}
    refused = api.as_(None).get("/v1/me", headers=headers)
    assert (refused.status, refused.code) == (401, "unauthenticated")


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer  "])
def test_the_bearer_scheme_is_case_insensitive(api: Api, people: People, scheme: str) -> None:
    token = sign_in(api, people.admin.email).json["token"]
    headers = {"Authorization": f"{scheme} {token}"}
    assert api.as_(None).get("/v1/me", headers=headers).status == 200
