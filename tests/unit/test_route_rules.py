"""Rules for every declared route and every error."""

from unittest.mock import Mock

import pytest

import app
from chalicelib import errors
from chalicelib.api.declarations import ROUTES, Audience, Route
from chalicelib.http.problems import STATUSES, status_of
from chalicelib.web.shell.routing import Pages

EVERY_ROUTE = pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")


@EVERY_ROUTE
def test_a_route_declares_who_may_call_it(route: Route) -> None:
    assert route.audience in Audience
    assert ("{reseller}" in route.path) <= (route.audience in (Audience.RESELLER, Audience.ADMIN))
    assert (route.audience is Audience.RESELLER) <= ("{reseller}" in route.path)


@EVERY_ROUTE
def test_a_route_has_a_summary(route: Route) -> None:
    assert route.handler.__doc__


def test_only_the_listed_routes_are_public() -> None:
    """Making a route public is a deliberate decision, so this list has to change too."""
    public = {(r.method, r.path) for r in ROUTES if r.audience is Audience.PUBLIC}
    assert public <= {
        ("POST", "/v1/login"),
        ("POST", "/v1/password/reset-request"),
        ("POST", "/v1/password/reset"),
        ("GET", "/v1/pricing"),
        ("GET", "/v1/pricing/quote"),
        ("GET", "/v1/branding"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
        ("GET", "/health"),
    }


def test_chalice_serves_every_declared_route_and_no_other_api_route() -> None:
    served = {(m, path) for path, methods in app.app.routes.items() for m in methods}
    declared = {(route.method, route.path) for route in ROUTES}
    assert declared <= served
    assert {path for _, path in served - declared if path.startswith("/v1")} == set()


def test_a_path_position_has_one_parameter_name() -> None:
    """API Gateway rejects `/a/{x}` alongside `/a/{y}/b`, so the deployment would fail."""
    names: dict[str, set[str]] = {}
    for path in app.app.routes:
        parts = path.split("/")
        for position, part in enumerate(parts):
            if part.startswith("{"):
                names.setdefault("/".join(parts[:position]), set()).add(part)
    assert {position: found for position, found in names.items() if len(found) > 1} == {}


def every_error(base: type[errors.TenantryError]) -> list[type[errors.TenantryError]]:
    return [cls for sub in base.__subclasses__() for cls in (sub, *every_error(sub))]


@pytest.mark.parametrize("error", every_error(errors.TenantryError), ids=lambda e: e.__name__)
def test_every_error_has_a_code_and_a_status(error: type[errors.TenantryError]) -> None:
    assert error.code
    assert 400 <= status_of(error.__new__(error)) < 600


def test_every_status_belongs_to_an_existing_error() -> None:
    assert set(STATUSES) <= set(every_error(errors.TenantryError))


def test_a_page_action_cannot_be_declared_twice() -> None:
    """Actions share a path, so Chalice would not notice the second one."""
    pages = Pages(__name__)
    with pytest.raises(ValueError, match="twice"):
        pages.page("POST", "/account?action=profile", audience=Audience.SIGNED_IN)(Mock())
