"""Every kind of caller, for the tests that try all routes as all of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chalicelib.errors import Busy
from chalicelib.services.identity.sessions import Device, sign_in
from tests.conftest import TestClock
from tests.support.people import PASSWORD, People

SCOPES = ("read", "tenants", "purchases", "branding", "admin")

# What the handlers answer while `doors` stands before them: nothing on the way there does.
HANDLER_REACHED = 503


@contextmanager
def stub_handlers(routes: list[Any], attribute: str, **also: Any) -> Iterator[None]:
    """Let every route accept any request and do nothing, so that only its door is tried.

    attribute: where a route keeps what it calls. also: what else of it is replaced. It refuses
    rather than succeeds: no route counts as carried out by it (tests/support/iam_recorder.py).
    """

    def reached(*_: Any) -> None:
        raise Busy

    columns = {attribute: reached, **also}
    kept = [{name: getattr(route, name) for name in columns} for route in routes]
    for route in routes:
        _write(route, columns)
    try:
        yield
    finally:
        for route, before in zip(routes, kept, strict=True):
            _write(route, before)


def _write(route: object, columns: dict[str, Any]) -> None:
    for name, value in columns.items():
        object.__setattr__(route, name, value)


@dataclass(frozen=True)
class Caller:
    """scope: of a key with this one scope; None for a person, who needs none.
    owns: the account that every path names. has_account: that, or another one."""

    token: str | None
    known: bool = True
    is_admin: bool = False
    owns: bool = False
    has_account: bool = False
    scope: str | None = None


@dataclass
class CallerFactory:
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
        self._edit(f"/v1/users/{self.account.user_id}", is_active=False)
        return Caller(token, known=False)

    def deactivated_reseller(self, token: str) -> Caller:
        self._edit(f"/v1/resellers/{self.account.reseller_id}", is_active=False)
        return Caller(token, known=False)

    def admin_with_an_account(self) -> Caller:
        self._edit(f"/v1/users/{self.account.user_id}", is_super_admin=True)
        return Caller(self.session(), is_admin=True, owns=True, has_account=True)

    def _edit(self, path: str, **changes: bool) -> None:
        assert self.people.admin.api.patch(path, changes).status == 200


CALLERS: dict[str, Callable[[CallerFactory], Caller]] = {
    "nobody": lambda cast: Caller(None, known=False),
    "garbage": lambda cast: Caller("ses_x.y", known=False),
    "an expired session": CallerFactory.expired,
    "a deactivated user": CallerFactory.deactivated_user,
    "a deactivated reseller": lambda cast: cast.deactivated_reseller(cast.session()),
    "a deactivated reseller's key": lambda cast: cast.deactivated_reseller(cast.key("read")),
    "the reseller": lambda cast: Caller(cast.session(), owns=True, has_account=True),
    "another reseller": lambda cast: Caller(cast.people.reseller().api.token, has_account=True),
    "a user without an account": lambda cast: Caller(cast.people.user().api.token),
    "an admin": lambda cast: Caller(cast.people.admin.api.token, is_admin=True),
    "an admin with an account": CallerFactory.admin_with_an_account,
}


def _keys(scope: str) -> dict[str, Callable[[CallerFactory], Caller]]:
    made: dict[str, Callable[[CallerFactory], Caller]] = {
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
