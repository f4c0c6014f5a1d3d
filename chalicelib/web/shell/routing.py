"""Page routing: audience checks, the session cookie, CSRF checks, and error pages.

Like an API route, every page declares its audience. A GET renders the page. A POST performs one
action and redirects, so going back and reloading are harmless, and sending a POST twice has the
same effect as sending it once.
"""

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from chalice.app import Blueprint, Response
from pydantic import BaseModel

from chalicelib.api.declarations import Audience
from chalicelib.errors import Forbidden, NotFound, TenantryError, Unauthenticated
from chalicelib.http import headers, requests
from chalicelib.http.problems import problem, title_of
from chalicelib.observability import invocation, logger
from chalicelib.services.identity import authenticate
from chalicelib.web.shell import cookies, csrf
from chalicelib.web.shell.form_fields import NO_FIELDS, FormFields
from chalicelib.web.shell.forms import Form
from chalicelib.web.shell.page_context import PageContext, RedirectTo
from chalicelib.web.shell.urls import prefix

# The template for each status. Any other status is shown as an internal error.
ERROR_PAGES = {
    HTTPStatus.FORBIDDEN: "errors/403.html",
    HTTPStatus.NOT_FOUND: "errors/404.html",
    HTTPStatus.CONFLICT: "errors/409.html",
    HTTPStatus.PRECONDITION_FAILED: "errors/412.html",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "errors/413.html",
    HTTPStatus.UNPROCESSABLE_ENTITY: "errors/422.html",
    HTTPStatus.TOO_MANY_REQUESTS: "errors/429.html",
    HTTPStatus.INTERNAL_SERVER_ERROR: "errors/500.html",
    HTTPStatus.BAD_GATEWAY: "errors/502.html",
    HTTPStatus.SERVICE_UNAVAILABLE: "errors/503.html",
}
NOTHING_WORKS = "Something broke on our side, and it has been noted. Reference: {}"
SESSION_ID = "ses_"

M = TypeVar("M", bound=BaseModel)
Show = Callable[..., Response]
Act = Callable[[PageContext, Form[M]], Response]


@dataclass(frozen=True, slots=True)
class PageRoute:
    """A page or a form action.

    An action's path ends with a query that has the action's name and the parameters it needs:
    `/account?action=revoke-session&id={id}`. `forms` are the forms that it accepts.
    """

    method: str
    path: str
    audience: Audience
    show: Show
    forms: tuple[FormFields[BaseModel], ...] = ()

    @property
    def resource(self) -> str:
        """The path without the query, as declared in API Gateway."""
        return self.path.partition("?")[0]

    @property
    def action(self) -> str:
        """The action's name, or an empty string for the one form on a page that has none."""
        return dict(parse_qsl(urlsplit(self.path).query)).get("action", "")

    @property
    def parameters(self) -> list[str]:
        """The names of the query parameters that the action needs."""
        return re.findall(r"{(\w+)}", urlsplit(self.path).query)


# All pages and actions, in declaration order.
PAGES: list[PageRoute] = []
# Each page's actions, by path and name. Actions share their page's path, because API Gateway limits
# the number of paths.
ACTIONS: defaultdict[str, dict[str, PageRoute]] = defaultdict(dict)


class Pages(Blueprint):
    """A Chalice blueprint whose routes are pages."""

    def page(
        self,
        method: str,
        path: str,
        *,
        audience: Audience,
        forms: tuple[FormFields[BaseModel], ...] = (),
    ) -> Callable[[Show], Show]:
        """Declare a page (GET and HEAD) or a form action (POST). See PageRoute for the path."""

        def declare(show: Show) -> Show:
            self._declare(PageRoute(method, path, audience, show, forms))
            return show

        return declare

    def form(
        self, path: str, *, audience: Audience, fields: FormFields[M], method: str = "POST"
    ) -> Callable[[Act[M]], Act[M]]:
        """Declare what a form with fields does. The action is called with the submitted form."""

        def declare(act: Act[M]) -> Act[M]:
            @wraps(act)
            def show(page: PageContext) -> Response:
                return act(page, page.form(fields))

            self._declare(PageRoute(method, path, audience, show, (fields,)))
            return act

        return declare

    def _declare(self, route: PageRoute) -> None:
        if route.method == "POST":
            actions = ACTIONS[route.resource]
            if route.action in actions:
                raise ValueError(f"{route.path} is declared twice.")
            is_routed = bool(actions)
            actions[route.action] = route
            if not is_routed:
                self._route(route, ["POST"], lambda page: actions.get(page.query("action")))
        else:
            self._route(route, ["GET", "HEAD"], lambda page: route)
        PAGES.append(route)

    def _route(
        self,
        route: PageRoute,
        methods: list[str],
        choose: Callable[[PageContext], PageRoute | None],
    ) -> None:
        def view(**path_parameters: str) -> Response:
            parameters = {name: unquote(value) for name, value in path_parameters.items()}
            page = PageContext(self.current_request, parameters)
            return _respond(choose(page), page)

        name = f"{self._import_name}.{route.show.__name__}"
        self.route(route.resource, methods=methods, name=name, content_types=[])(view)


def _respond(route: PageRoute | None, page: PageContext) -> Response:
    """Respond to a request. `route` is None if the page doesn't have the requested action."""
    request_id = requests.request_id(page.request)
    if route is not None:
        page.path |= {name: page.query(name) for name in route.parameters}
    method, path = page.request.method, route.path if route else page.request.path
    ids = requests.loggable_ids(page.path)
    with invocation("Request", request_id, method=method, route=path, **ids) as line:
        try:
            response = _check_and_show(route, page)
        except TenantryError as error:
            line |= requests.refusal_log_fields(error)
            response = _error_page(page, error, request_id)
        except Exception:
            logger.exception("Unexpected error")
            response = _error_page(page, None, request_id)
        line["caller"] = page.known_caller.id if page.known_caller else None
        line["status"] = response.status_code
    if page.set_cookies:
        response.headers["Set-Cookie"] = page.set_cookies
    response.headers = {**headers.for_pages(), "X-Request-Id": request_id, **response.headers}
    if method == "HEAD":
        response.body = ""
    return response


def _check_and_show(route: PageRoute | None, page: PageContext) -> Response:
    prefix()  # Every response needs it. Reading it can fail, so it is read before anything changes.
    _authenticate(page)
    if route is None or not all(requests.is_possible_id(value) for value in page.path.values()):
        raise NotFound("page")
    is_post = page.request.method == "POST"
    if route.audience is not Audience.PUBLIC and page.known_caller is None:
        if is_post:
            flash = "You were signed out. Sign in again."
            return page.redirect("/login", flash=flash, kind="info")
        return page.redirect(f"/login?next={quote(page.address, safe='')}")
    if route.audience is Audience.ADMIN and not page.caller.is_admin:
        raise Forbidden("This page is for super admins.")
    if route.audience is Audience.RESELLER and page.caller.reseller is None:
        raise NotFound("page")
    if is_post:
        csrf.check_origin(page.request.headers)
        if page.session is not None:
            csrf.check_token(page.session, page.form(NO_FIELDS).get("csrf_token"))
    return route.show(page)


def _authenticate(page: PageContext) -> None:
    """Set the caller from the session cookie, and clear the cookie if the session is invalid.

    API keys are not accepted for pages.
    """
    token = cookies.read(page.request.headers.get("cookie"), cookies.SESSION)
    if token is None:
        return
    try:
        page.known_caller = (
            authenticate.authenticate(token) if token.startswith(SESSION_ID) else None
        )
    except Unauthenticated:
        page.known_caller = None
    if page.known_caller is None:
        page.set_cookies.append(cookies.clear(cookies.SESSION))
    else:
        page.session = token


def _error_page(page: PageContext, error: TenantryError | None, request_id: str) -> Response:
    """Render an error page. `error` is None for an unexpected exception.

    Every page reads its branding from the database, so rendering can fail too. The response is then
    one line of plain text.
    """
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    extra: dict[str, str] = {}
    if error is not None:
        status, _, extra = problem(error)
    is_post = page.request.method == "POST"
    try:
        response = page.render(
            ERROR_PAGES.get(status, ERROR_PAGES[HTTPStatus.INTERNAL_SERVER_ERROR]),
            title=title_of(status),
            detail=str(error) if error else None,
            request_id=request_id,
            retry_path=page.referring_path if is_post else page.address,
            is_form=is_post,
        )
    except Exception:
        logger.exception("The error page failed too")
        text = NOTHING_WORKS.format(request_id)
        return Response(text, {"Content-Type": "text/plain; charset=utf-8"}, status.value)
    response.status_code = status.value
    if "Retry-After" in extra:
        response.headers["Retry-After"] = extra["Retry-After"]
    return response


__all__ = [
    "NO_FIELDS",
    "PAGES",
    "Audience",
    "Form",
    "FormFields",
    "PageContext",
    "PageRoute",
    "Pages",
    "RedirectTo",
]
