"""Sign-in: indistinguishable failures and exponential lockout."""

import json
from datetime import timedelta

import pytest
from chalice.local import LambdaEventConverter
from pynamodb.models import Model

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


def test_sign_in_failures_are_indistinguishable(people: People, api: Api) -> None:
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
def test_each_failure_doubles_the_lockout_of_an_account(
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


def test_lockouts_are_capped_and_failures_expire_after_a_day(
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


def test_a_successful_sign_in_resets_the_accounts_failures(people: People, api: Api) -> None:
    email = people.reseller().email
    for _ in range(3):
        fail(api, email, 4)
        assert sign_in(api, email).status == 200


def test_locking_out_one_account_does_not_affect_another(people: People, api: Api) -> None:
    fail(api, people.reseller().email, 5)
    assert sign_in(api, people.reseller().email).status == 200


def test_a_source_address_is_locked_out_across_accounts(
    people: People, api: Api, from_address: object
) -> None:
    known = people.reseller().email
    for number in range(50):
        assert sign_in(api, f"x{number}@example.com", "wrong").code == "unauthenticated"
        if number % 10 == 0:  # signing in to your own account gives no extra guesses
            assert sign_in(api, known).status == 200
    assert sign_in(api, "y@example.com").code == "rate_limited"
    assert callable(from_address)
    from_address("198.51.100.7")
    assert sign_in(api, known).status == 200


def test_ipv6_addresses_are_counted_by_their_64_bit_prefix(
    people: People, api: Api, from_address: object
) -> None:
    assert callable(from_address)
    for number in range(50):
        from_address(f"2001:db8:1:2::{number:x}")
        sign_in(api, f"x{number}@example.com", "wrong")
    from_address("2001:db8:1:2:ffff::1")
    assert sign_in(api, "y@example.com").code == "rate_limited"
    from_address("2001:db8:1:3::1")
    assert sign_in(api, "y@example.com").code == "unauthenticated"


def test_a_known_idempotency_key_gives_no_extra_password_guesses(
    people: People, api: Api, from_address: object
) -> None:
    """A recorded sign-in must not reveal to other clients whether a password is correct.

    Otherwise, a wrong password would be refused as a different request, and the right one would
    return the recorded session.
    """
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


def test_wrong_current_passwords_count_toward_the_lockout(people: People, api: Api) -> None:
    someone = people.reseller()
    wrong = {"current_password": "wrong", "new_password": "a fine new passphrase"}
    for _ in range(5):
        assert someone.api.post("/v1/password", wrong).code == "invalid_request"
    assert someone.api.post("/v1/password", wrong).code == "rate_limited"
    assert sign_in(api, someone.email).code == "rate_limited"


def test_only_the_right_password_reveals_that_a_reseller_is_inactive(
    people: People, api: Api
) -> None:
    account = people.reseller(is_active=False)
    assert sign_in(api, account.email, "wrong password").code == "unauthenticated"
    refused = sign_in(api, account.email)
    assert (refused.status, refused.code) == (403, "reseller_inactive")


def test_deactivating_a_reseller_suspends_its_sessions_and_keys(people: People) -> None:
    account = people.reseller()
    path = f"/v1/resellers/{account.reseller_id}"
    key = account.api.post(f"{path}/api-keys", {"name": "ERP", "scopes": ["read"]}).json["key"]
    with_key = account.api.as_(key)
    assert account.api.get(path).status == with_key.get(path).status == 200
    people.admin.api.patch(path, {"is_active": False})
    assert account.api.get(path).code == with_key.get(path).code == "unauthenticated"
    people.admin.api.patch(path, {"is_active": True})
    assert account.api.get(path).status == with_key.get(path).status == 200


def test_x_forwarded_for_is_ignored(people: People, api: Api) -> None:
    """Clients can forge X-Forwarded-For, so fifty values still count as one address."""
    for number in range(50):
        login = {"email": f"x{number}@example.com", "password": "wrong"}
        api.post("/v1/login", login, headers={"X-Forwarded-For": f"198.51.100.{number}"})
    assert sign_in(api, "y@example.com").code == "rate_limited"


def test_sign_ins_are_logged_with_user_and_source(
    people: People, api: Api, leaks: LeakDetector
) -> None:
    someone = people.reseller()
    sign_in(api, someone.email, "wrong password")
    sign_in(api, "typed@example.com", "wrong password")
    token = sign_in(api, someone.email).json["token"]
    api.as_(token).post("/v1/logout")
    lines = [json.loads(line) for line in leaks.lines]
    logged = [(line["message"], line.get("user_id")) for line in lines]
    assert logged.count(("Sign-in refused", someone.user_id)) == 1
    assert logged.count(("Sign-in refused", None)) == 1
    assert logged.count(("Signed in", someone.user_id)) == 1
    assert logged.count(("Signed out", someone.user_id)) == 1
    refused = next(line for line in lines if line["message"] == "Sign-in refused")
    assert refused["from"] == "127.0.0.1"
    assert "typed@example.com" not in "".join(leaks.lines)


def test_no_session_is_created_if_the_password_changes_during_sign_in(
    people: People, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.services.core import hashing

    someone = people.reseller()
    password_matches = hashing.password_matches

    def change_password_meanwhile(password: str, password_hash: str | None) -> bool:
        result = password_matches(password, password_hash)
        Model.update(User(someone.user_id), [User.password_hash.set("changed")])
        return result

    monkeypatch.setattr(hashing, "password_matches", change_password_meanwhile)
    assert sign_in(api, someone.email).code == "unauthenticated"
