"""Access to every JSON route by every kind of caller.

ROWS deliberately repeats who can call each route: a declaration that differs from it fails, and so
does a new route that is not listed in it. Pages are in test_page_access.py.
"""

import pytest
from pydantic import BaseModel, ConfigDict

import app  # noqa: F401 - declares every route
from chalicelib.api.declarations import ROUTES
from tests.conftest import TestClock
from tests.support.callers import CALLERS, HANDLER_REACHED, Caller, CallerFactory, stub_handlers
from tests.support.people import People

RESELLER = "/v1/resellers/{reseller}"
TENANT = RESELLER + "/tenants/{id}"
REPORT = "/v1/reconciliations/{id}"

# The routes, by audience and scope. Routes for "reseller" can be called by the reseller that owns
# the account and by admins. No API key has the scope "session".
ROWS: dict[tuple[str, str], set[str]] = {
    ("public", "-"): {
        "POST /v1/login",
        "POST /v1/password/reset-request",
        "POST /v1/password/reset",
        "GET /v1/branding",
        "GET /v1/pricing",
        "GET /v1/pricing/quote",
        "GET /health",
        "GET /openapi.json",
    },
    ("signed in", "read"): {"GET /v1/me"},
    ("signed in", "session"): {
        "POST /v1/logout",
        "POST /v1/password",
        "GET /v1/sessions",
        "DELETE /v1/sessions/{id}",
    },
    ("reseller", "read"): {
        f"GET {RESELLER}",
        f"GET {RESELLER}/licenses",
        f"GET {RESELLER}/ledger",
        f"GET {RESELLER}/audit",
        f"GET {RESELLER}/tenants",
        f"GET {TENANT}",
        f"GET {RESELLER}/purchases",
        f"GET {RESELLER}/purchases/{{id}}",
        f"GET {RESELLER}/statement",
        f"GET {RESELLER}/diagnosis",
        f"GET {RESELLER}/branding",
        f"GET {TENANT}/branding",
        f"GET {RESELLER}/domains",
        f"GET {RESELLER}/domains/{{host}}",
    },
    ("reseller", "tenants"): {
        f"POST {RESELLER}/tenants",
        f"PATCH {TENANT}",
        f"DELETE {TENANT}",
        f"POST {TENANT}/deactivate",
        f"POST {TENANT}/reactivate",
        f"POST {TENANT}/restore",
    },
    ("reseller", "purchases"): {f"POST {RESELLER}/purchases"},
    ("reseller", "branding"): {
        f"PUT {RESELLER}/branding",
        f"PATCH {RESELLER}/branding",
        f"PUT {TENANT}/branding",
        f"PATCH {TENANT}/branding",
        f"DELETE {TENANT}/branding",
        f"POST {RESELLER}/domains",
        f"POST {RESELLER}/domains/{{host}}/verify",
        f"DELETE {RESELLER}/domains/{{host}}",
    },
    ("reseller", "session"): {
        f"POST {RESELLER}/api-keys",
        f"GET {RESELLER}/api-keys",
        f"DELETE {RESELLER}/api-keys/{{id}}",
    },
    ("admin", "admin"): {
        "GET /v1/audit",
        "GET /v1/users",
        "GET /v1/users/{id}",
        "POST /v1/resellers",
        "GET /v1/resellers",
        f"PATCH {RESELLER}",
        f"POST {RESELLER}/license-adjustments",
        f"POST {RESELLER}/sync",
        f"POST {RESELLER}/purchases/{{id}}/settle",
        f"POST {RESELLER}/purchases/{{id}}/accept",
        f"GET {RESELLER}/purchases/{{id}}/refund-quote",
        f"POST {RESELLER}/purchases/{{id}}/refunds",
        "GET /v1/settings",
        "PATCH /v1/settings",
        "POST /v1/reconciliations",
        "GET /v1/reconciliations",
        f"GET {REPORT}",
        f"GET {REPORT}/findings",
        f"POST {REPORT}/findings/{{finding}}/resolution",
    },
    ("admin", "session"): {
        "POST /v1/users",
        "PATCH /v1/users/{id}",
        "POST /v1/users/{id}/password-link",
        "POST /v1/users/{id}/sign-out",
        "POST /v1/api-keys",
        "GET /v1/api-keys",
        "DELETE /v1/api-keys/{id}",
    },
}
ROW_OF = {name: row for row, names in ROWS.items() for name in names}


def expected_status(caller: Caller, audience: str, scope: str) -> int:
    if audience == "public":
        return HANDLER_REACHED
    if not caller.known:
        return 401
    if caller.scope is not None and caller.scope != scope:
        return 403
    if audience == "admin":
        return HANDLER_REACHED if caller.is_admin else 403
    return HANDLER_REACHED if audience == "signed in" or caller.is_admin or caller.owns else 404


class Anything(BaseModel):
    model_config = ConfigDict(extra="allow")


def test_every_route_is_listed() -> None:
    declared = {f"{route.method} {route.path}" for route in ROUTES}
    assert declared == ROW_OF.keys()


@pytest.mark.parametrize("kind", CALLERS)
def test_every_route_admits_only_its_callers(kind: str, people: People, frozen: TestClock) -> None:
    factory = CallerFactory(people, frozen)
    caller = CALLERS[kind](factory)
    api = people.admin.api.as_(caller.token)
    wrong = {}
    with stub_handlers(ROUTES, "handler", input=Anything):
        for route in ROUTES:
            name = f"{route.method} {route.path}"
            path = route.path.replace("{reseller}", str(factory.account.reseller_id))
            path = path.replace("{", "").replace("}", "")
            status = api.call(route.method, path).status
            intended = expected_status(caller, *ROW_OF[name])
            if status != intended:
                wrong[name] = f"{status}, not {intended}"
    assert wrong == {}
