"""Whatever is sent: a problem document, nothing written, and never a 500."""

import json
from typing import Any

import pytest

from app import app
from chalicelib.api.requests import MAX_BODY_BYTES, MAX_FIELD_ERRORS
from chalicelib.api.routing import DECLARED, Route
from tests.integration.test_idempotency import everything
from tests.support.api import Reply
from tests.support.examples import World, example, query
from tests.support.people import People

WITH_BODY = [r for r in DECLARED if r.method in ("POST", "PATCH", "PUT")]
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


def assert_problem(reply: Reply, status: int, code: str) -> None:
    assert (reply.status, reply.code) == (status, code)
    document = reply.json
    assert document["status"] == status
    assert {"type", "title", "status", "detail", "code"} <= document.keys()
    assert ("errors" in document) == (code == "invalid_request")
    assert reply.headers["X-Request-Id"]
    assert "Traceback" not in reply.text


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


@pytest.mark.parametrize(
    "quantity",
    [0, -1, 100_001, 10**30, -(10**30), 1.0, 1.5, 1e300, "1", "", True, None, [1], {}],
)
def test_absurd_quantities(world: World, quantity: Any) -> None:
    rows = everything()
    reply = world.reseller.api.post("/v1/resellers/me/purchases", {"quantity": quantity})
    assert_problem(reply, *INVALID)
    assert reply.json["errors"][0]["field"] == "quantity"
    assert everything() == rows


@pytest.mark.parametrize("raw", [b"NaN", b"Infinity", b"-Infinity", b"1e400", b"9" * 5000])
def test_numbers_that_are_none(world: World, raw: bytes) -> None:
    body = b'{"quantity": %s}' % raw
    assert_problem(world.reseller.api.post("/v1/resellers/me/purchases", body), *INVALID)


@pytest.mark.parametrize(
    "query",
    (
        "| quantity=| quantity=0| quantity=-1| quantity=100001| quantity=x| quantity=1.5"
        "| quantity=1&quantity=2| quantity=%00| quantity=%ff| quantity=1&more=1| Quantity=1"
        "| quantity[]=1| quantity=NaN| &&==&| quantity=" + "9" * 5000
    ).split("| "),
    ids=lambda query: query[:20],
)
def test_absurd_quotes(world: World, query: str) -> None:
    reply = world.reseller.api.as_(None).get(f"/v1/pricing/quote?{query}")
    assert_problem(reply, *INVALID)


SLUGS = ["ab", "a" * 64, "Acme", "acme_corp", "acme--corp", "-acme", "acme-", "ac me", "acmé"]


@pytest.mark.parametrize("slug", [*SLUGS, "", "acme\n", " acme", "١٢٣", None, 5])
def test_slugs(world: World, slug: Any) -> None:
    admin, me = world.people.admin.api, world.reseller.api
    user = world.people.user().user_id
    tenant = f"/v1/resellers/me/tenants/{world.tenant()}"
    rows = everything()
    new = {"user_id": user, "company_name": "A", "slug": slug}
    replies = [
        admin.post("/v1/resellers", new),
        admin.patch(f"/v1/resellers/{world.reseller.reseller_id}", {"slug": slug}),
        me.patch(tenant, {"slug": slug}),
    ]
    if slug is not None:  # a tenant may leave it to us
        replies.append(me.post("/v1/resellers/me/tenants", {"name": "A", "slug": slug}))
    for reply in replies:
        assert_problem(reply, *INVALID)
        assert [error["field"] for error in reply.json["errors"]] == ["slug"]
    assert everything() == rows


@pytest.mark.parametrize(
    "name", ["", " ", "\t\n", "\u200b", "a\x00b", "a\u202eb", "x" * 201, "\ud800", None, 5, []]
)
def test_names(world: World, name: Any) -> None:
    tenant = f"/v1/resellers/me/tenants/{world.tenant()}"
    rows = everything()
    for reply in (
        world.reseller.api.post("/v1/resellers/me/tenants", {"name": name}),
        world.reseller.api.patch(tenant, {"name": name}),
        world.people.admin.api.post("/v1/users", {"name": name, "email": "a@example.com"}),
    ):
        assert_problem(reply, *INVALID)
    assert everything() == rows


@pytest.mark.parametrize(
    "branding",
    [
        "text",
        [],
        None,
        {"": 1},
        {"a": float("nan")},
        {"a": float("inf")},
        {"a": 10**40},
        {"a": "x" * 250_000},
        json.loads('{"a":' * 60 + "1" + "}" * 60),
        {"a": list(range(20_000))},
    ],
    ids=lambda branding: str(branding)[:20],
)
def test_branding_that_no_row_can_keep(world: World, branding: Any) -> None:
    """DynamoDB nests 32 deep, has 38 digits, and 400 KB in a row."""
    rows = everything()
    body = {"name": "Bakery", "branding_config": branding}
    assert_problem(world.reseller.api.post("/v1/resellers/me/tenants", body), *INVALID)
    assert everything() == rows


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
    in_a_path = [route for route in DECLARED if "{" in route.path]
    # Each route some of them: they share one reading of paths.
    for route in in_a_path[PATHS.index(part) % 6 :: 6]:
        path = route.path.replace("{reseller}", str(world.reseller.reseller_id))
        path = path.replace("{id}", part)
        if "{reseller}" in route.path and "{id}" not in route.path:
            path = route.path.replace("{reseller}", part)
        reply = admin.call(route.method, path + query(route), example_body(world, route))
        assert_problem(reply, 404, "not_found")
    assert everything() == rows


def example_body(world: World, route: Route) -> Any:
    from tests.support.examples import body

    return body(world, route)


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


def event(world: World, body: Any, *, encoded: bool = False) -> dict[str, Any]:
    """As API Gateway hands a request to Lambda: the body a text, or base64."""
    path = "/v1/resellers/{reseller}/tenants"
    return {
        "requestContext": {
            "httpMethod": "POST",
            "resourcePath": path,
            "path": f"/api{path}",
            "requestId": "the-request-id",
            "identity": {"sourceIp": "127.0.0.1"},
        },
        "headers": {"authorization": f"Bearer {world.reseller.api.token}"},
        "pathParameters": {"reseller": "me"},
        "multiValueQueryStringParameters": None,
        "stageVariables": {},
        "body": body,
        "isBase64Encoded": encoded,
    }


@pytest.mark.parametrize(
    ("body", "encoded"),
    [
        ('{"name": "\ud800"}', False),
        ("\udcff", False),
        ("not base64!", True),
        ("YQ", True),
        ("ü", True),
        ("/////w==", True),
        (None, False),
        ("", True),
    ],
)
def test_events_with_broken_bodies(world: World, body: Any, encoded: bool) -> None:
    answer = app(event(world, body, encoded=encoded), None)
    assert answer["statusCode"] == 422
    assert json.loads(answer["body"])["code"] == "invalid_request"
    assert answer["headers"]["X-Request-Id"] == "the-request-id"


def test_an_event_with_a_base64_body(world: World) -> None:
    answer = app(event(world, "eyJuYW1lIjogIkJha2VyeSJ9", encoded=True), None)
    assert answer["statusCode"] == 201


@pytest.mark.parametrize("value", ["\ud800", "\udcff\x00", "\x00"])
@pytest.mark.parametrize("name", ["authorization", "idempotency-key", "if-match", "x-any"])
def test_events_with_broken_headers(world: World, name: str, value: str) -> None:
    sent = event(world, '{"name": "Bakery"}')
    sent["headers"][name] = f"Bearer ses_{value}.{value}" if name == "authorization" else value
    answer = app(sent, None)
    expected = {"authorization": 401, "idempotency-key": 422}
    assert answer["statusCode"] == expected.get(name, 201)


def test_many_wrong_fields_are_told_up_to_a_limit(people: People) -> None:
    body = {f"field{n}": 1 for n in range(5000)}
    reply = people.admin.api.post("/v1/users", body)
    assert_problem(reply, *INVALID)
    assert len(reply.json["errors"]) == MAX_FIELD_ERRORS


def test_every_wrong_field_is_named(people: People) -> None:
    reply = people.admin.api.post("/v1/users", {"email": "x", "name": "", "more": 1})
    assert {error["field"] for error in reply.json["errors"]} == {"email", "name", "more"}


def test_of_a_field_sent_twice_one_counts(world: World) -> None:
    path = "/v1/resellers/me/tenants"
    made = world.reseller.api.post(path, b'{"name": "First", "name": "Second"}')
    assert made.json["name"] == "Second"


def test_something_unexpected_is_logged_and_said_without_its_details(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from chalicelib.services import platform

    def broken() -> None:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr(platform, "current", broken)
    reply = world.reseller.api.as_(None).get("/v1/pricing")
    assert (reply.status, reply.code) == (500, "internal_error")
    assert "secret detail" not in reply.text
    assert "ZeroDivision" not in reply.text
    assert any(r.exc_info and r.exc_info[0] is ZeroDivisionError for r in caplog.records)
