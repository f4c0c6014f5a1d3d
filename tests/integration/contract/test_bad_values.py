"""Values of the right type that are still invalid: numbers, slugs, names, and branding."""

import json
from typing import Any

import pytest

from tests.support.api import assert_problem
from tests.support.examples import World
from tests.support.tables import comparable_rows

INVALID = (422, "invalid_request")


@pytest.mark.parametrize(
    "quantity",
    [0, -1, 100_001, 10**30, -(10**30), 1.0, 1.5, 1e300, "1", "", True, None, [1], {}],
)
def test_invalid_quantities_are_refused(world: World, quantity: Any) -> None:
    rows = comparable_rows()
    reply = world.reseller.api.post("/v1/resellers/me/purchases", {"quantity": quantity})
    assert_problem(reply, *INVALID)
    assert reply.json["errors"][0]["field"] == "quantity"
    assert comparable_rows() == rows


@pytest.mark.parametrize("raw", [b"NaN", b"Infinity", b"-Infinity", b"1e400", b"9" * 5000])
def test_non_finite_and_huge_numbers_are_refused(world: World, raw: bytes) -> None:
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
def test_quotes_of_invalid_quantities_are_refused(world: World, query: str) -> None:
    reply = world.reseller.api.as_(None).get(f"/v1/pricing/quote?{query}")
    assert_problem(reply, *INVALID)


SLUGS = ["ab", "a" * 64, "Acme", "acme_corp", "acme--corp", "-acme", "acme-", "ac me", "acmé"]


@pytest.mark.parametrize("slug", [*SLUGS, "", "acme\n", " acme", "١٢٣", None, 5])
def test_invalid_slugs_are_refused(world: World, slug: Any) -> None:
    admin, me = world.people.admin.api, world.reseller.api
    user = world.people.user().user_id
    tenant = f"/v1/resellers/me/tenants/{world.tenant()}"
    rows = comparable_rows()
    new = {"user_id": user, "company_name": "A", "slug": slug}
    replies = [
        admin.post("/v1/resellers", new),
        admin.patch(f"/v1/resellers/{world.reseller.reseller_id}", {"slug": slug}),
        me.patch(tenant, {"slug": slug}),
    ]
    if slug is not None:  # a new tenant's slug is optional
        replies.append(me.post("/v1/resellers/me/tenants", {"name": "A", "slug": slug}))
    for reply in replies:
        assert_problem(reply, *INVALID)
        assert [error["field"] for error in reply.json["errors"]] == ["slug"]
    assert comparable_rows() == rows


@pytest.mark.parametrize(
    "name", ["", " ", "\t\n", "\u200b", "a\x00b", "a\u202eb", "x" * 201, "\ud800", None, 5, []]
)
def test_invalid_names_are_refused(world: World, name: Any) -> None:
    tenant = f"/v1/resellers/me/tenants/{world.tenant()}"
    rows = comparable_rows()
    for reply in (
        world.reseller.api.post("/v1/resellers/me/tenants", {"name": name}),
        world.reseller.api.patch(tenant, {"name": name}),
        world.people.admin.api.post("/v1/users", {"name": name, "email": "a@example.com"}),
    ):
        assert_problem(reply, *INVALID)
    assert comparable_rows() == rows


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
def test_branding_that_exceeds_dynamodb_limits_is_refused(world: World, branding: Any) -> None:
    """DynamoDB's limits are 32 levels of nesting, 38 digits per number, and 400 KB per item."""
    rows = comparable_rows()
    body = {"name": "Bakery", "branding_config": branding}
    assert_problem(world.reseller.api.post("/v1/resellers/me/tenants", body), *INVALID)
    assert comparable_rows() == rows
