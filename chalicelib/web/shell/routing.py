"""What every page shares: who may see it, the session cookie, forgery, error pages.

A page states its audience, as an API route does. A GET renders; a POST does one thing and
redirects, so that going back and reloading are harmless; sent twice, it happens once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote, unquote

from chalice.app import Blueprint, Response

from chalicelib.api import headers, requests
from chalicelib.api.problems import problem, title_of
from chalicelib.api.routing import Audience
from chalicelib.errors import Forbidden, NotFound, TenantryError, Unauthenticated
from chalicelib.observability import invocation, logger
from chalicelib.services.identity import authenticate
from chalicelib.web.shell import cookies, csrf
from chalicelib.web.shell.page_context import PageContext, RedirectTo

ERROR_PAGES = frozenset({403, 404, 409, 412, 413, 422, 429, 500, 502, 503})
NOTHING_WORKS = "Something broke on our side, and it has been noted. Reference: {}"
SESSION_ID = "ses_"

Show = Callable[..., Response]


@dataclass(frozen=True, slots=True)
class PageRoute:
    method: str
    path: str
    audience: Audience
    show: Show


# Every page, in the order of declaration.
PAGES: list[PageRoute] = []


class Pages(Blueprint):
    """A Chalice blueprint of pages."""

    def page(self, method: str, path: str, *, audience: Audience) -> Callable[[Show], Show]:
        """A page for GET (and HEAD), or the deed of a form for POST."""

        def declare(show: Show) -> Show:
            route = PageRoute(method, path, audience, show)
            PAGES.append(route)

            def view(**path_parameters: str) -> Response:
                parameters = {name: unquote(value) for name, value in path_parameters.items()}
                return _respond(route, PageContext(self.current_request, parameters))

            name = f"{self._import_name}.{show.__name__}"
            methods = ["GET", "HEAD"] if method == "GET" else [method]
            self.route(path, methods=methods, name=name, content_types=[])(view)
            return show

        return declare


def _respond(page: PageRoute, visit: PageContext) -> Response:
    request_id = requests.request_id(visit.request)
    method, route = visit.request.method, visit.request.path
    ids = requests.ids(visit.path)
    with invocation("Request", request_id, method=method, route=route, **ids) as line:
        try:
            response = _admitted(page, visit)
        except TenantryError as error:
            line |= requests.refusal(error)
            response = _error_page(visit, error, request_id)
        except Exception:
            logger.exception("Unexpected error")
            response = _error_page(visit, None, request_id)
        line["caller"] = visit.known_caller.id if visit.known_caller else None
        line["status"] = response.status_code
    if visit.set_cookies:
        response.headers["Set-Cookie"] = visit.set_cookies
    response.headers = {**headers.of_pages(), "X-Request-Id": request_id, **response.headers}
    if method == "HEAD":
        response.body = ""
    return response


def _admitted(page: PageRoute, visit: PageContext) -> Response:
    _recognise(visit)
    if not all(requests.may_be_id(value) for value in visit.path.values()):
        raise NotFound("page")
    is_post = visit.request.method == "POST"
    if page.audience is not Audience.PUBLIC and visit.known_caller is None:
        if is_post:
            flash = "You were signed out. Sign in again."
            return visit.redirect("/login", flash=flash, kind="info")
        return visit.redirect(f"/login?next={quote(visit.address, safe='')}")
    if page.audience is Audience.ADMIN and not visit.caller.is_admin:
        raise Forbidden("This page is for super admins.")
    if page.audience is Audience.RESELLER and visit.caller.reseller is None:
        raise NotFound("page")
    if is_post:
        csrf.check_origin(visit.request.headers)
        if visit.session is not None:
            csrf.check_token(visit.session, visit.form().get("csrf_token"))
    return page.show(visit)


def _recognise(visit: PageContext) -> None:
    """Who is signed in, by the session cookie; one that is no good is taken away. An API key
    opens no page."""
    token = cookies.read(visit.request.headers.get("cookie"), cookies.SESSION)
    if token is None:
        return
    try:
        visit.known_caller = (
            authenticate.authenticate(token) if token.startswith(SESSION_ID) else None
        )
    except Unauthenticated:
        visit.known_caller = None
    if visit.known_caller is None:
        visit.set_cookies.append(cookies.clear(cookies.SESSION))
    else:
        visit.session = token


def _error_page(visit: PageContext, error: TenantryError | None, request_id: str) -> Response:
    """error: None for what nobody foresaw. A page is made of the database too (the brand):
    where that is what fails, one line of text has to do."""
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    extra: dict[str, str] = {}
    if error is not None:
        status, _, extra = problem(error)
    page = status.value if status in ERROR_PAGES else HTTPStatus.INTERNAL_SERVER_ERROR.value
    is_post = visit.request.method == "POST"
    try:
        response = visit.render(
            f"errors/{page}.html",
            title=title_of(status),
            status_code=status.value,
            detail=str(error) if error else None,
            request_id=request_id,
            retry_path=visit.came_from if is_post else visit.address,
            is_form=is_post,
        )
    except Exception:
        logger.exception("The error page failed too")
        text = NOTHING_WORKS.format(request_id)
        return Response(text, {"Content-Type": "text/plain; charset=utf-8"}, status.value)
    if "Retry-After" in extra:
        response.headers["Retry-After"] = extra["Retry-After"]
    return response


__all__ = ["PAGES", "Audience", "PageContext", "PageRoute", "Pages", "RedirectTo"]
