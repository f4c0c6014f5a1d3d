"""Every page works under a path prefix: the API Gateway stage, if there is no custom domain."""

import re
from collections import deque
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from app import app
from chalicelib.api.declarations import ROUTES
from chalicelib.settings import settings
from chalicelib.web.shell.routing import PAGES
from tests.support.examples import World
from tests.support.page_client import PageClient
from tests.support.people import PASSWORD

STAGE = "/api"
HOST = "https://abc.execute-api.example"
ADDRESSES = ("href", "src", "action", "formaction", "data-suggest", "poster", "srcset")
# This link is not followed, because it would end the session.
SIGN_OUT = (f"{STAGE}/logout",)
# Pages that no link opens directly. Links to confirmation pages open a dialog unless JavaScript is
# off, and the refund page is opened by a form.
UNLINKED = re.compile(r"/(revoke|refund|tenants/\{id\}/delete|remove)$")
EXTERNAL = re.compile(rf"(https?://(?!{HOST.partition('//')[2]})|mailto:|#|data:image/)")


class _Addresses(HTMLParser):
    """Collects the links, files, and forms (method and address) on a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.forms: set[tuple[str, str]] = set()
        self._form = ("get", "")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.found |= {given[name] for name in ADDRESSES if given.get(name)}
        if tag == "form":
            self.forms.add((given.get("method", "get").upper(), given.get("action", "")))
        if "formaction" in given:
            self.forms.add((given.get("formmethod", "post").upper(), given["formaction"]))


@pytest.fixture(autouse=True)
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PUBLIC_URL", HOST + STAGE)
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def patterns(method: str) -> dict[str, re.Pattern[str]]:
    """Map the path template of each route with this method to a pattern for its addresses."""
    declared = [(page.method, page.resource) for page in PAGES] + [
        (r.method, r.path) for r in ROUTES
    ]
    return {
        path: re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(STAGE + path)) + "$")
        for known, path in [*declared, ("GET", "/static/{name}")]
        if known == method
    }


def template_of(address: str, method: str = "GET") -> str | None:
    path = address.partition("?")[0].partition("#")[0]
    known = patterns(method)
    if path.startswith(STAGE) and path.removeprefix(STAGE) in known:
        return path.removeprefix(STAGE)
    return next((t for t, pattern in known.items() if pattern.match(path)), None)


def crawl(client: PageClient, start: str) -> set[str]:
    """Follow every link from `start`, and return the path templates of the pages seen.

    Each template is opened at most four times.
    """
    queue, seen, visits = deque([start]), {start}, dict[str, int]()
    while queue:
        address = queue.popleft()
        template = template_of(address)
        assert template, f"{address} matches no route"
        visits[template] = visits.get(template, 0) + 1
        if visits[template] > 4:
            continue
        shown = client.get(address)
        if shown.status == 303:
            assert shown.location.startswith(f"{STAGE}/"), (address, shown.location)
            links = {shown.location}
        else:
            assert shown.status in (200, 422), (address, shown.status)
            page = _Addresses()
            page.feed(shown.text if "html" in shown.headers["Content-Type"] else "")
            for method, action in page.forms:
                assert template_of(action, method), (address, method, action)
            links = {a for a in page.found if not EXTERNAL.match(a)} - {a for _, a in page.forms}
        for link in links:
            assert link.startswith(f"{STAGE}/"), (address, link)
        new = {link.partition("#")[0] for link in links} - seen - set(SIGN_OUT)
        queue.extend(sorted(new))
        seen |= new
    return set(visits)


def test_every_link_form_and_file_has_the_stage_prefix(world: World) -> None:
    world.tenant()
    world.tenant(deleted=True)
    world.domain()
    world.key()
    world.admin_key()
    world.session()
    world.reconciliation()
    brand = {"product_name": "Blue", "primary_color": "#0b5cad"}
    assert world.reseller.api.put("/v1/resellers/me/branding", brand).status == 200
    bought = world.purchase(paid=True)
    reseller = PageClient(app, STAGE).sign_in(world.reseller.email, PASSWORD)
    admin = PageClient(app, STAGE).sign_in(world.people.admin.email, PASSWORD)
    seen = crawl(reseller, f"{STAGE}/") | crawl(admin, f"{STAGE}/")
    seen |= crawl(reseller, f"{STAGE}/reseller/licenses/return?purchase={bought}")
    for start in ("/password", "/docs", "/login?reseller=company-1"):
        seen |= crawl(PageClient(app, STAGE), STAGE + start)
    unseen = {page.path for page in PAGES if page.method == "GET"} - seen
    assert {path for path in unseen if not UNLINKED.search(path)} == set()


def test_redirects_keep_the_stage_prefix(world: World) -> None:
    client = PageClient(app, STAGE).sign_in(world.reseller.email, PASSWORD)
    shown = client.get(f"{STAGE}/reseller/tenants?create=1")
    created = client.submit(shown, "/reseller/tenants", name="Blue")
    assert created.location.startswith(f"{STAGE}/reseller/tenants/tnt_")
    assert client.follow(created).status == 200
    signed_out = PageClient(app, STAGE).get(f"{STAGE}/reseller/tenants")
    assert signed_out.location == f"{STAGE}/login?next=%2Freseller%2Ftenants"
