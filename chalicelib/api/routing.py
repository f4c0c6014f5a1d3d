"""Serve the JSON routes: authenticate, authorize, parse, call the handler, and render.

Errors become problem documents. Access is denied by default: a route cannot be declared without
an audience and a scope.
"""

from collections.abc import Callable
from typing import TypeVar, Unpack

from chalice.app import Blueprint, Request, Response

from chalicelib.api.declarations import (
    ROUTES,
    Audience,
    Handler,
    Options,
    Route,
    input_of,
    is_paged,
)
from chalicelib.api.idempotent_requests import run_idempotent
from chalicelib.api.responses import RenderedResponse, problem_response, render_response
from chalicelib.domain.scopes import Scope
from chalicelib.errors import Forbidden, NotFound, TenantryError, Unauthenticated
from chalicelib.http import headers, requests
from chalicelib.http.problems import problem, unexpected
from chalicelib.http.requests import Call, I
from chalicelib.observability import invocation, logger
from chalicelib.services.identity import authenticate
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.resellers.accounts import read_reseller
from chalicelib.settings import settings
from chalicelib.storage.resellers import Reseller

H = TypeVar("H", bound=Handler)


class Routes(Blueprint):
    """A Chalice blueprint of JSON routes. Each route declares its audience and its scope.

    Each route's input model and paging come from its handler's annotations.
    """

    def get(
        self, path: str, audience: Audience, scope: Scope, **options: Unpack[Options]
    ) -> Callable[[H], H]:
        return self._declare("GET", path, audience, scope, options)

    def post(
        self, path: str, audience: Audience, scope: Scope, **options: Unpack[Options]
    ) -> Callable[[H], H]:
        return self._declare("POST", path, audience, scope, options)

    def put(
        self, path: str, audience: Audience, scope: Scope, **options: Unpack[Options]
    ) -> Callable[[H], H]:
        return self._declare("PUT", path, audience, scope, options)

    def patch(
        self, path: str, audience: Audience, scope: Scope, **options: Unpack[Options]
    ) -> Callable[[H], H]:
        return self._declare("PATCH", path, audience, scope, options)

    def delete(
        self, path: str, audience: Audience, scope: Scope, **options: Unpack[Options]
    ) -> Callable[[H], H]:
        return self._declare("DELETE", path, audience, scope, options)

    def _declare(
        self, method: str, path: str, audience: Audience, scope: Scope, options: Options
    ) -> Callable[[H], H]:
        def declare(handler: H) -> H:
            route = Route(
                method=method,
                path=path,
                audience=audience,
                scope=scope,
                handler=handler,
                input=input_of(handler),
                paged=is_paged(handler),
                **options,
            )
            ROUTES.append(route)

            def view(**path_parameters: str) -> Response:
                return _respond(route, self.current_request, path_parameters)

            # An empty list turns off Chalice's own 415 response: parsing reports a body that isn't
            # JSON.
            name = f"{self._import_name}.{handler.__name__}"
            self.route(path, methods=[method], name=name, content_types=[])(view)
            return handler

        return declare


def _respond(route: Route, request: Request, path_parameters: dict[str, str]) -> Response:
    request_id = requests.request_id(request)
    ids = requests.loggable_ids(path_parameters)
    with invocation("Request", request_id, method=route.method, route=route.path, **ids) as logged:
        try:
            caller = _authenticate(route, request, logged)
            response = _handle(route, request, path_parameters, caller)
        except TenantryError as error:
            logged |= requests.refusal_log_fields(error)
            response = problem_response(*problem(error))
        except Exception:
            logger.exception("Unexpected error")
            response = problem_response(*unexpected())
        logged["status"] = response.status
    own: headers.Headers = {**headers.for_api(), "X-Request-Id": request_id, **response.headers}
    return Response(response.body, own, response.status)


def _authenticate(route: Route, request: Request, logged: dict[str, object]) -> Caller | None:
    """Return the caller if the route is open to them; None if the route is public.

    Adds the caller to `logged` even if the caller is then refused. Raises Unauthenticated or
    Forbidden.
    """
    if route.audience is Audience.PUBLIC:
        return None
    token = requests.bearer_token(request)
    if token is None:
        raise Unauthenticated("Send a bearer token in the Authorization header.")
    try:
        caller = authenticate.authenticate(token, accept_keys=True)
    except Unauthenticated:
        if route.ends_session and requests.idempotency_key(request):
            return None  # an earlier try may have ended the session; if not, the handler refuses
        raise
    logged["caller"] = caller.id
    if not caller.may(route.scope):
        raise Forbidden(_missing_scope_message(route.scope))
    if route.audience is Audience.ADMIN and not caller.is_admin:
        raise Forbidden("Only a super admin can do this.")
    return caller


def _missing_scope_message(scope: Scope) -> str:
    if scope is Scope.SESSION:
        return "API keys cannot be used for this. Sign in and use a session token."
    return f"This API key does not have the scope “{scope}”."


def _handle(
    route: Route, request: Request, path_parameters: dict[str, str], caller: Caller | None
) -> RenderedResponse:
    call = requests.parse(request, route.input, path_parameters)
    call.known_caller = caller
    call.known_reseller = _resolve_reseller(route, call, caller)
    if route.created:  # read before anything is changed, because reading it can fail
        call.base_url = settings().public_url
    key = requests.idempotency_key(request) if route.method == "POST" else None
    if key is None:
        return render_response(route, call, route.handler(call))
    return run_idempotent(route, request, call, key)


def _resolve_reseller(route: Route, call: Call[I], caller: Caller | None) -> Reseller | None:
    """Return the reseller account in the path, and replace `me` in the path with its ID.

    Resellers can name only their own account. Raises NotFound for any other account, whether or not
    it exists. On admin-only routes, the handler reads the account itself.
    """
    requested = call.path.get("reseller")
    if requested is None or caller is None:
        return None
    own = caller.reseller
    if own is not None and requested in ("me", own.id):
        call.path["reseller"] = own.id
        return own
    if not caller.is_admin or requested == "me":
        raise NotFound("reseller")
    return read_reseller(requested) if route.audience is Audience.RESELLER else None
