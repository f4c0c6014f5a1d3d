"""Whatever is sent: a problem document, nothing written, and never a 500."""

from typing import Any

import pytest

from chalicelib.api.declarations import ROUTES, Route
from chalicelib.api.requests import MAX_BODY_BYTES, MAX_FIELD_ERRORS
from chalicelib.services.settings import platform_settings
from tests.support import examples
from tests.support.api import assert_problem
from tests.support.examples import World, example, query
from tests.support.people import People
from tests.support.tables import everything

WITH_BODY = [r for r in ROUTES if r.method in ("POST", "PATCH", "PUT")]


EVERY_BODY = pytest.mark.parametrize("route", WITH_BODY, ids=lambda r: f"{r.method} {r.path}")


NO_OBJECT: dict[str, bytes] = {
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
def test_bodies_that_are_no_request(world: World, route: Route) -> None:
    request = example(world, route)
    rows = everything()
    place = WITH_BODY.index(route)
    # Each route some of them, the first all: they share one parser.
    for body in list(NO_OBJECT.values())[place % 5 :: 5 if place else 1]:
        reply = request.caller.call(route.method, request.path, body)
        assert_problem(reply, 422, "invalid_request")
        assert 0 < len(reply.json["errors"]) <= MAX_FIELD_ERRORS
        assert all(error["field"] and error["message"] for error in reply.json["errors"])
    assert everything() == rows


@EVERY_BODY
def test_bodies_that_are_too_large(world: World, route: Route) -> None:
    request = example(world, route)
    rows = everything()
    padding = b" " * MAX_BODY_BYTES
    assert_problem(request.caller.call(route.method, request.path, padding + b"{}"), 413, TOO_LARGE)
    assert everything() == rows


TOO_LARGE = "payload_too_large"


def test_a_body_of_256_kib_is_read(world: World) -> None:
    path = "/v1/resellers/me/tenants"
    body = b'{"name": "Bakery"}'
    largest = body + b" " * (MAX_BODY_BYTES - len(body))
    assert world.reseller.api.post(path, largest).status == 201
    assert_problem(world.reseller.api.post(path, largest + b" "), 413, TOO_LARGE)


@EVERY_BODY
def test_wrong_types_in_every_field(world: World, route: Route) -> None:
    """Exact types: a number is not a text, 1 is not true, and null is nothing."""
    request = example(world, route)
    rows = everything()
    wrongs: list[Any] = [[[]], 1.5, {"a": 1}, "\ud800", "\x00"]
    for name in route.input.model_fields:
        for wrong in wrongs:
            if name in ("branding_config", "password") and isinstance(wrong, dict | str):
                continue
            if name.endswith(("password", "_id", "to")) and wrong == "\x00":
                continue  # a text like any other, though nobody's
            reply = request.caller.call(
                route.method, request.path, {**(request.body or {}), name: wrong}
            )
            assert_problem(reply, *INVALID)
    assert everything() == rows


INVALID = (422, "invalid_request")


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
def test_ids_that_no_row_has(world: World, part: str) -> None:
    rows = everything()
    admin = world.people.admin.api
    in_a_path = [route for route in ROUTES if "{" in route.path]
    # Each route some of them: they share one reading of paths.
    for route in in_a_path[PATHS.index(part) % 6 :: 6]:
        path = route.path.replace("{reseller}", str(world.reseller.reseller_id))
        path = path.replace("{id}", part)
        if "{reseller}" in route.path and "{id}" not in route.path:
            path = route.path.replace("{reseller}", part)
        reply = admin.call(route.method, path + query(route), examples.body(world, route))
        assert_problem(reply, 404, "not_found")
    assert everything() == rows


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
def test_a_body_is_json_whatever_it_is_called(world: World, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    path = "/v1/resellers/me/tenants"
    made = world.reseller.api.post(path, {"name": "Bakery"}, headers=headers)
    assert made.status == 201
    assert_problem(world.reseller.api.post(path, b"name=x", headers=headers), *INVALID)


def test_many_wrong_fields_are_told_up_to_a_limit(people: People) -> None:
    body = {f"field{n}": 1 for n in range(5000)}
    reply = people.admin.api.post("/v1/users", body)
    assert_problem(reply, *INVALID)
    assert len(reply.json["errors"]) == MAX_FIELD_ERRORS


def test_every_wrong_field_is_named(people: People) -> None:
    reply = people.admin.api.post("/v1/users", {"email": "x", "name": "", "more": 1})
    assert {error["field"] for error in reply.json["errors"]} == {"email", "name", "more"}


@pytest.mark.parametrize(
    "path", ["/v1/resellers/me/tenants?limit=1&limit=2", "/v1/pricing/quote?quantity=1&quantity=2"]
)
def test_a_parameter_sent_twice_is_refused(world: World, path: str) -> None:
    refused = world.reseller.api.get(path)
    assert_problem(refused, *INVALID)
    assert [error["message"] for error in refused.json["errors"]] == ["Send this parameter once."]


def test_of_a_field_sent_twice_one_counts(world: World) -> None:
    path = "/v1/resellers/me/tenants"
    made = world.reseller.api.post(path, b'{"name": "First", "name": "Second"}')
    assert made.json["name"] == "Second"


def test_something_unexpected_is_logged_and_said_without_its_details(
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
