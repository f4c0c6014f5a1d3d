"""What every page shares: who may see it, the session cookie, forgery, flashes, error pages.

A page states its audience, as an API route does. A GET renders; a POST does one thing and
redirects, so that going back and reloading are harmless; sent twice, it happens once.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from chalice.app import Blueprint, Response

from chalicelib.api import requests
from chalicelib.api.problems import status_of
from chalicelib.api.routing import Audience
from chalicelib.errors import Forbidden, NotFound, TenantryError, Unauthenticated
from chalicelib.observability import flush, logger
from chalicelib.services import access, idempotency
from chalicelib.services.access import Caller
from chalicelib.services.audit import Actor
from chalicelib.services.idempotency import AlreadyDone, Once
from chalicelib.settings import settings
from chalicelib.storage.reads import PageRequest
from chalicelib.storage.resellers import Reseller
from chalicelib.web import cookies, forgery
from chalicelib.web.context import shell
from chalicelib.web.forms import Form, messages
from chalicelib.web.rendering import render
from chalicelib.web.urls import url

HTML = "text/html; charset=utf-8"
ERROR_PAGES = frozenset({403, 404, 409, 412, 413, 422, 429, 500, 503})
PAGE_SIZE = 25


@dataclass(frozen=True, slots=True)
class PageRoute:
    method: str
    path: str
    audience: Audience


PAGES: list[PageRoute] = []


@dataclass
class Visit:
    """One request for a page."""

    request: Any
    path: dict[str, str]
    session: str | None = None
    known_caller: Caller | None = None
    set_cookies: list[str] = field(default_factory=list)

    @property
    def caller(self) -> Caller:
        if self.known_caller is None:
            raise Unauthenticated("Sign in first.")
        return self.known_caller

    @property
    def reseller(self) -> Reseller:
        """The reseller account of who is signed in."""
        if self.caller.reseller is None:
            raise NotFound("page")
        return self.caller.reseller

    @property
    def by(self) -> Actor:
        return self.caller.actor(requests.source_ip(self.request))

    def query(self, name: str) -> str:
        """A parameter of the address; empty where it is missing."""
        return str((self.request.query_params or {}).get(name) or "").strip()[:2000]

    def page_request(self) -> PageRequest:
        return PageRequest(PAGE_SIZE, self.query("cursor") or None)

    def form(self) -> Form:
        return Form(self.request)

    def render(
        self, template: str, *, title: str, status: int = HTTPStatus.OK, **context: Any
    ) -> Response:
        """A page. The flash that waited for it is shown, once."""
        flash = cookies.read_flash(self.request.headers.get("cookie"))
        if flash is not None:
            self.set_cookies.append(cookies.clear(cookies.FLASH))
        known = shell(self.known_caller, self.session, flash, self.request.headers.get("host"))
        body = render(template, {**known, "page_title": title, **context})
        return Response(body, {"Content-Type": HTML}, status)

    def refused(
        self, error: TenantryError, show: Callable[..., Response], form: Form, **context: Any
    ) -> Response:
        """The page of a form again, with what was typed and what is wrong with it."""
        again = show(self, errors=messages(error), form=form.typed, **context)
        again.status_code = status_of(error).value
        return again

    def redirect(self, path: str, *, flash: str | None = None, kind: str = "success") -> Response:
        """See other: what a POST ends in."""
        if flash is not None:
            self.set_cookies.append(cookies.set_flash(kind, flash))
        return Response("", {"Location": url(path)}, HTTPStatus.SEE_OTHER)

    def leave(self, address: str) -> Response:
        """To another site: Stripe's payment page."""
        return Response("", {"Location": address}, HTTPStatus.SEE_OTHER)

    def once(self, form: Form, act: Callable[[Once], str]) -> str:
        """Do what a form asks for once, though it is sent twice. `act` returns where to go on;
        so does the second time. The form says which sending it is (`once_field`)."""
        sent = form.get("once")
        if not sent:
            return act(idempotency.UNKEYED)
        key = idempotency.key_for(f"{self.caller.id}:page", sent)
        content = f"{self.request.path}\n{sorted(form.typed.items())}"
        fingerprint = hashlib.sha256(content.encode()).hexdigest()
        for _ in range(3):
            found = idempotency.find(key, fingerprint)
            if found is not None and found.response is not None:
                return str(found.response["next"])
            once = Once(key, fingerprint, ref=found.ref if found else None)
            try:
                return act(once)
            except AlreadyDone:
                continue
        raise AlreadyDone


Show = Callable[[Visit], Response]


class Pages(Blueprint):
    """A Chalice blueprint of pages."""

    def page(self, method: str, path: str, *, audience: Audience) -> Callable[[Show], Show]:
        def declare(show: Show) -> Show:
            PAGES.append(PageRoute(method, path, audience))

            def view(**path_parameters: str) -> Response:
                parameters = {name: unquote(value) for name, value in path_parameters.items()}
                return _respond(show, audience, Visit(self.current_request, parameters))

            name = f"{self._import_name}.{show.__name__}"
            self.route(path, methods=[method], name=name, content_types=[])(view)
            return show

        return declare


def _respond(show: Show, audience: Audience, visit: Visit) -> Response:
    request_id = requests.request_id(visit.request)
    logger.set_correlation_id(request_id)
    try:
        response = _admitted(show, audience, visit)
    except TenantryError as error:
        response = _error(visit, status_of(error).value, str(error), request_id)
    except Exception:
        logger.exception("Unexpected error")
        response = _error(visit, HTTPStatus.INTERNAL_SERVER_ERROR, None, request_id)
    if visit.set_cookies:
        response.headers["Set-Cookie"] = visit.set_cookies
    response.headers = {**_headers(), "X-Request-Id": request_id, **response.headers}
    logger.info(
        "Request",
        extra={
            "method": visit.request.method,
            "route": visit.request.path,
            "status": response.status_code,
            "caller": visit.known_caller.id if visit.known_caller else None,
        },
    )
    flush()
    return response


def _admitted(show: Show, audience: Audience, visit: Visit) -> Response:
    visit.session = cookies.read(visit.request.headers.get("cookie"), cookies.SESSION)
    if visit.session is not None:
        try:
            visit.known_caller = access.authenticate(visit.session)
        except Unauthenticated:
            visit.set_cookies.append(cookies.clear(cookies.SESSION))
            visit.session = None
    if audience is not Audience.PUBLIC and visit.known_caller is None:
        if visit.request.method == "GET":
            return visit.redirect(f"/login?next={_quoted_path(visit)}")
        return visit.redirect("/login", flash="You were signed out. Sign in again.", kind="info")
    if audience is Audience.ADMIN and not visit.caller.is_admin:
        raise Forbidden("This page is for super admins.")
    if audience is Audience.RESELLER and visit.caller.reseller is None:
        raise NotFound("page")
    if visit.request.method == "POST":
        forgery.check_origin(visit.request.headers)
        if visit.session is not None:
            forgery.check_token(visit.session, visit.form().typed.get("csrf_token"))
    return show(visit)


def _quoted_path(visit: Visit) -> str:
    from urllib.parse import quote

    path: str = visit.request.path.format_map({k: quote(v, safe="") for k, v in visit.path.items()})
    return quote(path, safe="")


def _error(visit: Visit, status: int, detail: str | None, request_id: str) -> Response:
    page = status if status in ERROR_PAGES else HTTPStatus.INTERNAL_SERVER_ERROR.value
    return visit.render(
        f"errors/{page}.html",
        title="Something is in the way",
        status=status,
        code=status,
        detail=detail,
        request_id=request_id,
    )


def _headers() -> dict[str, str | list[str]]:
    """Strict: nothing inline, nothing of another origin but images that a brand names."""
    stripe = settings().stripe_api_base and settings().public_url
    policy = [
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self' data: https:",
        "connect-src 'self'",
        f"form-action 'self' {stripe or 'https://checkout.stripe.com'}",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    return {
        "Content-Security-Policy": "; ".join(policy),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
