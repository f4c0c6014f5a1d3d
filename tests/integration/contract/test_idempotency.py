"""On every POST route, a request retried with its Idempotency-Key takes effect once."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

import app  # noqa: F401 - declares every route
from chalicelib.api.declarations import ROUTES, Route
from chalicelib.services.core.idempotency import RETENTION
from tests.conftest import TestClock
from tests.support.api import Reply
from tests.support.aws_faults import AwsFaults, lost_reply, transaction_canceled
from tests.support.examples import World, example
from tests.support.people import PASSWORD, People
from tests.support.tables import comparable_rows

POSTS = [route for route in ROUTES if route.method == "POST"]
EVERY_POST = pytest.mark.parametrize("route", POSTS, ids=lambda route: route.path)
KEY = "a-key-of-the-client"


def replayed_headers(reply: Reply) -> dict[str, str]:
    """Return the headers that a replay must repeat."""
    return {k: v for k, v in reply.headers.items() if k in ("Location", "ETag", "Content-Type")}


def assert_is_replay(again: Reply, first: Reply) -> None:
    assert (again.status, again.text) == (first.status, first.text)
    assert replayed_headers(again) == replayed_headers(first)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers


@EVERY_POST
def test_a_replay_returns_the_first_response_and_writes_nothing(world: World, route: Route) -> None:
    request = example(world, route)
    first = request.send(key=KEY)
    assert 200 <= first.status < 300, first.text
    rows = comparable_rows()
    assert_is_replay(request.send(key=KEY), first)
    assert comparable_rows() == rows


@EVERY_POST
def test_the_same_key_with_another_body_is_refused(world: World, route: Route) -> None:
    request = example(world, route)
    assert request.send(key=KEY).status < 300
    rows = comparable_rows()
    other = json.dumps(request.body).encode() + b" "
    refused = request.caller.post(request.path, other, key=KEY)
    assert (refused.status, refused.code) == (422, "idempotency_key_reused")
    assert comparable_rows() == rows


@EVERY_POST
def test_concurrent_requests_with_one_key_take_effect_once(
    world: World, route: Route, aws_faults: AwsFaults
) -> None:
    """The second request starts after the reads of the first and finishes before its write."""
    request = example(world, route)
    inner: list[Reply] = []
    aws_faults.before(lambda: inner.append(request.send(key=KEY)))
    outer = request.send(key=KEY)
    (first,) = inner
    assert first.status < 300, first.text
    assert_is_replay(outer, first)


@EVERY_POST
def test_a_request_takes_effect_once_if_the_databases_response_is_lost(
    world: World, route: Route, aws_faults: AwsFaults
) -> None:
    request = example(world, route)
    aws_faults.after(lost_reply())
    first = request.send(key=KEY)
    assert first.status < 300, first.text
    rows = comparable_rows()
    again = request.send(key=KEY)
    assert (again.status, again.text) == (first.status, first.text)
    assert comparable_rows() == rows


@EVERY_POST
def test_errors_are_not_replayed(world: World, route: Route, aws_faults: AwsFaults) -> None:
    request = example(world, route)
    aws_faults.before(transaction_canceled("TransactionConflict"), times=10_000)
    busy = request.send(key=KEY)
    assert (busy.status, busy.code) == (503, "busy")
    assert int(busy.headers["Retry-After"]) >= 1
    aws_faults.clear()
    first = request.send(key=KEY)
    assert first.status < 300, first.text
    assert "Idempotent-Replayed" not in first.headers or route.path.endswith("/purchases")


def test_callers_do_not_share_keys(world: World) -> None:
    path = "/v1/resellers/me/tenants"
    other = world.people.reseller(licenses=1)
    mine = world.reseller.api.post(path, {"name": "Mine"}, key=KEY)
    theirs = other.api.post(path, {"name": "Theirs"}, key=KEY)
    assert (mine.status, theirs.status) == (201, 201)
    assert theirs.json["name"] == "Theirs"


def test_a_key_is_bound_to_one_route_and_path(world: World) -> None:
    tenants = [world.tenant(), world.tenant()]
    path = "/v1/resellers/me/tenants/{}/{}"
    api = world.reseller.api
    assert api.post(path.format(tenants[0], "deactivate"), key=KEY).status == 200
    assert api.post(path.format(tenants[1], "deactivate"), key=KEY).status == 422
    assert api.post(path.format(tenants[0], "reactivate"), key=KEY).status == 422


def test_without_a_key_a_repeated_request_takes_effect_again(world: World) -> None:
    path = f"/v1/resellers/{world.reseller.reseller_id}/license-adjustments"
    for _ in range(2):
        world.people.admin.api.post(path, {"change": 1, "reason": "Gift"})
    assert world.reseller.api.get("/v1/resellers/me/licenses").json["license_count"] == 12


@pytest.mark.parametrize("key", ["", " ", "a b", "ü", "x" * 256, "a\tb"])
def test_invalid_keys_are_refused(world: World, key: str) -> None:
    refused = world.reseller.api.post("/v1/resellers/me/tenants", {"name": "A"}, key=key)
    assert refused.code == "invalid_request"
    assert refused.json["errors"][0]["field"] == "Idempotency-Key"


@pytest.mark.parametrize(
    ("after", "replayed"),
    [
        (RETENTION - timedelta(minutes=1), True),
        (RETENTION, False),
        (RETENTION + timedelta(days=1), False),
    ],
)
def test_a_key_is_remembered_for_seven_days(
    frozen: TestClock, people: People, after: timedelta, replayed: bool
) -> None:
    """After seven days, the key can be used again, even if TTL has not yet deleted its row."""
    frozen.current = frozen.current.replace(microsecond=400_000)
    account = people.reseller()
    path = f"/v1/resellers/{account.reseller_id}/license-adjustments"
    adjustment = {"change": 2, "reason": "Gift"}
    people.admin.api.post(path, adjustment, key=KEY)
    frozen.advance(after)
    people.admin.__dict__.pop("api")  # the old session has expired
    again = people.admin.api.post(path, adjustment, key=KEY)
    assert again.status == 201
    assert ("Idempotent-Replayed" in again.headers) == replayed


def test_no_secret_is_stored(world: World) -> None:
    """No password, token, or key is stored, whether it came from a request or a response."""
    secrets: list[str] = [PASSWORD, KEY]
    for route in POSTS:
        if route.sensitive:
            reply = example(world, route).send(key=KEY)
            document = json.loads(reply.text or "{}")
            secrets += [document[name] for name in ("token", "key") if name in document]
            secrets += [s.split(".", 1)[1] for s in secrets if "." in s]
    stored = json.dumps(comparable_rows())
    assert [secret for secret in secrets if secret in stored] == []
    assert len(secrets) >= 4


def test_a_replayed_sign_in_returns_the_same_session(api_session: Callable[..., Reply]) -> None:
    first, again = api_session(), api_session()
    assert again.json["token"] == first.json["token"]
    assert again.json["expires_at"] == first.json["expires_at"]


@pytest.fixture
def api_session(people: People) -> Callable[..., Reply]:
    account = people.reseller()
    login = {"email": account.email, "password": PASSWORD}

    def sign_in() -> Reply:
        return account.api.as_(None).post("/v1/login", login, key=KEY)

    return sign_in


def test_the_token_of_a_replayed_sign_in_works(people: People, api_session: Any) -> None:
    api_session()
    token = api_session().json["token"]
    assert people.admin.api.as_(token).get("/v1/me").status == 200


def test_the_idempotency_key_of_a_sign_in_does_not_help_guess_the_password(people: People) -> None:
    account = people.reseller()
    right = {"email": account.email, "password": PASSWORD}
    nobody = account.api.as_(None)
    assert nobody.post("/v1/login", right, key=KEY).status == 200
    wrong = nobody.post("/v1/login", {**right, "password": "guessed"}, key=KEY)
    assert (wrong.status, wrong.code) == (422, "idempotency_key_reused")
    assert "token" not in wrong.text


def test_a_sign_out_is_replayed_only_with_the_token_it_ended(world: World) -> None:
    api = world.reseller.api
    assert api.post("/v1/logout", key=KEY).status == 204
    assert api.get("/v1/me").status == 401
    assert api.post("/v1/logout", key=KEY).status == 204
    assert api.post("/v1/logout", key="another-key").status == 401
    assert api.post("/v1/logout").status == 401
    assert api.as_("ses_made.up").post("/v1/logout", key=KEY).status in (401, 422)
