"""What every JSON route shares: a route states its audience, input and output; this module
authenticates, authorises, parses, calls it, renders, and turns errors into problems.

Deny by default: a route cannot be declared without an audience.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, TypeVar

from chalice.app import Blueprint, Response
from pydantic import BaseModel

from chalicelib.api import headers, requests
from chalicelib.api.idempotent_requests import run_idempotent
from chalicelib.api.problems import problem, unexpected
from chalicelib.api.requests import Call, Empty
from chalicelib.api.responses import JsonResponse, problem_response, render_response
from chalicelib.errors import Forbidden, NotFound, TenantryError, Unauthenticated
from chalicelib.observability import invocation, logger
from chalicelib.services.identity import authenticate
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.resellers.accounts import read_reseller
from chalicelib.storage.resellers import Reseller

I = TypeVar("I", bound=BaseModel)  # noqa: E741 - the route's input: query of a GET, else body
Handler = Callable[[Call[I]], Any]


class Audience(StrEnum):
    """Who may call. RESELLER: a reseller its own account, an admin every account."""

    PUBLIC = "public"
    SIGNED_IN = "signed in"
    RESELLER = "reseller"
    ADMIN = "admin"


class Scope(StrEnum):
    """What an API key must be scoped for. SESSION: no key at all, only a signed-in person."""

    READ = "read"
    TENANTS = "tenants"
    PURCHASES = "purchases"
    BRANDING = "branding"
    ADMIN = "admin"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the contract. created: the Location template of what a POST makes.

    sensitive: the request or its answer holds a secret, which no record may keep.
    ends_session: a replay comes with a token that is no longer valid.
    composed: the answer is made of several rows; its ETag tells of all of them.
    cached_seconds: how long anyone may keep the answer; pages of any origin may read it.
    """

    method: str
    path: str
    audience: Audience
    scope: Scope
    input: type[BaseModel]
    returns: type[BaseModel] | None
    paged: bool
    created: str | None
    sensitive: bool
    ends_session: bool
    composed: bool
    cached_seconds: int
    handler: Callable[..., Any]

    @property
    def status(self) -> HTTPStatus:
        if self.created:
            return HTTPStatus.CREATED
        return HTTPStatus.OK if self.returns else HTTPStatus.NO_CONTENT


# Every route of the service, in the order of declaration: what /openapi.json is made from.
DECLARED: list[Route] = []


class Routes(Blueprint):
    """A Chalice blueprint whose routes are declared whole."""

    def api(
        self,
        method: str,
        path: str,
        *,
        audience: Audience,
        scope: Scope,
        input: type[I],
        returns: type[BaseModel] | None = None,
        paged: bool = False,
        created: str | None = None,
        sensitive: bool = False,
        ends_session: bool = False,
        composed: bool = False,
        cached_seconds: int = 0,
    ) -> Callable[[Handler[I]], Handler[I]]:
        def declare(handler: Handler[I]) -> Handler[I]:
            route = Route(
                method=method,
                path=path,
                audience=audience,
                scope=scope,
                input=input,
                returns=returns,
                paged=paged,
                created=created,
                sensitive=sensitive,
                ends_session=ends_session,
                composed=composed,
                cached_seconds=cached_seconds,
                handler=handler,
            )
            DECLARED.append(route)

            def view(**path_parameters: str) -> Response:
                return _respond(route, self.current_request, path_parameters)

            # Content types are checked by parsing: Chalice would answer 415 in its own words.
            name = f"{self._import_name}.{handler.__name__}"
            self.route(path, methods=[method], name=name, content_types=[])(view)
            return handler

        return declare


def _respond(route: Route, request: Any, path_parameters: dict[str, str]) -> Response:
    request_id = requests.request_id(request)
    ids = requests.ids(path_parameters)
    with invocation("Request", request_id, method=route.method, route=route.path, **ids) as line:
        try:
            caller = _authenticate(route, request, line)
            answer = _serve(route, request, path_parameters, caller)
        except TenantryError as error:
            line |= requests.refusal(error)
            answer = problem_response(*problem(error))
        except Exception:
            logger.exception("Unexpected error")
            answer = problem_response(*unexpected())
        line["status"] = answer.status
    sent: headers.Headers = {**headers.of_data(), "X-Request-Id": request_id, **answer.headers}
    return Response(answer.body, sent, answer.status)


def _authenticate(route: Route, request: Any, line: dict[str, Any]) -> Caller | None:
    """line: told who it is, also where they may not."""
    if route.audience is Audience.PUBLIC:
        return None
    token = requests.bearer_token(request)
    if token is None:
        raise Unauthenticated("Send a bearer token in the Authorization header.")
    try:
        caller = authenticate.authenticate(token, keys=True)
    except Unauthenticated:
        if route.ends_session and requests.idempotency_key(request):
            return None  # either this very request has ended it, or the handler refuses
        raise
    line["caller"] = caller.id
    if not caller.may(route.scope):
        raise Forbidden(_lacking(route.scope))
    if route.audience is Audience.ADMIN and not caller.is_admin:
        raise Forbidden("Only a super admin may do this.")
    return caller


def _lacking(scope: Scope) -> str:
    if scope is Scope.SESSION:
        return "No API key may do this: a person has to sign in."
    return f"This API key lacks the scope “{scope}”."


def _serve(
    route: Route, request: Any, path_parameters: dict[str, str], caller: Caller | None
) -> JsonResponse:
    call = requests.parse(request, route.input, path_parameters)
    call.known_caller = caller
    call.known_reseller = _reseller(route, call, caller)
    keyed = requests.idempotency_key(request) if route.method == "POST" else None
    if keyed is None:
        return render_response(route, call, route.handler(call))
    return run_idempotent(route, request, call, keyed)


def _reseller(route: Route, call: Call[Any], caller: Caller | None) -> Reseller | None:
    """The account that the path names: `me`, the caller's own id, or any for an admin."""
    wanted = call.path.get("reseller")
    if wanted is None or caller is None:
        return None
    own = caller.reseller
    if own is not None and wanted in ("me", own.id):
        call.path["reseller"] = own.id
        return own
    if not caller.is_admin or wanted == "me":
        raise NotFound("reseller")
    return read_reseller(wanted) if route.audience is Audience.RESELLER else None


__all__ = ["Audience", "Call", "Empty", "Route", "Routes", "Scope"]
