"""Every route as every kind of caller. A new route fails until its row is stated here.

The rows say it a second time, by hand: what a route declares and what is meant must agree.
Handlers are replaced by nothing, so that only the door is tested, whatever is behind it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

import app  # noqa: F401 - declares every route
from chalicelib.api.routing import DECLARED
from chalicelib.services.sessions import Device, sign_in
from tests.conftest import TestClock
from tests.support.people import PASSWORD, People

RESELLER = "/v1/resellers/{reseller}"
TENANT = RESELLER + "/tenants/{id}"
REPORT = "/v1/reconciliations/{id}"

# By audience and scope: public · anyone signed in · a reseller on itself, an admin on all ·
# admins. The scope `session` is a person's alone: no key has it.
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
SCOPES = ("read", "tenants", "purchases", "branding", "admin")
THROUGH = 204


@dataclass(frozen=True)
class Caller:
    """scope: of a key with this one scope; None for a person, who needs none."""

    token: str | None
    known: bool = True
    is_admin: bool = False
    owns: bool = False
    scope: str | None = None

    def expected(self, audience: str, scope: str) -> int:
        if audience == "public":
            return THROUGH
        if not self.known:
            return 401
        if self.scope is not None and self.scope != scope:
            return 403
        if audience == "admin":
            return THROUGH if self.is_admin else 403
        return THROUGH if audience == "signed in" or self.is_admin or self.owns else 404


class Anything(BaseModel):
    model_config = ConfigDict(extra="allow")


@pytest.fixture
def doors(people: People) -> Iterator[None]:
    """Every route accepts any request and does nothing."""
    columns = {"handler": lambda _call: None, "input": Anything, "returns": None, "created": None}
    kept = [(r, {name: getattr(r, name) for name in columns}) for r in DECLARED]
    for route in DECLARED:
        _write(route, columns)
    yield
    for route, before in kept:
        _write(route, before)


def _write(route: object, columns: dict[str, Any]) -> None:
    for name, value in columns.items():
        object.__setattr__(route, name, value)


@dataclass
class Cast:
    """What the callers below are made of. account: the one that every path names."""

    people: People
    clock: TestClock

    def __post_init__(self) -> None:
        self.account = self.people.reseller()

    def session(self) -> str:
        return sign_in(self.account.email, PASSWORD, device=Device()).token

    def key(self, scope: str) -> str:
        return self._key(self.account.api, "/v1/resellers/me/api-keys", scope)

    def admin_key(self, scope: str) -> str:
        return self._key(self.people.admin.api, "/v1/api-keys", scope)

    def _key(self, api: Any, path: str, scope: str) -> str:
        made = api.post(path, {"name": "K", "scopes": [scope]})
        assert made.status == 201, made.text
        return str(made.json["key"])

    def expired(self) -> Caller:
        token = self.session()
        self.clock.advance(timedelta(hours=12))
        return Caller(token, known=False)

    def deactivated_user(self) -> Caller:
        token = self.session()
        path = f"/v1/users/{self.account.user_id}"
        assert self.people.admin.api.patch(path, {"is_active": False}).status == 200
        return Caller(token, known=False)

    def deactivated_reseller(self, token: str) -> Caller:
        path = f"/v1/resellers/{self.account.reseller_id}"
        assert self.people.admin.api.patch(path, {"is_active": False}).status == 200
        return Caller(token, known=False)


CALLERS: dict[str, Callable[[Cast], Caller]] = {
    "nobody": lambda cast: Caller(None, known=False),
    "garbage": lambda cast: Caller("ses_x.y", known=False),
    "an expired session": Cast.expired,
    "a deactivated user": Cast.deactivated_user,
    "a deactivated reseller": lambda cast: cast.deactivated_reseller(cast.session()),
    "a deactivated reseller's key": lambda cast: cast.deactivated_reseller(cast.key("read")),
    "the reseller": lambda cast: Caller(cast.session(), owns=True),
    "another reseller": lambda cast: Caller(cast.people.reseller().api.token),
    "a user without an account": lambda cast: Caller(cast.people.user().api.token),
    "an admin": lambda cast: Caller(cast.people.admin.api.token, is_admin=True),
}


def _keys(scope: str) -> dict[str, Callable[[Cast], Caller]]:
    made: dict[str, Callable[[Cast], Caller]] = {
        f"an admin's {scope} key": lambda cast: Caller(
            cast.admin_key(scope), is_admin=True, scope=scope
        )
    }
    if scope != "admin":  # no reseller's key may have it: test_api_keys.py
        made[f"the reseller's {scope} key"] = lambda cast: Caller(
            cast.key(scope), owns=True, scope=scope
        )
    return made


for each in SCOPES:
    CALLERS |= _keys(each)


def test_every_route_has_its_row() -> None:
    declared = {f"{route.method} {route.path}" for route in DECLARED}
    assert declared == ROW_OF.keys()


@pytest.mark.parametrize("kind", CALLERS)
def test_every_route_as(
    kind: str, people: People, frozen: TestClock, request: pytest.FixtureRequest
) -> None:
    cast = Cast(people, frozen)
    caller = CALLERS[kind](cast)
    api = people.admin.api.as_(caller.token)
    request.getfixturevalue("doors")
    wrong = {}
    for route in DECLARED:
        name = f"{route.method} {route.path}"
        path = route.path.replace("{reseller}", str(cast.account.reseller_id))
        path = path.replace("{", "").replace("}", "")
        status = api.call(route.method, path).status
        expected = caller.expected(*ROW_OF[name])
        if status != expected:
            wrong[name] = f"{status}, not {expected}"
    assert wrong == {}
