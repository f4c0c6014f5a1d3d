"""Creating and editing users as a super admin."""

import pytest

from chalicelib.storage.claims import owner_of
from chalicelib.storage.users import email_claim
from tests.support.aws_faults import AwsFaults
from tests.support.people import PASSWORD, People

USERS = "/v1/users"
ANN = {"email": "ann@example.com", "name": "Ann", "password": "a good password"}


def test_a_user_is_created_and_read(people: People) -> None:
    made = people.admin.api.post(USERS, ANN)
    assert made.status == 201
    user = made.json
    assert made.headers["Location"].endswith(f"{USERS}/{user['id']}")
    assert user["id"].startswith("usr_")
    assert user["version"] == 1
    assert user["created_at"] == user["updated_at"]
    shown = {k: user[k] for k in ("email", "name", "is_super_admin", "is_active", "reseller_id")}
    assert shown == {
        "email": "ann@example.com",
        "name": "Ann",
        "is_super_admin": False,
        "is_active": True,
        "reseller_id": None,
    }
    assert people.admin.api.get(f"{USERS}/{user['id']}").json == user


@pytest.mark.parametrize("email", ["ann@example.com", "ANN@Example.Com"])
def test_an_email_address_belongs_to_one_user(people: People, email: str) -> None:
    people.admin.api.post(USERS, ANN)
    refused = people.admin.api.post(USERS, {**ANN, "email": email})
    assert (refused.status, refused.code) == (409, "email_taken")


def test_emails_are_stored_in_lowercase(people: People) -> None:
    made = people.admin.api.post(USERS, {**ANN, "email": "Ann@EXAMPLE.com"})
    assert made.json["email"] == "ann@example.com"


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ann",
        "ann@",
        "@example.com",
        "ann@@example.com",
        "ann@example",
        "ann@exa mple.com",
        "ann@example.com ",
        "Ann <ann@example.com>",
        "ann@-example.com",
        "ann..b@example.com",
        ".ann@example.com",
        "ann@[127.0.0.1]",
        '"ann b"@example.com',
        "änn@example.com",
        "ann@exämple.com",
        "ann@example.com\n",
        "ann\x00@example.com",
        "a" * 65 + "@example.com",
        "ann@" + "x." * 130 + "com",
        "a" * 100_000 + "@example.com",
        "ann@example.com,bob@example.com",
        None,
        5,
        ["ann@example.com"],
    ],
)
def test_invalid_emails_are_refused(people: People, email: object) -> None:
    refused = people.admin.api.post(USERS, {**ANN, "email": email})
    assert (refused.status, refused.code) == (422, "invalid_request")
    assert refused.json["errors"][0]["field"] == "email"


@pytest.mark.parametrize("email", ["a+b@example.com", "o'neil@example.com", "a_b-c@sub.example.co"])
def test_unusual_but_valid_emails_are_accepted(people: People, email: str) -> None:
    assert people.admin.api.post(USERS, {**ANN, "email": email}).json["email"] == email


@pytest.mark.parametrize("password", ["", "short", "x" * 129, "ann@example.com!", 12345678, None])
def test_invalid_passwords_are_refused(people: People, password: object) -> None:
    reply = people.admin.api.post(USERS, {**ANN, "password": password})
    if password is None:
        assert reply.status == 201, "the user sets it later"
        return
    assert (reply.status, reply.code) == (422, "invalid_request")
    assert reply.json["errors"][0]["field"] == "password"
    assert str(password) not in reply.text or password == ""


def test_changing_the_email_frees_the_old_one(people: People) -> None:
    user = people.admin.api.post(USERS, ANN).json
    path = f"{USERS}/{user['id']}"
    moved = people.admin.api.patch(path, {"email": "Ann.B@example.com"})
    assert (moved.status, moved.json["email"]) == (200, "ann.b@example.com")
    login = {"email": "ann.b@example.com", "password": ANN["password"]}
    assert people.admin.api.as_(None).post("/v1/login", login).status == 200
    login["email"] = ANN["email"]
    assert people.admin.api.as_(None).post("/v1/login", login).status == 401
    assert people.admin.api.post(USERS, ANN).status == 201, "the old email is free again"
    taken = people.admin.api.patch(path, {"email": ANN["email"]})
    assert (taken.status, taken.code) == (409, "email_taken")
    assert people.admin.api.get(path).json["email"] == "ann.b@example.com"


def test_concurrent_email_changes_leave_no_stale_claim(
    people: People, aws_faults: AwsFaults
) -> None:
    user = people.admin.api.post(USERS, ANN).json
    path = f"{USERS}/{user['id']}"
    aws_faults.before(lambda: people.admin.api.patch(path, {"email": "first@example.com"}))
    assert people.admin.api.patch(path, {"email": "second@example.com"}).status == 200
    assert people.admin.api.get(path).json["email"] == "second@example.com"
    owners = [owner_of(email_claim(f"{n}@example.com")) for n in ("ann", "first", "second")]
    assert owners == [None, None, user["id"]]


def test_a_new_password_replaces_the_old_one(people: People) -> None:
    user = people.user()
    changed = people.admin.api.patch(f"{USERS}/{user.user_id}", {"password": "another password"})
    assert changed.status == 200
    assert "another password" not in changed.text
    anonymous = people.admin.api.as_(None)
    login = {"email": user.email, "password": "another password"}
    assert anonymous.post("/v1/login", login).status == 200
    assert anonymous.post("/v1/login", {**login, "password": PASSWORD}).status == 401


@pytest.mark.parametrize("change", [{"email": "thief@example.com"}, {"password": "a new password"}])
def test_changing_your_own_email_or_password_requires_the_current_password(
    people: People, change: dict[str, str]
) -> None:
    """Otherwise an open session would be enough to take over an admin's account permanently."""
    own = f"{USERS}/{people.admin.user_id}"
    before = people.admin.api.get(own).json
    for password in ({}, {"current_password": "not it"}):
        refused = people.admin.api.patch(own, change | password)
        assert refused.json["errors"][0]["field"] == "current_password"
    assert people.admin.api.get(own).json == before
    assert people.admin.api.patch(own, {"email": people.admin.email, "name": "A"}).status == 200
    assert people.admin.api.patch(own, change | {"current_password": PASSWORD}).status == 200


def test_a_user_becomes_a_super_admin(people: People) -> None:
    user = people.user()
    assert user.api.get(USERS).status == 403
    people.admin.api.patch(f"{USERS}/{user.user_id}", {"is_super_admin": True})
    assert user.api.get(USERS).status == 200


def test_users_are_searched_by_email_prefix(people: People) -> None:
    for name in ("ann", "anna", "bob"):
        people.admin.api.post(USERS, {"email": f"{name}@example.com", "name": name})
    found = people.admin.api.get(f"{USERS}?email=ANN").json["data"]
    assert [user["email"] for user in found] == ["ann@example.com", "anna@example.com"]
    assert people.admin.api.get(f"{USERS}?email=zzz").json == {"data": [], "next_cursor": None}


def test_unknown_users_are_not_found(people: People) -> None:
    for reply in (
        people.admin.api.get(f"{USERS}/usr_none"),
        people.admin.api.patch(f"{USERS}/usr_none", {"name": "X"}),
        people.admin.api.get(f"{USERS}/{people.reseller().reseller_id}"),
    ):
        assert (reply.status, reply.code) == (404, "not_found")
