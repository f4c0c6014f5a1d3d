"""A client that opens HTML pages without a browser, keeps cookies, and fills in forms."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode

from chalice.app import Chalice

from app import app as tenantry
from infra.local.gateway import Gateway
from tests.support.people import PASSWORD, Person


@dataclass
class ShownForm:
    """A form on a page. `fields` are the values that it sends if nothing is changed."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)


class _FormParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[ShownForm] = []
        self._open: ShownForm | None = None
        self._select: str | None = None
        self._area: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = ShownForm(a.get("action", ""), a.get("method", "get").lower())
            self.forms.append(self._open)
        form = self._open
        if form is None or "disabled" in a:
            return
        if tag == "input" and a.get("name"):
            ticked = a.get("type") not in ("checkbox", "radio") or "checked" in a
            if ticked and a.get("type") != "submit":
                form.fields.append((a["name"], a.get("value", "")))
        elif tag == "select":
            self._select = a.get("name")
        elif tag == "option" and self._select and "selected" in a:
            form.fields.append((self._select, a.get("value", "")))
        elif tag == "textarea":
            self._area = a.get("name")

    def handle_data(self, data: str) -> None:
        if self._open is not None and self._area:
            self._open.fields.append((self._area, data))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._area = None


@dataclass(frozen=True, slots=True)
class PageResponse:
    """The response to a page request."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def location(self) -> str:
        return self.headers["Location"]

    @property
    def words(self) -> str:
        """The page's text without tags, with single spaces."""
        return " ".join(re.sub(r"<[^>]*>", " ", self.text).split())

    def form(self, action: str) -> ShownForm:
        """Return the first POST form whose action ends with `action`."""
        parser = _FormParser()
        parser.feed(self.text)
        posts = [f for f in parser.forms if f.method == "post"]
        found = [f for f in posts if f.action.endswith(action)]
        assert found, f"No form posts to {action}, only to {[f.action for f in posts]}."
        return found[0]


class PageClient:
    def __init__(self, app: Chalice, prefix: str = "") -> None:
        """Create a client. `prefix` is the path of PUBLIC_URL, which the gateway strips."""
        self._gateway = Gateway(app)
        self._prefix = prefix
        self.cookies: dict[str, str] = {}
        self.headers: dict[str, str] = {"Sec-Fetch-Site": "same-origin"}

    def get(self, address: str) -> PageResponse:
        return self._call("GET", address)

    def head(self, address: str) -> PageResponse:
        return self._call("HEAD", address)

    def follow(self, shown: PageResponse) -> PageResponse:
        assert shown.status == 303, shown.text
        return self.get(shown.location)

    def post(self, address: str, fields: list[tuple[str, str]]) -> PageResponse:
        return self._call("POST", address, urlencode(fields).encode())

    def submit(self, shown: PageResponse, action: str, /, **typed: str) -> PageResponse:
        """Fill in the form whose action ends with `action`, and send it."""
        form = shown.form(action)
        filled = [(n, typed.pop(n) if n in typed else v) for n, v in form.fields]
        return self.post(form.action, [*filled, *typed.items()])

    def sign_in(self, email: str, password: str) -> "PageClient":
        shown = self.submit(self.get("/login"), "/login", email=email, password=password)
        assert shown.status == 303, shown.text
        return self

    def _call(self, method: str, address: str, body: bytes = b"") -> PageResponse:
        headers = dict(self.headers)
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{n}={v}" for n, v in self.cookies.items())
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        path = address.partition("#")[0].removeprefix(self._prefix)
        answer = self._gateway.handle(method, path, headers, body)
        for cookie in (value for name, value in answer.headers if name == "Set-Cookie"):
            name, _, rest = cookie.partition("=")
            value = rest.partition(";")[0]
            if value:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return PageResponse(answer.status, dict(answer.headers), answer.body.decode())


def signed_in(person: Person) -> PageClient:
    return PageClient(tenantry).sign_in(person.email, PASSWORD)


def create_tenant(client: PageClient, name: str, **typed: str) -> PageResponse:
    shown = client.get("/reseller/tenants?create=1")
    return client.submit(shown, "/reseller/tenants", name=name, **typed)
