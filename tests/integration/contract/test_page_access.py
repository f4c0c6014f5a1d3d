"""Every page as every kind of caller, and every form as another site would send it. A new
page fails until its row is stated here.

JSON routes are in test_access_matrix.py; what is behind the doors, in the tests of the pages.
"""

import re

import pytest

import app as house
from chalicelib.api.declarations import ROUTES
from chalicelib.web.shell import csrf
from chalicelib.web.shell.routing import PAGES, PageRoute
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.conftest import TestClock
from tests.support.callers import CALLERS, HANDLER_REACHED, Caller, CallerFactory, stub_handlers
from tests.support.examples import World, example, page_path
from tests.support.page_client import PageClient, PageResponse
from tests.support.people import People
from tests.support.tables import everything

ANY = "/admin/resellers/{reseller}"
OWN_BRANDING, TENANT = "/reseller/branding", "/reseller/tenants/{id}"
FILES = {"GET /static/{name}"}
SESSION = "__Host-session"


def with_deeds(base: str, *deeds: str) -> set[str]:
    """Deeds that are asked for by POST, and lead back where their address is opened."""
    return {f"{method} {base}{deed}" for deed in deeds for method in ("GET", "POST")}


ACCOUNT_DEEDS = ("/profile", "/password", "/sessions/{id}/revoke", "/sessions/revoke-others")
TENANT_DEEDS = ("", "/deactivate", "/reactivate", "/delete", "/restore")
KEY_DEEDS = ("/api-keys", "/api-keys/{id}/revoke")
DOMAIN_DEEDS = ("/domains", "/domains/{host}/verify", "/domains/{host}/remove")

ROWS: dict[str, set[str]] = {
    "public": {
        "GET /",
        "GET /login",
        "POST /login",
        "GET /password",
        "POST /password",
        "GET /brand.css",
        "GET /docs",
        "GET /docs/objects",
    },
    "signed in": {"POST /logout", "GET /account", *with_deeds("/account", *ACCOUNT_DEEDS)},
    # On one's own account: there is no other in the address.
    "reseller": {
        "GET /reseller",
        "GET /reseller/licenses",
        "POST /reseller/licenses",
        "GET /reseller/licenses/return",
        "GET /reseller/purchases/{id}",
        "GET /reseller/statement",
        *with_deeds("/reseller", "/tenants", "/branding"),
        *with_deeds(OWN_BRANDING, *DOMAIN_DEEDS),
        *with_deeds(TENANT, *TENANT_DEEDS, "/branding"),
        *with_deeds(f"{TENANT}/branding", *DOMAIN_DEEDS),
        "GET /reseller/settings",
        *with_deeds("/reseller/settings", *ACCOUNT_DEEDS, *KEY_DEEDS),
    },
    "admin": {
        "GET /admin",
        "GET /admin/audit",
        *with_deeds("/admin", "/users", "/users/{id}"),
        "GET /admin/users/suggest",
        "POST /admin/users/{id}/password-link",
        "POST /admin/users/{id}/sign-out",
        *with_deeds("/admin", "/resellers", "/resellers/{reseller}"),
        "POST /admin/resellers/{reseller}/allocate",
        "POST /admin/resellers/{reseller}/sync",
        "GET /admin/resellers/{reseller}/statement",
        "GET /admin/resellers/{reseller}/tenants",
        *with_deeds(f"{ANY}/tenants/{{id}}", *TENANT_DEEDS, "/branding"),
        *with_deeds(ANY, "/branding"),
        *with_deeds(f"{ANY}/branding", *DOMAIN_DEEDS),
        *with_deeds(f"{ANY}/tenants/{{id}}/branding", *DOMAIN_DEEDS),
        "GET /admin/purchases",
        "GET /admin/purchases/{id}",
        "POST /admin/purchases/{id}/settle",
        "POST /admin/purchases/{id}/accept",
        *with_deeds("/admin", "/purchases/{id}/refund"),
        *with_deeds("/admin", "/reconciliation"),
        "GET /admin/reconciliation/{id}",
        "POST /admin/reconciliation/{id}/findings",
        "POST /admin/reconciliation/{id}/findings/{finding}",
        "GET /admin/settings",
        "POST /admin/settings/prices",
        "POST /admin/settings/rules",
        *with_deeds("/admin", "/settings/branding"),
        *with_deeds("/account", *KEY_DEEDS),  # those of admins
    },
}
ROW_OF = {name: row for row, names in ROWS.items() for name in names}
FORMS = [page for page in PAGES if page.method == "POST"]


def name_of(page: PageRoute) -> str:
    return f"{page.method} {page.path}"


def any_path(page: PageRoute) -> str:
    return re.sub(r"\{\w+\}", "x_01JD0000000000000000000000", page.path)


def expected(caller: Caller, page: PageRoute) -> tuple[int, str]:
    """The status, and where it leads."""
    audience = ROW_OF[name_of(page)]
    if audience == "public":
        return HANDLER_REACHED, ""
    if not caller.known or caller.scope is not None:  # a key opens no page
        asked = f"?next={any_path(page).replace('/', '%2F')}" if page.method == "GET" else ""
        return 303, f"/login{asked}"
    if audience == "admin":
        return (HANDLER_REACHED if caller.is_admin else 403), ""
    if audience == "reseller":
        return (HANDLER_REACHED if caller.has_account else 404), ""
    return HANDLER_REACHED, ""


def client_for(token: str | None) -> PageClient:
    client = PageClient(house.app)
    if token is not None:
        client.cookies[SESSION] = token
    return client


def opened(client: PageClient, page: PageRoute, path: str) -> PageResponse:
    """The page, or its form as a page of ours would send it."""
    if page.method == "GET":
        return client.get(path)
    return client.post(path, [("csrf_token", csrf.token_of(client.cookies.get(SESSION, "")))])


def test_every_page_has_its_row() -> None:
    """Of all that the service routes, whatever declared it."""
    routed = {
        f"{method} {path}"
        for path, methods in house.app.routes.items()
        for method in methods
        if method != "HEAD"
    }
    data = {f"{route.method} {route.path}" for route in ROUTES}
    assert routed - data - FILES == ROW_OF.keys()
    assert {name_of(page) for page in PAGES} == ROW_OF.keys()


@pytest.mark.parametrize("kind", CALLERS)
def test_every_page_as(kind: str, people: People, frozen: TestClock) -> None:
    caller = CALLERS[kind](CallerFactory(people, frozen))
    client = client_for(caller.token)
    wrong = {}
    with stub_handlers(PAGES, "show"):
        for page in PAGES:
            client.cookies = {SESSION: caller.token} if caller.token else {}
            shown = opened(client, page, any_path(page))
            got = (shown.status, shown.headers.get("Location", ""))
            if got != expected(caller, page):
                wrong[name_of(page)] = f"{got}, not {expected(caller, page)}"
            elif shown.status != 303:
                assert shown.headers["Content-Type"] == "text/html; charset=utf-8"
    assert wrong == {}


@pytest.mark.parametrize("kind", ["nobody", "the reseller", "an admin's read key"])
def test_the_files_of_the_pages_are_for_everyone(
    kind: str, people: People, frozen: TestClock
) -> None:
    client = client_for(CALLERS[kind](CallerFactory(people, frozen)).token)
    assert client.get("/static/app.css").status == 200
    assert client.get("/static/..%2Frouting.py").status == 404


@pytest.fixture
def mighty(people: People, frozen: TestClock) -> str:
    """The session of somebody for whom every door is open."""
    return str(CALLERS["an admin with an account"](CallerFactory(people, frozen)).token)


def _naming(path: str, named: dict[str, str], world: World) -> str:
    if path.startswith("/account/api-keys/"):
        named = named | {"api-keys": world.admin_key()}
    return re.sub(r"([\w-]+)/\{\w+\}", lambda m: f"{m[1]}/{named[m[1]]}", path)


def test_what_is_asked_for_by_get_changes_nothing(world: World, stripe: StripeSimulator) -> None:
    """Neither by a route nor by a page, for whom every one of them opens. What a purchase that is
    still open has become is looked up at Stripe, where this one is still open too."""
    admin, own = world.people.admin.api, world.reseller.api
    asked = [example(world, route) for route in ROUTES if route.method == "GET"]
    run, tenant = world.reconciliation(), world.tenant()
    named = {"reconciliation": run, "findings": world.finding(), "tenants": tenant}
    named |= {"users": world.reseller.user_id, "resellers": str(world.reseller.reseller_id)}
    named |= {"purchases": world.purchase(), "domains": world.domain(), "api-keys": world.key()}
    named |= {"sessions": world.session(), "static": "app.css"}
    pages = [page for page in PAGES if page.method == "GET"]
    paths = [_naming(page.path, named, world) for page in pages]
    for api in (admin, own):
        assert client_for(str(api.token)).get("/").status == 303
    rows = everything()
    found = {request.send().status for request in asked}
    assert found == {200}
    for path in paths:
        statuses = {client_for(str(api.token)).get(path).status for api in (admin, own)}
        assert statuses & {200, 303, 422}, path  # 422: no refund of what is not paid
        assert everything() == rows, path


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_no_form_of_another_site_gets_through(mighty: str, site: str) -> None:
    client = client_for(mighty)
    with stub_handlers(PAGES, "show"):
        assert {opened(client, page, any_path(page)).status for page in FORMS} == {HANDLER_REACHED}
        client.headers["Sec-Fetch-Site"] = site
        through = [p.path for p in FORMS if opened(client, p, any_path(p)).status != 403]
    assert through == []


@pytest.mark.parametrize("sent", [{}, {"csrf_token": ""}, {"csrf_token": "0" * 64}])
def test_no_form_gets_through_without_its_sessions_token(mighty: str, sent: dict[str, str]) -> None:
    client, fields = client_for(mighty), [("a", "b"), *sent.items()]
    with stub_handlers(PAGES, "show"):
        through = [p.path for p in FORMS if client.post(any_path(p), fields).status != 403]
    assert through == []


# What names a thing that somebody has: on their own pages, and on everyone's.
PERSONAL = ROWS["reseller"] | ROWS["signed in"] | with_deeds("/account", *KEY_DEEDS)
OF_SOMEBODY = [page for page in PAGES if "{" in page.path and name_of(page) in PERSONAL]


@pytest.mark.parametrize("page", OF_SOMEBODY, ids=name_of)
def test_what_is_anothers_looks_like_what_is_not_there(world: World, page: PageRoute) -> None:
    """To the letter, but for the id of the request and the address itself; and it changes
    nothing."""
    is_admins = ROW_OF[name_of(page)] == "admin"
    person = world.people.admin if is_admins else world.people.reseller(licenses=3)
    other = str(person.api.token)
    assert client_for(other).get("/").status == 303  # that the session is in use is on record
    theirs = page_path(world, page.path)
    nowhere = re.sub(r"(_01)\w{20}\w*", r"\g<1>JD0000000000000000000000", theirs)
    nowhere = re.sub(r"/app\d+\.", "/nowhere.", nowhere)
    assert nowhere != theirs
    rows = everything()
    foreign, absent = (
        _without_echo(opened(client_for(other), page, path), path) for path in (theirs, nowhere)
    )
    assert foreign == absent
    assert everything() == rows
    status, headers, _ = foreign
    # The address of a deed leads back, before anybody looks at what it names.
    leads_back = page.method == "GET" and status == 303 and headers["Location"]
    assert status == 404 or leads_back


def _without_echo(shown: PageResponse, path: str) -> tuple[int, dict[str, str], str]:
    headers = {k: v.replace(path, "PATH") for k, v in shown.headers.items()}
    request_id = headers.pop("X-Request-Id")
    return shown.status, headers, shown.text.replace(request_id, "REQUEST").replace(path, "PATH")
