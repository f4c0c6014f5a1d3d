"""Bad input gets a problem document, writes nothing, and never causes a 500."""

from typing import Any

import pytest

from chalicelib.api.declarations import ROUTES, Route
from chalicelib.http.requests import MAX_BODY_BYTES, MAX_FIELD_ERRORS
from chalicelib.services.settings import platform_settings
from tests.support import examples
from tests.support.api import assert_problem
from tests.support.examples import World, example, query
from tests.support.people import People
from tests.support.tables import comparable_rows

INVALID = (422, "invalid_request")
TOO_LARGE = "payload_too_large"

WITH_BODY = [r for r in ROUTES if r.method in ("POST", "PATCH", "PUT")]
EVERY_BODY = pytest.mark.parametrize("route", WITH_BODY, ids=lambda r: f"{r.method} {r.path}")


MALFORMED: dict[str, bytes] = {
    "text": b"hello",
    "form": b"name=Bakery&slug=bakery",
    "cut off": b'{"name": "Bak',
    "two": b"{} {}",
    "comma": b'{"name": "a",}',
    "single quotes": b"{'name': 'a'}",
    "null": b"null",
    "list": b"[]",
    "list of one": b'[{"name": "a"}]',
    "number": b"5",
    "string": b'"name"',
    "nan": b"NaN",
    "invalid utf-8": b'{"name": "\xff\xfe"}',
    "overlong utf-8": b'{"name": "\xc0\x80"}',
    "encoded surrogate": b'{"name": "\xed\xa0\x80"}',
    "lone surrogate": b'{"name": "\\ud800"}',
    "utf-16": '{"name": "a"}'.encode("utf-16"),
    "bom": b"\xef\xbb\xbf{}",
    "nul": b"\x00",
    "deep list": b"[" * 100_000,
    "deep object": b'{"a":' * 40_000,
    "deep and closed": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "huge number": b"9" * 100_000,
    "unknown field": b'{"unknown": 1}',
    "unknown field nul": b'{"\\u0000": 1}',
    "proto": b'{"__proto__": {}, "__class__": 1}',
}


@EVERY_BODY
def test_malformed_bodies_are_refused(world: World, route: Route) -> None:
    request = example(world, route)
    rows = comparable_rows()
    place = WITH_BODY.index(route)
    # All routes share one parser, so the first route gets every body and the others get a sample.
    for body in list(MALFORMED.values())[place % 5 :: 5 if place else 1]:
        reply = request.caller.call(route.method, request.path, body)
        assert_problem(reply, 422, "invalid_request")
        assert 0 < len(reply.json["errors"]) <= MAX_FIELD_ERRORS
        assert all(error["field"] and error["message"] for error in reply.json["errors"])
    assert comparable_rows() == rows


@EVERY_BODY
def test_oversized_bodies_are_refused(world: World, route: Route) -> None:
    request = example(world, route)
    rows = comparable_rows()
    padding = b" " * MAX_BODY_BYTES
    assert_problem(request.caller.call(route.method, request.path, padding + b"{}"), 413, TOO_LARGE)
    assert comparable_rows() == rows


def test_a_body_of_exactly_256_kib_is_accepted(world: World) -> None:
    path = "/v1/resellers/me/tenants"
    body = b'{"name": "Bakery"}'
    largest = body + b" " * (MAX_BODY_BYTES - len(body))
    assert world.reseller.api.post(path, largest).status == 201
    assert_problem(world.reseller.api.post(path, largest + b" "), 413, TOO_LARGE)


@EVERY_BODY
def test_every_field_refuses_wrong_types(world: World, route: Route) -> None:
    """Types are not converted: a number is not accepted as text, and 1 is not accepted as true."""
    request = example(world, route)
    rows = comparable_rows()
    wrong_values: list[Any] = [[[]], 1.5, {"a": 1}, "\ud800", "\x00"]
    for name in route.input.model_fields:
        for wrong in wrong_values:
            if name in ("branding_config", "password") and isinstance(wrong, dict | str):
                continue
            if name.endswith(("password", "_id", "to")) and wrong == "\x00":
                continue  # valid, but matches no row
            reply = request.caller.call(
                route.method, request.path, {**(request.body or {}), name: wrong}
            )
            assert_problem(reply, *INVALID)
    assert comparable_rows() == rows


PATHS = [
    "x",
    "%20",
    "%00",
    "%ff",
    "%zz",
    "%",
    "%2F",
    "%2e%2e",
    "..%2f..",
    "%E2%80%AE",
    "%ED%A0%80",
    "x" * 301,
    "x" * 5000,
    "%F0%9F%98%80" * 260,
    "tnt_01JD%0A",
    "me",
    "*",
    "{id}",
    "'; drop table resellers --",
]


@pytest.mark.parametrize("part", PATHS, ids=lambda part: part[:24])
def test_impossible_ids_are_not_found(world: World, part: str) -> None:
    rows = comparable_rows()
    admin = world.people.admin.api
    with_parameters = [route for route in ROUTES if "{" in route.path]
    # All routes share the code that parses paths, so each ID is tried on a sample of routes.
    for route in with_parameters[PATHS.index(part) % 6 :: 6]:
        path = route.path.replace("{reseller}", str(world.reseller.reseller_id))
        path = path.replace("{id}", part)
        if "{reseller}" in route.path and "{id}" not in route.path:
            path = route.path.replace("{reseller}", part)
        reply = admin.call(route.method, path + query(route), examples.body(world, route))
        assert_problem(reply, 404, "not_found")
    assert comparable_rows() == rows


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "",
        "ü",
    ],
)
def test_the_body_is_parsed_as_json_whatever_its_content_type(
    world: World, content_type: str
) -> None:
    headers = {"Content-Type": content_type}
    path = "/v1/resellers/me/tenants"
    made = world.reseller.api.post(path, {"name": "Bakery"}, headers=headers)
    assert made.status == 201
    assert_problem(world.reseller.api.post(path, b"name=x", headers=headers), *INVALID)


def test_the_number_of_reported_errors_is_limited(people: People) -> None:
    body = {f"field{n}": 1 for n in range(5000)}
    reply = people.admin.api.post("/v1/users", body)
    assert_problem(reply, *INVALID)
    assert len(reply.json["errors"]) == MAX_FIELD_ERRORS


def test_every_invalid_field_is_reported(people: People) -> None:
    reply = people.admin.api.post("/v1/users", {"email": "x", "name": "", "more": 1})
    assert {error["field"] for error in reply.json["errors"]} == {"email", "name", "more"}


@pytest.mark.parametrize(
    "path", ["/v1/resellers/me/tenants?limit=1&limit=2", "/v1/pricing/quote?quantity=1&quantity=2"]
)
def test_a_repeated_query_parameter_is_refused(world: World, path: str) -> None:
    refused = world.reseller.api.get(path)
    assert_problem(refused, *INVALID)
    assert [error["message"] for error in refused.json["errors"]] == [
        "Send this parameter only once."
    ]


def test_the_last_of_two_fields_with_the_same_name_counts(world: World) -> None:
    path = "/v1/resellers/me/tenants"
    made = world.reseller.api.post(path, b'{"name": "First", "name": "Second"}')
    assert made.json["name"] == "Second"


def test_unexpected_errors_are_logged_but_not_disclosed(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr(platform_settings, "cached_settings", broken)
    reply = world.reseller.api.as_(None).get("/v1/pricing")
    assert (reply.status, reply.code) == (500, "internal_error")
    assert "secret detail" not in reply.text
    assert "ZeroDivision" not in reply.text
    assert any(r.exc_info and r.exc_info[0] is ZeroDivisionError for r in caplog.records)
