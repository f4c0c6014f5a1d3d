"""Every kind of caller, for the tests that call every route as each kind."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chalicelib.domain.scopes import KEY_SCOPES
from chalicelib.errors import Busy
from chalicelib.services.identity.sessions import Device, sign_in
from tests.conftest import TestClock
from tests.support.people import PASSWORD, People

# The status that stubbed handlers return. No check that runs before a handler returns it.
HANDLER_REACHED = 503


@contextmanager
def stub_handlers(routes: list[Any], attribute: str, **replaced: Any) -> Iterator[None]:
    """Replace all handlers, so that tests exercise only the checks that run before them.

    `attribute` is the name of the route attribute that holds the handler. `replaced` contains other
    attributes to replace, with their values. The stubs fail with HANDLER_REACHED instead of
    succeeding, so that no route counts as executed in tests/support/iam_recorder.py.
    """

    def handler_reached(*_: Any) -> None:
        raise Busy

    stubs = {attribute: handler_reached, **replaced}
    originals = [{name: getattr(route, name) for name in stubs} for route in routes]
    for route in routes:
        _set_attributes(route, stubs)
    try:
        yield
    finally:
        for route, original in zip(routes, originals, strict=True):
            _set_attributes(route, original)


def _set_attributes(route: object, attributes: dict[str, Any]) -> None:
    for name, value in attributes.items():
        object.__setattr__(route, name, value)


@dataclass(frozen=True)
class Caller:
    """A caller and what it is allowed to do.

    Attributes:
        known: Whether the token is valid.
        owns: Whether the caller owns the account in the tested paths.
        has_account: Whether the caller has a reseller account at all.
        scope: The only scope of an API key, or None for a session.
    """

    token: str | None
    known: bool = True
    is_admin: bool = False
    owns: bool = False
    has_account: bool = False
    scope: str | None = None


@dataclass
class CallerFactory:
    """Creates the tokens for CALLERS. `account` is the account in the tested paths."""

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
    if scope != "admin":  # reseller keys can't have this scope (see test_api_keys.py)
        made[f"the reseller's {scope} key"] = lambda cast: Caller(
            cast.key(scope), owns=True, scope=scope
        )
    return made


for each in KEY_SCOPES:
    CALLERS |= _keys(each)
