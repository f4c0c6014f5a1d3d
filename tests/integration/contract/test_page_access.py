"""Open every page as every kind of caller, and send every form as another site would.

A new page fails until it is listed in ROWS. JSON routes are in test_access_matrix.py.
"""

import re

import pytest

import app as tenantry
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


def with_actions(base: str, *actions: str) -> set[str]:
    """Return the routes of actions: POST performs one, and GET leads back to its page."""
    return {f"{method} {base}{action}" for action in actions for method in ("GET", "POST")}


ACCOUNT_ACTIONS = ("/profile", "/password", "/sessions/{id}/revoke", "/sessions/revoke-others")
TENANT_ACTIONS = ("", "/deactivate", "/reactivate", "/delete", "/restore")
KEY_ACTIONS = ("/api-keys", "/api-keys/{id}/revoke")
DOMAIN_ACTIONS = ("/domains", "/domains/{host}/verify", "/domains/{host}/remove")

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
    "signed in": {"POST /logout", "GET /account", *with_actions("/account", *ACCOUNT_ACTIONS)},
    # Always for the caller's own account: the path does not name one.
    "reseller": {
        "GET /reseller",
        "GET /reseller/licenses",
        "POST /reseller/licenses",
        "GET /reseller/licenses/return",
        "GET /reseller/purchases/{id}",
        "GET /reseller/statement",
        *with_actions("/reseller", "/tenants", "/branding"),
        *with_actions(OWN_BRANDING, *DOMAIN_ACTIONS),
        *with_actions(TENANT, *TENANT_ACTIONS, "/branding"),
        *with_actions(f"{TENANT}/branding", *DOMAIN_ACTIONS),
        "GET /reseller/settings",
        *with_actions("/reseller/settings", *ACCOUNT_ACTIONS, *KEY_ACTIONS),
    },
    "admin": {
        "GET /admin",
        "GET /admin/audit",
        *with_actions("/admin", "/users", "/users/{id}"),
        "GET /admin/users/suggest",
        "POST /admin/users/{id}/password-link",
        "POST /admin/users/{id}/sign-out",
        *with_actions("/admin", "/resellers", "/resellers/{reseller}"),
        "POST /admin/resellers/{reseller}/allocate",
        "POST /admin/resellers/{reseller}/sync",
        "GET /admin/resellers/{reseller}/statement",
        "GET /admin/resellers/{reseller}/tenants",
        *with_actions(f"{ANY}/tenants/{{id}}", *TENANT_ACTIONS, "/branding"),
        *with_actions(ANY, "/branding"),
        *with_actions(f"{ANY}/branding", *DOMAIN_ACTIONS),
        *with_actions(f"{ANY}/tenants/{{id}}/branding", *DOMAIN_ACTIONS),
        "GET /admin/purchases",
        "GET /admin/purchases/{id}",
        "POST /admin/purchases/{id}/settle",
        "POST /admin/purchases/{id}/accept",
        *with_actions("/admin", "/purchases/{id}/refund"),
        *with_actions("/admin", "/reconciliation"),
        "GET /admin/reconciliation/{id}",
        "POST /admin/reconciliation/{id}/findings",
        "POST /admin/reconciliation/{id}/findings/{finding}",
        "GET /admin/settings",
        "POST /admin/settings/prices",
        "POST /admin/settings/rules",
        *with_actions("/admin", "/settings/branding"),
        *with_actions("/account", *KEY_ACTIONS),  # admins' own keys
    },
}
ROW_OF = {name: row for row, names in ROWS.items() for name in names}
FORMS = [page for page in PAGES if page.method == "POST"]


def name_of(page: PageRoute) -> str:
    return f"{page.method} {page.path}"


def any_path(page: PageRoute) -> str:
    return re.sub(r"\{\w+\}", "x_01JD0000000000000000000000", page.path)


def expected_response(caller: Caller, page: PageRoute) -> tuple[int, str]:
    """Return the expected status and Location."""
    audience = ROW_OF[name_of(page)]
    if audience == "public":
        return HANDLER_REACHED, ""
    if not caller.known or caller.scope is not None:  # API keys cannot open pages
        next_page = f"?next={any_path(page).replace('/', '%2F')}" if page.method == "GET" else ""
        return 303, f"/login{next_page}"
    if audience == "admin":
        return (HANDLER_REACHED if caller.is_admin else 403), ""
    if audience == "reseller":
        return (HANDLER_REACHED if caller.has_account else 404), ""
    return HANDLER_REACHED, ""


def client_for(token: str | None) -> PageClient:
    client = PageClient(tenantry.app)
    if token is not None:
        client.cookies[SESSION] = token
    return client


def open_page(client: PageClient, page: PageRoute, path: str) -> PageResponse:
    """Open the page, or submit its form with a valid CSRF token."""
    if page.method == "GET":
        return client.get(path)
    return client.post(path, [("csrf_token", csrf.token_of(client.cookies.get(SESSION, "")))])


def test_every_page_is_listed() -> None:
    """Every route that the app serves, no matter how it was declared."""
    routed = {
        f"{method} {path}"
        for path, methods in tenantry.app.routes.items()
        for method in methods
        if method != "HEAD"
    }
    data = {f"{route.method} {route.path}" for route in ROUTES}
    assert routed - data - FILES == ROW_OF.keys()
    assert {name_of(page) for page in PAGES} == ROW_OF.keys()


@pytest.mark.parametrize("kind", CALLERS)
def test_every_page_admits_only_its_callers(kind: str, people: People, frozen: TestClock) -> None:
    caller = CALLERS[kind](CallerFactory(people, frozen))
    client = client_for(caller.token)
    wrong = {}
    with stub_handlers(PAGES, "show"):
        for page in PAGES:
            client.cookies = {SESSION: caller.token} if caller.token else {}
            shown = open_page(client, page, any_path(page))
            got = (shown.status, shown.headers.get("Location", ""))
            if got != expected_response(caller, page):
                wrong[name_of(page)] = f"{got}, not {expected_response(caller, page)}"
            elif shown.status != 303:
                assert shown.headers["Content-Type"] == "text/html; charset=utf-8"
    assert wrong == {}


@pytest.mark.parametrize("kind", ["nobody", "the reseller", "an admin's read key"])
def test_static_files_are_public(kind: str, people: People, frozen: TestClock) -> None:
    client = client_for(CALLERS[kind](CallerFactory(people, frozen)).token)
    assert client.get("/static/app.css").status == 200
    assert client.get("/static/..%2Frouting.py").status == 404


@pytest.fixture
def full_access(people: People, frozen: TestClock) -> str:
    """Return the session of an admin with a reseller account, who can open every page."""
    return str(CALLERS["an admin with an account"](CallerFactory(people, frozen)).token)


def _fill_path(path: str, ids: dict[str, str], world: World) -> str:
    if path.startswith("/account/api-keys/"):
        ids = ids | {"api-keys": world.admin_key()}
    return re.sub(r"([\w-]+)/\{\w+\}", lambda m: f"{m[1]}/{ids[m[1]]}", path)


def test_get_requests_change_nothing(world: World, stripe: StripeSimulator) -> None:
    """Tried for every route and page, as a caller with access.

    Reading a purchase with an open checkout settles it. This one is still open at Stripe too.
    """
    admin, own = world.people.admin.api, world.reseller.api
    requests = [example(world, route) for route in ROUTES if route.method == "GET"]
    run, tenant = world.reconciliation(), world.tenant()
    ids = {"reconciliation": run, "findings": world.finding(), "tenants": tenant}
    ids |= {"users": world.reseller.user_id, "resellers": str(world.reseller.reseller_id)}
    ids |= {"purchases": world.purchase(), "domains": world.domain(), "api-keys": world.key()}
    ids |= {"sessions": world.session(), "static": "app.css"}
    pages = [page for page in PAGES if page.method == "GET"]
    paths = [_fill_path(page.path, ids, world) for page in pages]
    for api in (admin, own):
        assert client_for(str(api.token)).get("/").status == 303
    rows = everything()
    found = {request.send().status for request in requests}
    assert found == {200}
    for path in paths:
        statuses = {client_for(str(api.token)).get(path).status for api in (admin, own)}
        assert statuses & {200, 303, 422}, path  # 422: an unpaid purchase has no refund
        assert everything() == rows, path


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_forms_of_other_sites_are_refused(full_access: str, site: str) -> None:
    client = client_for(full_access)
    with stub_handlers(PAGES, "show"):
        assert {open_page(client, page, any_path(page)).status for page in FORMS} == {
            HANDLER_REACHED
        }
        client.headers["Sec-Fetch-Site"] = site
        through = [p.path for p in FORMS if open_page(client, p, any_path(p)).status != 403]
    assert through == []


@pytest.mark.parametrize("sent", [{}, {"csrf_token": ""}, {"csrf_token": "0" * 64}])
def test_forms_without_their_sessions_csrf_token_are_refused(
    full_access: str, sent: dict[str, str]
) -> None:
    client, fields = client_for(full_access), [("a", "b"), *sent.items()]
    with stub_handlers(PAGES, "show"):
        through = [p.path for p in FORMS if client.post(any_path(p), fields).status != 403]
    assert through == []


# Pages whose path names something that belongs to one person.
PERSONAL = ROWS["reseller"] | ROWS["signed in"] | with_actions("/account", *KEY_ACTIONS)
OWNED_PAGES = [page for page in PAGES if "{" in page.path and name_of(page) in PERSONAL]


@pytest.mark.parametrize("page", OWNED_PAGES, ids=name_of)
def test_another_persons_page_looks_like_a_missing_one(world: World, page: PageRoute) -> None:
    """The responses differ only in request ID and path, and nothing is written."""
    is_admins = ROW_OF[name_of(page)] == "admin"
    person = world.people.admin if is_admins else world.people.reseller(licenses=3)
    other = str(person.api.token)
    assert client_for(other).get("/").status == 303  # records the use of the session
    theirs = page_path(world, page.path)
    nowhere = re.sub(r"(_01)\w{20}\w*", r"\g<1>JD0000000000000000000000", theirs)
    nowhere = re.sub(r"/app\d+\.", "/nowhere.", nowhere)
    assert nowhere != theirs
    rows = everything()
    foreign, absent = (
        _without_echo(open_page(client_for(other), page, path), path) for path in (theirs, nowhere)
    )
    assert foreign == absent
    assert everything() == rows
    status, headers, _ = foreign
    # A GET of an action leads back to its page before anything is read.
    leads_back = page.method == "GET" and status == 303 and headers["Location"]
    assert status == 404 or leads_back


def _without_echo(shown: PageResponse, path: str) -> tuple[int, dict[str, str], str]:
    headers = {k: v.replace(path, "PATH") for k, v in shown.headers.items()}
    request_id = headers.pop("X-Request-Id")
    return shown.status, headers, shown.text.replace(request_id, "REQUEST").replace(path, "PATH")
