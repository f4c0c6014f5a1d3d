"""Signing in: one answer to every failure, and exponential lockout."""

import json
from datetime import timedelta

import pytest
from chalice.local import LambdaEventConverter

from chalicelib.storage.users import User
from tests.conftest import TestClock
from tests.support.api import Api, Reply
from tests.support.leaks import LeakDetector
from tests.support.people import PASSWORD, People


def sign_in(api: Api, email: str, password: str = PASSWORD) -> Reply:
    return api.post("/v1/login", {"email": email, "password": password})


def fail(api: Api, email: str, times: int) -> Reply:
    for _ in range(times - 1):
        assert sign_in(api, email, "wrong password").code == "unauthenticated"
    return sign_in(api, email, "wrong password")


@pytest.fixture
def from_address(monkeypatch: pytest.MonkeyPatch) -> object:
    def set_address(address: str) -> None:
        monkeypatch.setattr(LambdaEventConverter, "LOCAL_SOURCE_IP", address)

    return set_address


def test_every_failure_looks_the_same(people: People, api: Api) -> None:
    known, inactive, invited = people.reseller(), people.reseller(), "invited@example.com"
    people.admin.api.patch(f"/v1/users/{inactive.user_id}", {"is_active": False})
    people.admin.api.post("/v1/users", {"email": invited, "name": "New"})
    answers = [
        sign_in(api, known.email, "wrong password"),
        sign_in(api, "nobody@example.com", "wrong password"),
        sign_in(api, inactive.email),
        sign_in(api, invited, "wrong password"),
    ]
    assert {answer.status for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1


@pytest.mark.parametrize("email", ["reseller1@example.com", "nobody@example.com"])
def test_an_account_is_locked_out_for_longer_each_time(
    people: People, api: Api, frozen: TestClock, email: str
) -> None:
    people.reseller()
    assert fail(api, email, 5).code == "unauthenticated"
    waits = []
    for _ in range(4):
        locked = sign_in(api, email)
        assert locked.code == "rate_limited"
        waits.append(int(locked.headers["Retry-After"]))
        frozen.advance(timedelta(seconds=waits[-1]))
        assert sign_in(api, email, "wrong password").code == "unauthenticated"
    assert waits == [1, 2, 4, 8]


def test_no_lockout_outlasts_fifteen_minutes_and_a_day_forgets(
    people: People, api: Api, frozen: TestClock
) -> None:
    email = people.reseller().email
    for _ in range(25):
        sign_in(api, email, "wrong password")
        frozen.advance(timedelta(minutes=15))
    sign_in(api, email, "wrong password")
    assert sign_in(api, email).headers["Retry-After"] == "900"
    frozen.advance(timedelta(minutes=15))
    assert sign_in(api, email).status == 200
    fail(api, email, 4)
    frozen.advance(timedelta(days=1, seconds=1))
    assert fail(api, email, 4).code == "unauthenticated"


def test_success_forgets_the_accounts_failures(people: People, api: Api) -> None:
    email = people.reseller().email
    for _ in range(3):
        fail(api, email, 4)
        assert sign_in(api, email).status == 200


def test_a_lockout_of_one_account_is_none_of_another(people: People, api: Api) -> None:
    fail(api, people.reseller().email, 5)
    assert sign_in(api, people.reseller().email).status == 200


def test_an_address_is_locked_out_though_it_tries_many_accounts(
    people: People, api: Api, from_address: object
) -> None:
    known = people.reseller().email
    for number in range(50):
        assert sign_in(api, f"x{number}@example.com", "wrong").code == "unauthenticated"
        if number % 10 == 0:  # signing in to one's own account buys no further guesses
            assert sign_in(api, known).status == 200
    assert sign_in(api, "y@example.com").code == "rate_limited"
    assert callable(from_address)
    from_address("198.51.100.7")
    assert sign_in(api, known).status == 200


def test_an_ipv6_customer_is_one_address(people: People, api: Api, from_address: object) -> None:
    assert callable(from_address)
    for number in range(50):
        from_address(f"2001:db8:1:2::{number:x}")
        sign_in(api, f"x{number}@example.com", "wrong")
    from_address("2001:db8:1:2:ffff::1")
    assert sign_in(api, "y@example.com").code == "rate_limited"
    from_address("2001:db8:1:3::1")
    assert sign_in(api, "y@example.com").code == "unauthenticated"


def test_who_knows_a_clients_idempotency_key_has_no_more_guesses_for_it(
    people: People, api: Api, from_address: object
) -> None:
    """The record of a keyed sign-in tells nobody elsewhere whether a password is the right one:
    refused as another request, or answered with the session."""
    login = {"email": people.reseller().email, "password": PASSWORD}
    first = api.post("/v1/login", login, key="sign-in")
    assert api.post("/v1/login", login, key="sign-in").text == first.text
    assert callable(from_address)
    from_address("198.51.100.7")
    guesses = [
        api.post("/v1/login", {**login, "password": f"guess {number}"}, key="sign-in").code
        for number in range(6)
    ]
    assert guesses == ["unauthenticated"] * 5 + ["rate_limited"]
    assert api.post("/v1/login", login, key="sign-in").code == "rate_limited"


def test_changing_a_password_counts_as_trying_it(people: People, api: Api) -> None:
    someone = people.reseller()
    wrong = {"current_password": "wrong", "new_password": "a fine new passphrase"}
    for _ in range(5):
        assert someone.api.post("/v1/password", wrong).code == "invalid_request"
    assert someone.api.post("/v1/password", wrong).code == "rate_limited"
    assert sign_in(api, someone.email).code == "rate_limited"


def test_an_inactive_reseller_is_told_so_only_with_the_right_password(
    people: People, api: Api
) -> None:
    account = people.reseller(is_active=False)
    assert sign_in(api, account.email, "wrong password").code == "unauthenticated"
    refused = sign_in(api, account.email)
    assert (refused.status, refused.code) == (403, "reseller_inactive")


def test_deactivating_a_reseller_stops_what_runs(people: People) -> None:
    account = people.reseller()
    path = f"/v1/resellers/{account.reseller_id}"
    key = account.api.post(f"{path}/api-keys", {"name": "ERP", "scopes": ["read"]}).json["key"]
    with_key = account.api.as_(key)
    assert account.api.get(path).status == with_key.get(path).status == 200
    people.admin.api.patch(path, {"is_active": False})
    assert account.api.get(path).code == with_key.get(path).code == "unauthenticated"
    people.admin.api.patch(path, {"is_active": True})
    assert account.api.get(path).status == with_key.get(path).status == 200


def test_a_forwarded_address_is_not_believed(people: People, api: Api) -> None:
    """X-Forwarded-For is the client's to invent: fifty of them are one address."""
    for number in range(50):
        login = {"email": f"x{number}@example.com", "password": "wrong"}
        api.post("/v1/login", login, headers={"X-Forwarded-For": f"198.51.100.{number}"})
    assert sign_in(api, "y@example.com").code == "rate_limited"


def test_sign_ins_are_logged_with_who_and_from_where(
    people: People, api: Api, leaks: LeakDetector
) -> None:
    someone = people.reseller()
    sign_in(api, someone.email, "wrong password")
    sign_in(api, "typed@example.com", "wrong password")
    token = sign_in(api, someone.email).json["token"]
    api.as_(token).post("/v1/logout")
    lines = [json.loads(line) for line in leaks.lines]
    told = [(line["message"], line.get("user_id")) for line in lines]
    assert told.count(("Sign-in refused", someone.user_id)) == 1
    assert told.count(("Sign-in refused", None)) == 1
    assert told.count(("Signed in", someone.user_id)) == 1
    assert told.count(("Signed out", someone.user_id)) == 1
    refused = next(line for line in lines if line["message"] == "Sign-in refused")
    assert refused["from"] == "127.0.0.1"
    assert "typed@example.com" not in "".join(leaks.lines)


def test_a_password_that_changed_while_it_was_checked_opens_no_session(
    people: People, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.services.core import hashing

    someone = people.reseller()
    matches = hashing.password_matches

    def slow(password: str, password_hash: str | None) -> bool:
        right = matches(password, password_hash)
        User(someone.user_id).update([User.password_hash.set("changed meanwhile")])
        return right

    monkeypatch.setattr(hashing, "password_matches", slow)
    assert sign_in(api, someone.email).code == "unauthenticated"
