"""Random input to every declared route: never a 500, and errors are problem documents."""

import json
import os
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import app  # noqa: F401 - declares every route
from chalicelib.api.declarations import ROUTES, Route
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.support.api import Api, Reply
from tests.support.examples import FIELD_FACTORIES, World
from tests.support.people import People

# Signing out would end the session that the other routes need.
FUZZED = sorted(
    (route for route in ROUTES if route.path != "/v1/logout"), key=lambda r: (r.path, r.method)
)

numbers = st.one_of(st.integers(), st.integers(-(10**400), 10**400), st.floats())
scalars = st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=20), st.text("\ud800\x00"))
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)
long = st.sampled_from(
    ["x" * 300, "é" * 3000, "\U0001f600" * 700, "a@" + "b" * 300 + ".com", "-" * 64]
)
raw_bodies = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [b"", b"[" * 5000, b'{"a":' * 2000, b'{"name":1,"name":2}', b"\xff", b"{}" * 9]
    ),
)
parts = st.one_of(
    st.text(min_size=1, max_size=40).map(lambda t: quote(t, safe="", errors="replace")),
    st.sampled_from(["me", "%", "%zz", "%ff", "%00", "%25%30", "x" * 2100, "%C3%A9" * 700, "*"]),
)
header_text = st.one_of(
    st.text(st.characters(max_codepoint=255), max_size=30),
    st.sampled_from(['"1"', "*", 'W/"1"', "Bearer", "a-key", "\ud800", "x" * 3000, "1" * 5000]),
)
HEADERS = ["If-Match", "If-None-Match", "Idempotency-Key", "Content-Type", "Accept", "X-Request-Id"]
# Set FUZZ_EXAMPLES=500 for a long run that finds more.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "8"))
CALLERS = ("admin", "reseller", "nobody", "garbage")


@st.composite
def bodies(draw: st.DrawFn, route: Route, world: World) -> bytes:
    """Generate either garbage or a body in which only some fields are wrong."""
    if draw(st.integers(0, 3)) == 0:
        return draw(raw_bodies)
    body: dict[str, Any] = {}
    for name, field in route.input.model_fields.items():
        if field.is_required() or draw(st.booleans()):
            plausible = FIELD_FACTORIES[name](world) if name in FIELD_FACTORIES else draw(scalars)
            body[name] = draw(st.one_of(st.just(plausible), documents, long))
    if draw(st.integers(0, 5)) == 0:
        body[draw(st.text(max_size=10))] = draw(documents)
    # Python escapes lone surrogates, and writes NaN and Infinity, which are not JSON.
    return json.dumps(body).encode()


@st.composite
def targets(draw: st.DrawFn, route: Route, ids: dict[str, str]) -> str:
    segments = route.path.split("/")
    for place, segment in enumerate(segments):
        if segment.startswith("{"):
            noun = segments[place - 1]
            known = [ids[noun]] * 3 if noun in ids else []
            segments[place] = draw(st.one_of(*map(st.just, known), parts))
    names = st.sampled_from([*route.input.model_fields, "limit", "cursor", "x"]) | parts
    query = draw(st.lists(st.tuples(names, parts), max_size=3)) if route.method != "POST" else []
    return "/".join(segments) + ("?" if query else "") + "&".join(f"{n}={v}" for n, v in query)


def assert_valid_response(reply: Reply, sent: object) -> None:
    assert reply.status in {200, 201, 204, 304, 401, 403, 404, 409, 412, 413, 422, 429}, sent
    assert reply.headers["X-Request-Id"]
    if reply.status >= 400:
        assert reply.code, sent
        assert reply.json["status"] == reply.status
    elif reply.text:
        json.loads(reply.text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


@pytest.mark.parametrize("route", FUZZED, ids=lambda r: f"{r.method} {r.path}")
def test_no_input_causes_a_server_error(route: Route, world: World) -> None:
    ids = {
        "resellers": str(world.reseller.reseller_id),
        "tenants": world.tenant(),
        "purchases": world.purchase(),
        "users": world.people.user().user_id,
        "domains": world.domain(),
    }
    callers: dict[str, Api] = {
        "admin": world.people.admin.api,
        "reseller": world.reseller.api,
        "nobody": world.reseller.api.as_(None),
        "garbage": world.reseller.api.as_("ses_\udcff.\x00"),
    }

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def send_random_request(data: st.DataObject) -> None:
        caller = data.draw(st.sampled_from(["admin", "reseller", "reseller", *CALLERS]))
        target = data.draw(targets(route, ids))
        body = data.draw(bodies(route, world)) if route.method != "GET" else b""
        headers = data.draw(st.dictionaries(st.sampled_from(HEADERS), header_text, max_size=2))
        reply = callers[caller].call(route.method, target, body, headers=headers)
        assert_valid_response(reply, (caller, route.method, target, body, headers))

    send_random_request()


def test_the_fuzz_test_detects_broken_responses(people: People, stripe: StripeSimulator) -> None:
    """The test detects a status of 500, an error without a code, and NaN in a body."""
    broken = [
        Reply(500, {"X-Request-Id": "1", "Content-Type": "application/problem+json"}, '{"code":1}'),
        Reply(404, {"X-Request-Id": "1", "Content-Type": "application/json"}, "{}"),
        Reply(200, {"X-Request-Id": "1"}, '{"a": NaN}'),
    ]
    for reply in broken:
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            assert_valid_response(reply, None)
