"""A request for a page: who sent it, what it contains, and the responses that a page can return."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote, urlencode, urlsplit

from chalice.app import MultiDict, Request, Response
from pydantic import BaseModel

from chalicelib.domain.actors import Actor
from chalicelib.domain.names import MAX_SEARCH
from chalicelib.errors import Forbidden, NotFound, TenantryError, Unauthenticated
from chalicelib.http import requests
from chalicelib.http.problems import problem
from chalicelib.http.requests import Call, Empty
from chalicelib.services.core import idempotency
from chalicelib.services.core.idempotency import IdempotentRequest
from chalicelib.services.identity.api_keys import NewKey
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.sessions import Device
from chalicelib.storage.reads import Pagination
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import Row, from_stored
from chalicelib.web.shell import cookies
from chalicelib.web.shell.form_fields import FormFields
from chalicelib.web.shell.forms import Form, messages
from chalicelib.web.shell.layout_context import layout_context
from chalicelib.web.shell.rendering import View, render
from chalicelib.web.shell.theme import PageTheme
from chalicelib.web.shell.urls import is_own_origin, url, without_prefix

M = TypeVar("M", bound=BaseModel)
R = TypeVar("R", bound=Row)
T = TypeVar("T")

HTML = "text/html; charset=utf-8"
PAGE_SIZE = 25
MAX_PARAMETER = 2000


@dataclass(frozen=True, slots=True)
class RedirectTo:
    """The redirect that ends a form action.

    `address` is one of our own paths, or the full URL of another site. `flash` is the message
    that the next page shows, and `kind` its style: success, error, info, or warning.
    """

    address: str
    flash: str | None = None
    kind: str = "success"


@dataclass
class PageContext:
    """The context passed to every page handler.

    Attributes:
        path: The path parameters, decoded.
        session: The session token from the cookie, if it is valid.
        known_caller: The signed-in user, or None.
        set_cookies: The Set-Cookie headers to send with the response.
    """

    request: Request
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
        """The signed-in user's reseller account. Raises NotFound if there is none."""
        if self.caller.reseller is None:
            raise NotFound("page")
        return self.caller.reseller

    @property
    def by(self) -> Actor:
        return self.caller.actor(self.device.source_ip)

    @property
    def device(self) -> Device:
        return requests.device(self.request)

    def query(self, name: str) -> str:
        """Return a query parameter, or an empty string if it is missing."""
        query = self.request.query_params or MultiDict({})
        return str(query.get(name) or "").strip()[:MAX_PARAMETER]

    @property
    def search(self) -> str:
        """The search term, truncated to a length that fits an index key."""
        return self.query("q")[:MAX_SEARCH]

    def pagination(self) -> Pagination:
        return Pagination(PAGE_SIZE, self.query("cursor") or None)

    def paging(self, next_cursor: str | None, **filters: str) -> View:
        """Return the template context for a list's paging links, which keep `filters`."""
        return {
            "next_cursor": next_cursor,
            "is_later": bool(self.query("cursor")),
            "query": {name: value for name, value in filters.items() if value},
        }

    @property
    def address(self) -> str:
        """The path and query of this page, in the form that `url` expects."""
        path: str = self.request.path.format_map(
            {name: quote(value, safe="") for name, value in self.path.items()}
        )
        sent = self.request.query_params or MultiDict({})
        pairs = [(name, value) for name in sent for value in sent.getlist(name)]
        return path + (f"?{urlencode(pairs)}" if pairs else "")

    @property
    def referring_path(self) -> str | None:
        """The path and query of the referring page, or None if it is not one of our own."""
        try:
            parts = urlsplit(self.request.headers.get("referer") or "")
        except ValueError:
            return None
        if not is_own_origin(f"{parts.scheme}://{parts.netloc}", self.host):
            return None
        path = without_prefix(parts.path)
        return path and path + (f"?{parts.query}" if parts.query else "")

    @property
    def host(self) -> str | None:
        host: str | None = self.request.headers.get("host")
        return host

    @property
    def theme(self) -> PageTheme:
        """This page's brand. The query can select a reseller's brand only before sign-in."""
        if self.known_caller is not None:
            return PageTheme.of(self.host, "", "")
        return PageTheme.of(self.host, self.query("reseller"), self.query("tenant"))

    def form(self, fields: FormFields[M]) -> Form[M]:
        """Read the submitted form. Raises PayloadTooLarge or InvalidRequest."""
        is_query = self.request.method in ("GET", "HEAD")
        return (Form.from_query if is_query else Form.from_body)(fields, self.request)

    def render(self, template: str, *, title: str, **context: object) -> Response:
        """Render a page. A flash message in the request's cookie is shown and then cleared."""
        flash = cookies.read_flash(self.request.headers.get("cookie"))
        if flash is not None:
            self.set_cookies.append(cookies.clear(cookies.FLASH))
        layout = layout_context(self.known_caller, self.session, flash, self.theme)
        body = render(template, {**layout, "page_title": title, **context})
        return Response(body, {"Content-Type": HTML})

    def rerender_form(
        self,
        error: TenantryError,
        show: Callable[..., Response],
        form: Form[BaseModel],
        *,
        field_names: Mapping[str, str] | None = None,
        **context: object,
    ) -> Response:
        """Render a form's page again, with the typed values and the error messages.

        `field_names` maps the error's field names to the form's, or to "" if the form has no such
        field. Raises `error` if it is NotFound or Forbidden, since correcting the form would not
        help.
        """
        names = field_names or {}
        errors = {names.get(name, name): text for name, text in messages(error).items()}
        submitted = {"errors": errors, "form": form.typed, "form_id": form.fields.id}
        return self._rerender(error, show, **{**submitted, **context})

    def rerender_with_error(
        self, error: TenantryError, show: Callable[..., Response], text: str | None = None
    ) -> Response:
        """Render a page again after a button's action failed, with the error as a message."""
        flash = {"kind": "error", "text": text or str(error)}
        return self._rerender(error, show, flashes=[flash])

    def _rerender(
        self, error: TenantryError, show: Callable[..., Response], **context: object
    ) -> Response:
        if isinstance(error, NotFound | Forbidden):
            raise error
        response = show(self, **context)
        status, _, headers = problem(error)
        response.status_code = status.value
        if "Retry-After" in headers:
            response.headers["Retry-After"] = headers["Retry-After"]
        return response

    def redirect(self, path: str, *, flash: str | None = None, kind: str = "success") -> Response:
        """Return a 303 redirect. `path` is one of our own paths, or another site's full URL."""
        if flash is not None:
            self.set_cookies.append(cookies.set_flash(kind, flash))
        address = url(path) if path.startswith("/") else path
        return Response("", {"Location": address}, HTTPStatus.SEE_OTHER)

    def _redirect_to(self, target: RedirectTo) -> Response:
        return self.redirect(target.address, flash=target.flash, kind=target.kind)

    def on_current(
        self,
        read: Callable[[], R],
        act: Callable[[R], T],
        *,
        version: str = "",
        version_of: Callable[[R], object] = lambda row: row.version,
    ) -> T:
        """Act on the current row, retrying after concurrent changes.

        Raises VersionConflict if `version`, the row version that an edit form was rendered from, is
        no longer current.
        """
        if_match = f'"{version}"' if version else None
        call = Call(Empty(), self.path, if_match=if_match, if_none_match=None)
        return call.on_current(read, act, version_of=version_of)

    def run_once(
        self,
        form: Form[BaseModel],
        act: Callable[[IdempotentRequest], T],
        then: Callable[[T], RedirectTo],
    ) -> Response:
        """Run a form's action once, even if the form is sent twice. Redirect as `then` specifies.

        The idempotency key covers the form's content and its hidden field `once`, which is new in
        every rendering. So a user can go back, change the form, and send it again.
        """
        if not form.get("once"):
            return self._redirect_to(then(act(idempotency.NO_KEY)))
        recorded = self._run_recorded(form, act, lambda made: asdict(then(made)))
        return self._redirect_to(from_stored(RedirectTo, recorded))

    def create_secret_once(
        self, form: Form[BaseModel], act: Callable[[IdempotentRequest], NewKey]
    ) -> str:
        """Create a credential once even if the form is sent twice, and return its secret.

        The secret is derived from the session token and the form, and never stored.
        """
        content = f"{self.request.path}\n{self.query('action')}\n{form.content()}".encode()
        seed = hmac.digest((self.session or "").encode(), content, "sha256")
        made = self._run_recorded(form, act, lambda row: {"id": row.id}, seed)
        return f"{made['id']}.{IdempotentRequest(seed=seed).secret_for(made['id'])}"

    def _run_recorded(
        self,
        form: Form[BaseModel],
        act: Callable[[IdempotentRequest], T],
        render: Callable[[T], View],
        seed: bytes | None = None,
    ) -> View:
        """Run `act` unless its result is already recorded, and return the result."""
        where = f"{self.request.path}\n{self.query('action')}\n{sorted(self.path.items())}"
        content = f"{where}\n{form.content()}"
        fingerprint = hashlib.sha256(content.encode()).hexdigest()
        key = idempotency.key_for(f"{self.caller.id}:page", content)
        once = IdempotentRequest(key, fingerprint, render=render, seed=seed)
        return idempotency.run_once(
            once, lambda once: render(act(once)), lambda found: found.response or {}
        )
