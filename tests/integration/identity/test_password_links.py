"""Passwords: mailed links, changes by the user, and rules for new ones."""

import re
from datetime import timedelta

import pytest

from chalicelib.storage.credentials import Credential
from chalicelib.storage.outbox import Mail
from chalicelib.storage.users import User
from tests.conftest import TestClock
from tests.support.api import Api, Reply
from tests.support.mail import mails_to
from tests.support.people import PASSWORD, People

NEW_PASSWORD = "a fine new passphrase"


def invite(people: People, email: str = "new@example.com") -> str:
    made = people.admin.api.post("/v1/users", {"email": email, "name": "New"})
    assert (made.status, made.json["has_password"]) == (201, False)
    return str(made.json["id"])


def link_for(email: str) -> str:
    """Return the token from the most recently mailed link."""
    mail = mails_to(email)[-1]
    found = re.findall(r"/password\?token=(\S+)", mail["text"])
    assert len(found) == 1
    return str(found[0])


def redeem(api: Api, token: str, password: str = NEW_PASSWORD) -> Reply:
    return api.post("/v1/password/reset", {"token": token, "new_password": password})


def sign_in(api: Api, email: str, password: str) -> Reply:
    return api.post("/v1/login", {"email": email, "password": password})


def test_a_user_created_without_a_password_sets_one_with_a_mailed_link(
    people: People, api: Api
) -> None:
    invite(people)
    assert redeem(api, link_for("new@example.com")).status == 204
    assert sign_in(api, "new@example.com", NEW_PASSWORD).status == 200


def test_a_user_created_with_a_password_gets_no_link(people: People) -> None:
    person = {"email": "new@example.com", "name": "New", "password": NEW_PASSWORD}
    assert people.admin.api.post("/v1/users", person).json["has_password"] is True
    assert mails_to("new@example.com") == []


def test_a_link_works_once(people: People, api: Api) -> None:
    invite(people)
    token = link_for("new@example.com")
    assert redeem(api, token).status == 204
    again = redeem(api, token, "another passphrase")
    assert again.json["errors"][0]["field"] == "token"
    assert sign_in(api, "new@example.com", NEW_PASSWORD).status == 200


def test_a_rejected_password_leaves_the_link_valid(people: People, api: Api) -> None:
    invite(people)
    token = link_for("new@example.com")
    assert redeem(api, token, "12345678").json["errors"][0]["field"] == "new_password"
    assert redeem(api, token).status == 204


@pytest.mark.parametrize(("hours", "status"), [(23, 204), (24, 422)])
def test_an_invitation_link_is_valid_for_a_day(
    people: People, api: Api, frozen: TestClock, hours: int, status: int
) -> None:
    invite(people)
    frozen.advance(timedelta(seconds=1))
    token = link_for("new@example.com")
    frozen.advance(timedelta(hours=hours, seconds=1))
    assert redeem(api, token).status == status


@pytest.mark.parametrize(("minutes", "status"), [(59, 204), (61, 422)])
def test_a_reset_link_is_valid_for_an_hour(
    people: People, api: Api, frozen: TestClock, minutes: int, status: int
) -> None:
    email = people.reseller().email
    api.post("/v1/password/reset-request", {"email": email})
    frozen.advance(timedelta(seconds=1))
    token = link_for(email)
    frozen.advance(timedelta(minutes=minutes))
    assert redeem(api, token).status == status


def test_a_reset_ends_all_sessions_and_older_links(
    people: People, api: Api, frozen: TestClock
) -> None:
    someone = people.reseller()
    assert someone.api.get("/v1/me").status == 200
    tokens = []
    for _ in range(2):
        frozen.advance(timedelta(seconds=1))
        api.post("/v1/password/reset-request", {"email": someone.email})
        tokens.append(link_for(someone.email))
    frozen.advance(timedelta(seconds=1))
    assert redeem(api, tokens[1]).status == 204
    assert redeem(api, tokens[0]).code == "invalid_request"
    assert someone.api.get("/v1/me").code == "unauthenticated"
    assert sign_in(api, someone.email, PASSWORD).code == "unauthenticated"
    assert sign_in(api, someone.email, NEW_PASSWORD).status == 200


def test_a_reset_request_does_not_reveal_which_accounts_exist(people: People, api: Api) -> None:
    known, inactive = people.reseller().email, people.reseller()
    people.admin.api.patch(f"/v1/users/{inactive.user_id}", {"is_active": False})
    emails = (known, inactive.email, "nobody@example.com")
    answers = [api.post("/v1/password/reset-request", {"email": email}) for email in emails]
    assert {(answer.status, answer.text) for answer in answers} == {(204, "")}
    assert [len(mails_to(email)) for email in emails] == [1, 0, 0]
    assert [mail.to for mail in Mail.scan()] == [known]


def test_reset_mails_to_one_address_are_rate_limited(people: People, api: Api) -> None:
    email = people.reseller().email
    for _ in range(3):
        assert api.post("/v1/password/reset-request", {"email": email}).status == 204
    assert api.post("/v1/password/reset-request", {"email": email}).code == "rate_limited"
    other = people.reseller().email
    assert api.post("/v1/password/reset-request", {"email": other}).status == 204


def test_a_reset_ends_a_lockout(people: People, api: Api) -> None:
    email = people.reseller().email
    for _ in range(5):
        sign_in(api, email, "wrong")
    assert sign_in(api, email, PASSWORD).code == "rate_limited"
    api.post("/v1/password/reset-request", {"email": email})
    assert redeem(api, link_for(email)).status == 204
    assert sign_in(api, email, NEW_PASSWORD).status == 200


def test_changing_the_email_invalidates_a_link_sent_to_the_old_one(
    people: People, api: Api
) -> None:
    user_id = invite(people)
    token = link_for("new@example.com")
    people.admin.api.patch(f"/v1/users/{user_id}", {"email": "other@example.com"})
    assert redeem(api, token).code == "invalid_request"


def test_deactivating_a_user_invalidates_its_link(
    people: People, api: Api, frozen: TestClock
) -> None:
    user_id = invite(people)
    token = link_for("new@example.com")
    frozen.advance(timedelta(seconds=1))
    for active in (False, True):
        people.admin.api.patch(f"/v1/users/{user_id}", {"is_active": active})
        assert redeem(api, token).code == "invalid_request"


def test_an_admin_sends_a_new_link(people: People, api: Api, frozen: TestClock) -> None:
    user_id = invite(people)
    assert len(mails_to("new@example.com")) == 1
    frozen.advance(timedelta(days=2))
    path = f"/v1/users/{user_id}/password-link"
    assert people.admin.api.post(path, key="k").status == 401  # the admin's session has expired
    admin = people.admin.api.as_(
        sign_in(api, people.admin.email, PASSWORD).json["token"],
    )
    for _ in range(2):
        assert admin.post(path, key="k").status == 200
    assert len(mails_to("new@example.com")) == 2
    assert redeem(api, link_for("new@example.com")).status == 204


def test_the_secret_of_a_link_is_never_stored(people: People) -> None:
    invite(people)
    link_id, _, secret = link_for("new@example.com").partition(".")
    assert Credential.get(link_id).secret_hash
    rows = [*Credential.scan(), *Mail.scan(), *User.scan()]
    assert secret not in str([row.to_simple_dict() for row in rows])


@pytest.mark.parametrize(
    "token", ["x", "lnk_1.", "lnk_1.x", ".", "x" * 500, "ses_1.x", "lnk_\u0000.x"]
)
def test_a_forged_link_is_refused(people: People, api: Api, token: str) -> None:
    assert redeem(api, token).json["errors"][0]["field"] == "token"


def test_a_session_token_is_not_accepted_as_a_link(people: People, api: Api) -> None:
    assert redeem(api, str(people.reseller().api.token)).code == "invalid_request"


def test_changing_the_password_ends_only_the_other_sessions(
    people: People, api: Api, frozen: TestClock
) -> None:
    someone = people.reseller()
    assert someone.api.get("/v1/me").status == 200
    other = someone.api.as_(sign_in(api, someone.email, PASSWORD).json["token"])
    frozen.advance(timedelta(seconds=1))
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert someone.api.post("/v1/password", change, key="change").status == 204
    assert someone.api.post("/v1/password", change, key="change").status == 204
    assert other.get("/v1/me").code == "unauthenticated"
    assert someone.api.get("/v1/me").status == 200
    assert sign_in(api, someone.email, PASSWORD).code == "unauthenticated"
    assert sign_in(api, someone.email, NEW_PASSWORD).status == 200
    actions = [e["action"] for e in someone.api.get("/v1/resellers/me/audit").json["data"]]
    assert actions.count("user.password_changed") == 1


def test_changing_the_password_requires_the_current_one(people: People) -> None:
    change = {"current_password": "not this one", "new_password": NEW_PASSWORD}
    refused = people.reseller().api.post("/v1/password", change)
    assert refused.json["errors"][0]["field"] == "current_password"


def test_a_password_set_by_an_admin_ends_the_users_sessions(
    people: People, frozen: TestClock
) -> None:
    someone = people.reseller()
    assert someone.api.get("/v1/me").status == 200
    frozen.advance(timedelta(seconds=1))
    people.admin.api.patch(f"/v1/users/{someone.user_id}", {"password": NEW_PASSWORD})
    assert someone.api.get("/v1/me").code == "unauthenticated"


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "x" * 129,
        "password",
        "PASSWORD1",
        "iloveyou",
        "qwerty123",
        "my NEW@example.com",
        "Tenantry-2026!",
    ],
)
def test_weak_passwords_are_refused(people: People, api: Api, password: str) -> None:
    person = {"email": "new@example.com", "name": "New", "password": password}
    refused = people.admin.api.post("/v1/users", person)
    assert refused.json["errors"][0]["field"] == "password"
    invite(people)
    refused = redeem(api, link_for("new@example.com"), password)
    assert refused.json["errors"][0]["field"] == "new_password"


@pytest.mark.parametrize("password", ["ÿ" * 8, "x" * 128, "  spaces kept  ", "😀" * 8])
def test_passwords_are_used_exactly_as_sent(people: People, api: Api, password: str) -> None:
    people.admin.api.post(
        "/v1/users", {"email": "new@example.com", "name": "New", "password": password}
    )
    assert sign_in(api, "new@example.com", password).status == 200
    assert sign_in(api, "new@example.com", password.strip()[:-1]).code == "unauthenticated"
    assert sign_in(api, "new@example.com", password + " ").code == "unauthenticated"
