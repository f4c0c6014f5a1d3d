"""What every JSON route shares: a route states its audience, input and output; this module
authenticates, authorises, parses, calls it, renders, and turns errors into problems.

Deny by default: a route cannot be declared without an audience.
"""

from collections.abc import Callable
from typing import Any, TypeVar, Unpack

from chalice.app import Blueprint, Response

from chalicelib.api import headers, requests
from chalicelib.api.declarations import (
    ROUTES,
    Audience,
    Handler,
    Options,
    Route,
    Scope,
    input_of,
    is_paged,
)
from chalicelib.api.idempotent_requests import run_idempotent
from chalicelib.api.problems import problem, unexpected
from chalicelib.api.requests import Call
from chalicelib.api.responses import JsonResponse, problem_response, render_response
from chalicelib.errors import Forbidden, NotFound, TenantryError, Unauthenticated
from chalicelib.observability import invocation, logger
from chalicelib.services.identity import authenticate
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.resellers.accounts import read_reseller
from chalicelib.storage.resellers import Reseller

H = TypeVar("H", bound=Handler)


class Routes(Blueprint):
    """A Chalice blueprint of JSON routes. Each declares its audience and its scope.

    The input model and paging come from the handler's own annotations.
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

            # An empty list turns off Chalice's own 415: parsing reports a wrong content type.
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
        caller = authenticate.authenticate(token, accept_keys=True)
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
