"""One request for a page: who came, what was sent, and the answers that a page can give."""

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from chalice.app import Response

from chalicelib.api import requests
from chalicelib.api.problems import problem
from chalicelib.api.requests import Call, Empty
from chalicelib.errors import Forbidden, NotFound, TenantryError, Unauthenticated
from chalicelib.services.core import idempotency
from chalicelib.services.core.audit import Actor
from chalicelib.services.core.idempotency import AlreadyCompleted, IdempotentRequest
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.sessions import Device
from chalicelib.storage.reads import Pagination
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import Row
from chalicelib.web.shell import cookies
from chalicelib.web.shell.forms import Form, messages
from chalicelib.web.shell.layout_context import layout_context
from chalicelib.web.shell.rendering import render
from chalicelib.web.shell.theme import PageTheme
from chalicelib.web.shell.urls import is_own_origin, url, without_prefix

R = TypeVar("R", bound=Row)
T = TypeVar("T")

HTML = "text/html; charset=utf-8"
PAGE_SIZE = 25
MAX_PARAMETER = 2000
MAX_SEARCH = 200
RESUMPTIONS = 3


@dataclass(frozen=True, slots=True)
class RedirectTo:
    """Where a deed leads: a path of ours, or another site's whole address; and what the next
    page says. kind: success, error, info, warning."""

    address: str
    flash: str | None = None
    kind: str = "success"


@dataclass
class PageContext:
    """path: the parameters of the path. session: the token of who is signed in."""

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
        return self.caller.actor(self.device.source_ip)

    @property
    def device(self) -> Device:
        return requests.device(self.request)

    def query(self, name: str) -> str:
        """A parameter of the address; empty where it is missing."""
        return str((self.request.query_params or {}).get(name) or "").strip()[:MAX_PARAMETER]

    @property
    def search(self) -> str:
        """What is searched for; no index key is longer."""
        return self.query("q")[:MAX_SEARCH]

    def page_request(self) -> Pagination:
        return Pagination(PAGE_SIZE, self.query("cursor") or None)

    def pages(self, next_cursor: str | None, **kept: str) -> dict[str, Any]:
        """What a list's paging links need. kept: the filters that they carry on."""
        return {
            "next_cursor": next_cursor,
            "is_later": bool(self.query("cursor")),
            "query": {name: value for name, value in kept.items() if value},
        }

    @property
    def address(self) -> str:
        """The path and query of this page, as url() takes them."""
        path: str = self.request.path.format_map(
            {name: quote(value, safe="") for name, value in self.path.items()}
        )
        sent = self.request.query_params
        pairs = [(name, value) for name in sent or () for value in sent.getlist(name)]
        return path + (f"?{urlencode(pairs)}" if pairs else "")

    @property
    def came_from(self) -> str | None:
        """The page of ours that sent this; its path and query, as url() takes them."""
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
    def look(self) -> PageTheme:
        """Whose brand the page wears. An address can name one while nobody has signed in."""
        if self.known_caller is not None:
            return PageTheme.of(self.host, "", "")
        return PageTheme.of(self.host, self.query("reseller"), self.query("tenant"))

    def form(self) -> Form:
        """What was filled in. Raises PayloadTooLarge, InvalidRequest."""
        is_query = self.request.method in ("GET", "HEAD")
        return Form.asked(self.request) if is_query else Form.posted(self.request)

    def render(
        self, template: str, *, title: str, status_code: int = HTTPStatus.OK, **context: Any
    ) -> Response:
        """A page. The flash that waited for it is shown, once."""
        flash = cookies.read_flash(self.request.headers.get("cookie"))
        if flash is not None:
            self.set_cookies.append(cookies.clear(cookies.FLASH))
        known = layout_context(self.known_caller, self.session, flash, self.look)
        body = render(template, {**known, "page_title": title, **context})
        return Response(body, {"Content-Type": HTML}, status_code)

    def refused(
        self,
        error: TenantryError,
        show: Callable[..., Response],
        form: Form,
        *,
        repeated: Sequence[str] = (),
        called: Mapping[str, str] | None = None,
        **context: Any,
    ) -> Response:
        """The page of a form again, with what was typed and what is wrong with it.

        repeated: the fields that can be sent more than once. called: what the form calls the
        fields that the error names otherwise; "" for those that it has not. Raises the error
        itself where the form is not to blame: what it is about is gone, or not this person's.
        """
        typed: dict[str, Any] = {**form.typed, **{name: form.every(name) for name in repeated}}
        names = called or {}
        errors = {names.get(name, name): text for name, text in messages(error).items()}
        return self._again(error, show, errors=errors, form=typed, **context)

    def failed(
        self, error: TenantryError, show: Callable[..., Response], text: str | None = None
    ) -> Response:
        """The page of a button again, saying why its deed could not be done."""
        flash = {"kind": "error", "text": text or str(error)}
        return self._again(error, show, flashes=[flash])

    def _again(
        self, error: TenantryError, show: Callable[..., Response], **context: Any
    ) -> Response:
        if isinstance(error, NotFound | Forbidden):
            raise error
        again = show(self, **context)
        status, _, headers = problem(error)
        again.status_code = status.value
        if "Retry-After" in headers:
            again.headers["Retry-After"] = headers["Retry-After"]
        return again

    def redirect(self, path: str, *, flash: str | None = None, kind: str = "success") -> Response:
        """See other: what a POST ends in. path: ours, or another site's whole address."""
        if flash is not None:
            self.set_cookies.append(cookies.set_flash(kind, flash))
        address = url(path) if path.startswith("/") else path
        return Response("", {"Location": address}, HTTPStatus.SEE_OTHER)

    def go(self, onward: RedirectTo) -> Response:
        return self.redirect(onward.address, flash=onward.flash, kind=onward.kind)

    def on_current(
        self,
        read: Callable[[], R],
        act: Callable[[R], T],
        *,
        version: str = "",
        version_of: Callable[[R], object] = lambda row: row.version,
    ) -> T:
        """Act on a row as it is now. version: the one that the form shows, where it edits
        what it shows. Raises VersionConflict if that is not the row's any more."""
        if_match = f'"{version}"' if version else None
        call = Call(Empty(), self.path, if_match=if_match, if_none_match=None)
        return call.on_current(read, act, version_of=version_of)

    def once(
        self, form: Form, act: Callable[[IdempotentRequest], T], then: Callable[[T], RedirectTo]
    ) -> Response:
        """Do what a form asks for once, though it is sent twice, and go where `then` says; so
        does the second sending. `once_field` tells one filling-in from the next, and the
        content tells it from the same form, gone back to and filled in otherwise."""
        if not form.get("once"):
            return self.go(then(act(idempotency.NO_KEY)))
        return self.go(RedirectTo(**self._recorded(form, act, lambda made: asdict(then(made)))))

    def once_secret(self, form: Form, act: Callable[[IdempotentRequest], Any]) -> str:
        """Make a credential once, though the form is sent twice, and show its secret again.

        What it is derived from is known to this session alone, and never kept.
        """
        content = f"{self.request.path}\n{form.content()}".encode()
        seed = hmac.digest((self.session or "").encode(), content, "sha256")
        made = self._recorded(form, act, lambda row: {"id": row.id}, seed)
        return f"{made['id']}.{IdempotentRequest(seed=seed).secret_for(made['id'])}"

    def _recorded(
        self,
        form: Form,
        act: Callable[[IdempotentRequest], T],
        render: Callable[[T], dict[str, Any]],
        seed: bytes | None = None,
    ) -> dict[str, Any]:
        """What is on record of this filling-in, once it is done."""
        content = f"{self.request.path}\n{sorted(self.path.items())}\n{form.content()}"
        fingerprint = hashlib.sha256(content.encode()).hexdigest()
        key = idempotency.key_for(f"{self.caller.id}:page", content)
        for _ in range(RESUMPTIONS):
            found = idempotency.find(key, fingerprint)
            if found is not None and found.response is not None:
                return found.response
            ref = found.ref if found else None
            try:
                return render(
                    act(IdempotentRequest(key, fingerprint, render=render, ref=ref, seed=seed))
                )
            except AlreadyCompleted:
                continue  # sent twice at once: the other one was first
        raise AlreadyCompleted
