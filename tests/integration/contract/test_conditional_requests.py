"""ETag, If-Match, and If-None-Match, and edits that change nothing."""

from typing import Any, get_args

import pytest

import app  # noqa: F401 - declares every route
from chalicelib.api.declarations import ROUTES, Route
from chalicelib.http.fields import RowOutput
from tests.support.api import Api
from tests.support.aws_faults import AwsFaults
from tests.support.examples import World, example
from tests.support.tables import comparable_rows

RESOURCES = [
    route
    for route in ROUTES
    if route.method == "GET"
    and not route.paged
    and route.returns is not None
    and issubclass(route.returns, RowOutput)
]
# Branding responses combine several rows, so test_branding.py tests their ETags.
PATCHES = [r for r in ROUTES if r.method == "PATCH" and not r.path.endswith("/branding")]
EVERY_DELETE = pytest.mark.parametrize(
    "route", [r for r in ROUTES if r.method == "DELETE"], ids=lambda r: r.path
)
EVERY_RESOURCE = pytest.mark.parametrize("route", RESOURCES, ids=lambda r: r.path)


def required_fields(route: Route) -> list[str]:
    """Return the fields in a route's input that do not accept null."""
    fields = route.input.model_fields.items()
    return [name for name, field in fields if type(None) not in get_args(field.annotation)]


EVERY_PATCH = pytest.mark.parametrize("route", PATCHES, ids=lambda r: r.path)

# A valid request body for each PATCH route.
CHANGES: dict[str, dict[str, Any]] = {
    "/v1/users/{id}": {"name": "Changed"},
    "/v1/resellers/{reseller}": {"company_name": "Changed"},
    "/v1/resellers/{reseller}/tenants/{id}": {"name": "Changed"},
    "/v1/settings": {"low_license_threshold": 7},
}
# A concurrent change to a different field. For routes not listed here, it changes the slug.
CONCURRENT_CHANGES: dict[str, dict[str, Any]] = {
    "/v1/users/{id}": {"is_active": False},
    "/v1/settings": {"support_email": "other@example.com"},
}


@EVERY_RESOURCE
def test_the_etag_is_the_version_and_a_matching_if_none_match_gets_304(
    world: World, route: Route
) -> None:
    request = example(world, route)
    reply = request.send()
    tag = reply.headers["ETag"]
    assert tag == f'"{reply.json["version"]}"'
    for given in (tag, f"W/{tag}", f'"other", {tag}', f'"0",W/{tag}', "*"):
        unchanged = request.send(headers={"If-None-Match": given})
        assert (unchanged.status, unchanged.text) == (304, "")
        assert unchanged.headers["ETag"] == tag
    for given in ('"other"', "", "W/", tag.strip('"'), '"0", "999"', ",,,", "\x00", "ü" * 5000):
        assert request.send(headers={"If-None-Match": given}).status == 200


def test_the_etag_of_licenses_changes_with_the_pool(world: World) -> None:
    licenses = "/v1/resellers/me/licenses"
    tag = world.reseller.api.get(licenses).headers["ETag"]
    assert world.reseller.api.get(licenses, headers={"If-None-Match": tag}).status == 304
    world.tenant()
    assert world.reseller.api.get(licenses, headers={"If-None-Match": tag}).status == 200


def caller_of(world: World, route: Route) -> tuple[Api, str]:
    request = example(world, route)
    return request.caller, request.path


@EVERY_PATCH
def test_a_patch_needs_a_matching_if_match(world: World, route: Route) -> None:
    api, where = caller_of(world, route)
    change = CHANGES[route.path]
    api.patch(where, change)
    current = api.get(where)
    version, tag = current.json["version"], current.headers["ETag"]
    rows = comparable_rows()
    for given in ('"0"', f'"{version + 1}"', "", "x", f'W/"{version}"', str(version), "ü"):
        refused = api.patch(where, change, if_match=given)
        assert (refused.status, refused.code) == (412, "version_conflict")
    assert comparable_rows() == rows
    for given in (tag, f'"0", {tag}', "*"):
        assert api.patch(where, {}, if_match=given).status == 200


@EVERY_PATCH
@pytest.mark.parametrize("body", [b"", b"{}", b" "])
def test_an_empty_patch_changes_nothing(world: World, route: Route, body: bytes) -> None:
    api, where = caller_of(world, route)
    api.patch(where, CHANGES[route.path])
    before = api.get(where)
    rows = comparable_rows()
    if body == b" ":
        assert api.patch(where, body).code == "invalid_request"
    else:
        after = api.patch(where, body)
        assert (after.status, after.json) == (200, before.json)
        assert after.headers["ETag"] == before.headers["ETag"]
    assert comparable_rows() == rows


@EVERY_PATCH
def test_a_patch_with_the_current_values_changes_nothing(world: World, route: Route) -> None:
    api, where = caller_of(world, route)
    api.patch(where, CHANGES[route.path])
    before = api.get(where).json
    rows = comparable_rows()
    same = {name: before[name] for name in route.input.model_fields if name in before}
    assert api.patch(where, same).json == before
    assert comparable_rows() == rows


@EVERY_PATCH
def test_null_is_refused_for_required_fields(world: World, route: Route) -> None:
    api, where = caller_of(world, route)
    api.patch(where, CHANGES[route.path])
    rows = comparable_rows()
    for name in required_fields(route):
        refused = api.patch(where, {**CHANGES[route.path], name: None})
        assert (refused.status, refused.code) == (422, "invalid_request"), name
    assert comparable_rows() == rows


@EVERY_PATCH
def test_without_if_match_concurrent_edits_of_different_fields_both_apply(
    world: World, route: Route, aws_faults: AwsFaults
) -> None:
    api, where = caller_of(world, route)
    concurrent = CONCURRENT_CHANGES.get(route.path, {"slug": "changed-concurrently"})
    aws_faults.before(lambda: api.patch(where, concurrent))
    both = api.patch(where, CHANGES[route.path])
    assert both.status == 200
    expected = {**concurrent, **CHANGES[route.path]}
    assert {name: both.json[name] for name in expected} == expected


@EVERY_PATCH
def test_with_if_match_a_concurrent_edit_is_a_conflict(
    world: World, route: Route, aws_faults: AwsFaults
) -> None:
    api, where = caller_of(world, route)
    tag = api.get(where).headers["ETag"]
    aws_faults.before(
        lambda: api.patch(
            where, CONCURRENT_CHANGES.get(route.path, {"slug": "changed-concurrently"})
        )
    )
    refused = api.patch(where, CHANGES[route.path], if_match=tag)
    assert (refused.status, refused.code) == (412, "version_conflict")


def test_a_delete_with_an_outdated_if_match_is_refused(world: World) -> None:
    where = f"/v1/resellers/me/tenants/{world.tenant()}"
    tag = world.reseller.api.get(where).headers["ETag"]
    world.reseller.api.patch(where, {"name": "Changed"})
    refused = world.reseller.api.delete(where, if_match=tag)
    assert (refused.status, refused.code) == (412, "version_conflict")
    tag = world.reseller.api.get(where).headers["ETag"]
    assert world.reseller.api.delete(where, if_match=tag).status == 204


@EVERY_DELETE
def test_every_delete_respects_if_match(world: World, route: Route) -> None:
    request = example(world, route)
    rows = comparable_rows()
    for given in ('"0"', '"99"', "x"):
        refused = request.send(if_match=given)
        assert (refused.status, refused.code) == (412, "version_conflict")
    assert comparable_rows() == rows
    assert request.send(if_match="*").status == 204


def test_the_etag_of_a_new_key_can_be_used_to_revoke_it(world: World) -> None:
    keys = "/v1/resellers/me/api-keys"
    made = world.reseller.api.post(keys, {"name": "ERP", "scopes": ["read"]})
    where, tag = f"{keys}/{made.json['id']}", made.headers["ETag"]
    assert world.reseller.api.delete(where, if_match=tag).status == 204
    assert world.reseller.api.delete(where, if_match=tag).code == "not_found"


def test_every_patch_route_has_a_sample_change() -> None:
    assert CHANGES.keys() == {route.path for route in PATCHES}
