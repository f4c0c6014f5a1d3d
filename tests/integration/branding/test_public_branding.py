"""GET /v1/branding: the sign-in page's branding, available without authentication."""

from typing import Any

import pytest

from chalicelib.domain.branding import FIELDS
from tests.support.api import Api
from tests.support.people import Person

MINE = "/v1/resellers/me/branding"


def test_branding_of_a_reseller_and_its_tenant_by_slug(
    api: Api, reseller: Person, tenant: dict[str, Any]
) -> None:
    reseller.api.put(MINE, {"product_name": "Acme"})
    by_reseller = api.get("/v1/branding?reseller=company-1").json
    by_tenant = api.get("/v1/branding?reseller=company-1&tenant=blue-bottle").json
    assert by_reseller["product_name"] == by_tenant["product_name"] == "Acme"
    assert by_reseller["primary_color"] != by_tenant["primary_color"] == "#aa0000"
    assert set(by_tenant) == set(FIELDS)


@pytest.mark.parametrize(
    "query",
    [
        "?host=nobody.example",
        "?host=%00%ff",
        "?host=" + "a" * 999,
        "?host=",
        "?reseller=no-such",
        "?reseller=../..&tenant=%22",
        "?reseller=&tenant=",
        "?host=127.0.0.1:8000",
    ],
)
def test_unknown_hosts_and_slugs_get_the_platforms_branding(api: Api, query: str) -> None:
    unknown, platform = api.get("/v1/branding" + query), api.get("/v1/branding")
    assert (unknown.status, unknown.text) == (platform.status, platform.text)
    assert platform.status == 200
    assert without_request_id(unknown.headers) == without_request_id(platform.headers)


def test_a_deleted_tenant_gets_its_resellers_branding(
    api: Api, reseller: Person, tenant: dict[str, Any]
) -> None:
    reseller.api.delete(f"/v1/resellers/me/tenants/{tenant['id']}")
    shown = api.get("/v1/branding?reseller=company-1&tenant=blue-bottle").json
    assert shown == api.get("/v1/branding?reseller=company-1").json


def test_responses_can_be_cached_and_revalidated(api: Api, reseller: Person) -> None:
    reply = api.get("/v1/branding?reseller=company-1")
    assert reply.headers["Cache-Control"] == "public, max-age=300"
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    for etag in (reply.headers["ETag"], f'W/{reply.headers["ETag"]}, "x"', "*"):
        again = api.get("/v1/branding?reseller=company-1", headers={"If-None-Match": etag})
        assert (again.status, again.text) == (304, "")
        assert again.headers["Cache-Control"] == reply.headers["Cache-Control"]
    reseller.api.put(MINE, {"product_name": "Acme"})
    changed = api.get(
        "/v1/branding?reseller=company-1", headers={"If-None-Match": reply.headers["ETag"]}
    )
    assert changed.status == 200


@pytest.mark.parametrize("query", ["?host=a.example&reseller=b", "?tenant=a", "?paint=red"])
def test_an_invalid_query_is_refused_and_not_cached(api: Api, query: str) -> None:
    refused = api.get("/v1/branding" + query)
    assert refused.code == "invalid_request"
    assert refused.headers["Cache-Control"] == "no-store"


def without_request_id(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "X-Request-Id"}
