"""What a JSON route declares: its path, audience, scope, input, and output.

The router, `/openapi.json`, and the tests that cover all routes read these declarations.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, TypedDict, get_args, get_origin

from pydantic import BaseModel

from chalicelib.domain.scopes import Scope
from chalicelib.http.requests import Call
from chalicelib.storage.reads import Page

Handler = Callable[[Call[Any]], object]  # Any: each handler has its own input model


class Audience(StrEnum):
    """Who can call a route. RESELLER means a reseller for its own account, or an admin for any."""

    PUBLIC = "public"
    SIGNED_IN = "signed in"
    RESELLER = "reseller"
    ADMIN = "admin"


class Options(TypedDict, total=False):
    """The optional parts of a route's declaration; `Route` describes each one."""

    returns: type[BaseModel]
    created: str
    sensitive: bool
    ends_session: bool
    composed: bool
    max_age: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route of the HTTP contract.

    `input` is the model for the query of a GET or DELETE, or for the body of any other method.
    `returns` is the model for the response, or for each row if the response is `paged`.
    `created` is the path of the resource that a POST creates, sent in `Location` with a 201.
    `sensitive` means that the request or response contains a secret, which must not be stored.
    `ends_session` means that a retry arrives with a token that is no longer valid.
    `composed` means that the response combines several rows, so its ETag covers the whole document.
    `max_age` is how many seconds any cache can keep the response; if set, any origin can read it.
    """

    method: str
    path: str
    audience: Audience
    scope: Scope
    handler: Handler
    input: type[BaseModel]
    paged: bool
    returns: type[BaseModel] | None = None
    created: str | None = None
    sensitive: bool = False
    ends_session: bool = False
    composed: bool = False
    max_age: int = 0

    @property
    def status(self) -> HTTPStatus:
        if self.created:
            return HTTPStatus.CREATED
        return HTTPStatus.OK if self.returns else HTTPStatus.NO_CONTENT


# All declared routes, in order of declaration.
ROUTES: list[Route] = []


def input_of(handler: Handler) -> type[BaseModel]:
    """Return a handler's input model: `NewTenant` for `(call: Call[NewTenant])`.

    Raises TypeError if the handler isn't annotated that way.
    """
    hints = [hint for name, hint in handler.__annotations__.items() if name != "return"]
    if len(hints) != 1 or get_origin(hints[0]) is not Call:
        raise TypeError(f"{handler.__qualname__} must take one parameter of type Call[Model].")
    model: type[BaseModel] = get_args(hints[0])[0]
    return model


def is_paged(handler: Handler) -> bool:
    """Return whether a handler's return type is or includes a `Page`.

    Raises TypeError if the handler has no return type.
    """
    if "return" not in handler.__annotations__:
        raise TypeError(f"{handler.__qualname__} must declare its return type.")
    returned = handler.__annotations__["return"]
    return any(get_origin(kind) is Page for kind in (returned, *get_args(returned)))
