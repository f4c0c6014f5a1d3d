"""Every declared route, called anonymously, by its own and another reseller, and by an admin."""

import pytest

import app  # noqa: F401 - declares every route
from chalicelib.api.declarations import ROUTES, Audience, Route
from tests.support.api import Reply
from tests.support.examples import World, example
from tests.support.tables import comparable_rows

EVERY_ROUTE = pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")
OF_A_RESELLER = [r for r in ROUTES if "{reseller}" in r.path]


def without_request_id(reply: Reply) -> tuple[int, str, dict[str, str]]:
    headers = {name: value for name, value in reply.headers.items() if name != "X-Request-Id"}
    return reply.status, reply.text, headers


@EVERY_ROUTE
def test_the_intended_caller_succeeds(world: World, route: Route) -> None:
    reply = example(world, route).send()
    assert reply.status == route.status, reply.text
    if not route.max_age:
        assert reply.headers["Cache-Control"] == "no-store"
    assert "argon2" not in reply.text
    assert "secret_hash" not in reply.text


@EVERY_ROUTE
def test_unauthenticated_callers_reach_only_public_routes(world: World, route: Route) -> None:
    request = example(world, route)
    rows = comparable_rows()
    for token in (None, "garbage", "ses_01JD.garbage"):
        api = request.caller.as_(token)
        if route.audience is Audience.PUBLIC:
            fresh = example(world, route)  # some requests succeed only once
            assert api.call(route.method, fresh.path, fresh.body).status == route.status
        else:
            reply = api.call(route.method, request.path, request.body)
            assert (reply.status, reply.code) == (401, "unauthenticated")
            assert comparable_rows() == rows


@EVERY_ROUTE
def test_resellers_are_refused_on_admin_routes(world: World, route: Route) -> None:
    if route.audience is not Audience.ADMIN:
        return
    request = example(world, route)
    rows = comparable_rows()
    reply = world.reseller.api.call(route.method, request.path, request.body)
    assert (reply.status, reply.code) == (403, "forbidden")
    assert comparable_rows() == rows


@pytest.mark.parametrize("route", OF_A_RESELLER, ids=lambda r: f"{r.method} {r.path}")
def test_another_account_looks_like_a_missing_account(world: World, route: Route) -> None:
    """The responses differ only in their request IDs, and nothing is written."""
    request = example(world, route)
    other = world.people.reseller(licenses=1).api
    assert other.get("/v1/me").status == 200
    mine, missing = str(world.reseller.reseller_id), "rsl_01JD0000000000000000000000"
    rows = comparable_rows()
    foreign = other.call(route.method, request.path, request.body)
    absent = other.call(route.method, request.path.replace(mine, missing), request.body)
    assert foreign.status == (403 if route.audience is Audience.ADMIN else 404)
    assert without_request_id(foreign) == without_request_id(absent)
    assert comparable_rows() == rows


@pytest.mark.parametrize(
    "route", [r for r in OF_A_RESELLER if "{id}" in r.path], ids=lambda r: f"{r.method} {r.path}"
)
def test_ids_of_another_account_are_not_found_in_the_callers_own(
    world: World, route: Route
) -> None:
    request = example(world, route)
    caller = world.people.reseller(licenses=1)
    api = world.people.admin.api if route.audience is Audience.ADMIN else caller.api
    path = request.path.replace(str(world.reseller.reseller_id), str(caller.reseller_id))
    reply = api.call(route.method, path, request.body)
    missing = path.replace(request.path.split("/")[5], "tnt_01JD0000000000000000000000")
    absent = api.call(route.method, missing, request.body)
    assert (reply.status, reply.code) == (404, "not_found")
    assert without_request_id(reply) == without_request_id(absent)


@pytest.mark.parametrize("route", OF_A_RESELLER, ids=lambda r: f"{r.method} {r.path}")
def test_me_is_the_callers_own_account(world: World, route: Route) -> None:
    if route.audience is Audience.ADMIN:
        return
    request = example(world, route)
    path = request.path.replace(str(world.reseller.reseller_id), "me")
    assert world.reseller.api.call(route.method, path, request.body).status == route.status
    stranger = world.people.user().api.call(route.method, path, request.body)
    assert (stranger.status, stranger.code) == (404, "not_found"), "has no account"


@EVERY_ROUTE
def test_an_admin_reaches_every_account(world: World, route: Route) -> None:
    if route.audience is not Audience.RESELLER:
        return
    request = example(world, route)
    reply = world.people.admin.api.call(route.method, request.path, request.body)
    assert reply.status == route.status, reply.text


def test_clients_cannot_give_themselves_rights_or_licenses(world: World) -> None:
    reseller = world.reseller
    for path in (f"/v1/users/{reseller.user_id}", "/v1/users/me"):
        reply = reseller.api.patch(path, {"is_super_admin": True})
        assert (reply.status, reply.code) == (403, "forbidden")
    protected = {"name": "X", "license_used": 0, "holds_license": False, "reseller_id": "rsl_x"}
    assert reseller.api.post("/v1/resellers/me/tenants", protected).status == 422
    tenant = world.tenant()
    for columns in ({"holds_license": False}, {"is_active": False}, {"version": 9}):
        assert reseller.api.patch(f"/v1/resellers/me/tenants/{tenant}", columns).status == 422
    path = f"/v1/resellers/{reseller.reseller_id}"
    assert world.people.admin.api.patch(path, {"license_used": 0}).status == 422
