"""Access to every page by every kind of caller, and forms sent from other sites.

The tests fail for a new page until it is listed in ROWS. JSON routes are in test_access_matrix.py.
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
from tests.support.tables import comparable_rows

ANY = "/admin/resellers/{reseller}"
OWN_BRANDING, TENANT = "/reseller/branding", "/reseller/tenants/{id}"
FILES = {"GET /static/{name}"}
SESSION = "__Host-session"


def with_form(base: str, *paths: str) -> set[str]:
    """Return the routes for pages whose forms post to the page's own address."""
    return {f"{method} {base}{path}" for path in paths for method in ("GET", "POST")}


def actions(base: str, *names: str) -> set[str]:
    return {f"POST {base}?action={name}" for name in names}


def account_actions(base: str) -> set[str]:
    return actions(base, "profile", "password", "revoke-session&id={id}", "revoke-other-sessions")


def key_actions(base: str) -> set[str]:
    return actions(base, "create-key") | with_form(base, "/api-keys/{id}/revoke")


def tenant_actions(base: str) -> set[str]:
    own = {f"GET {base}/delete", *with_form(base, "")}
    return own | actions(base, "delete", "deactivate", "reactivate", "restore")


def branding_actions(base: str) -> set[str]:
    domains = actions(base, "add-domain", "verify-domain&host={host}")
    return domains | with_form(base, "", "/domains/{host}/remove")


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
    "signed in": {"POST /logout", "GET /account", *account_actions("/account")},
    # These pages always show the caller's own account, because the path does not name one.
    "reseller": {
        "GET /reseller",
        "GET /reseller/licenses",
        "POST /reseller/licenses",
        "GET /reseller/licenses/return",
        "GET /reseller/purchases/{id}",
        "GET /reseller/statement",
        *with_form("/reseller", "/tenants"),
        *branding_actions(OWN_BRANDING),
        *tenant_actions(TENANT),
        *branding_actions(f"{TENANT}/branding"),
        "GET /reseller/settings",
        *account_actions("/reseller/settings"),
        *key_actions("/reseller/settings"),
    },
    "admin": {
        "GET /admin",
        "GET /admin/audit",
        *with_form("/admin", "/users", "/users/{id}"),
        "GET /admin/users/suggest",
        *actions("/admin/users/{id}", "password-link", "sign-out"),
        *with_form("/admin", "/resellers", "/resellers/{reseller}"),
        *actions(ANY, "allocate", "sync"),
        "GET /admin/resellers/{reseller}/statement",
        "GET /admin/resellers/{reseller}/tenants",
        *tenant_actions(f"{ANY}/tenants/{{id}}"),
        *branding_actions(f"{ANY}/branding"),
        *branding_actions(f"{ANY}/tenants/{{id}}/branding"),
        "GET /admin/purchases",
        "GET /admin/purchases/{id}",
        *actions("/admin/purchases/{id}", "settle", "accept"),
        *with_form("/admin", "/purchases/{id}/refund"),
        *with_form("/admin", "/reconciliation"),
        "GET /admin/reconciliation/{id}",
        *actions("/admin/reconciliation/{id}", "decide&finding={finding}", "decide-several"),
        "GET /admin/settings",
        *actions("/admin/settings", "prices", "rules"),
        *with_form("/admin", "/settings/branding"),
        *key_actions("/account"),  # admins' own keys
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
    """ROWS lists every route that the app serves, no matter how the route was declared."""
    routed = {
        f"{method} {path}"
        for path, methods in tenantry.app.routes.items()
        for method in methods
        if method != "HEAD"
    }
    data = {f"{route.method} {route.path}" for route in ROUTES}
    assert routed - data - FILES == {name.partition("?")[0] for name in ROW_OF}
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
    """Return the session token of an admin with a reseller account, who can open every page."""
    return str(CALLERS["an admin with an account"](CallerFactory(people, frozen)).token)


def _fill_path(path: str, ids: dict[str, str], world: World) -> str:
    if path.startswith("/account/api-keys/"):
        ids = ids | {"api-keys": world.admin_key()}
    return re.sub(r"([\w-]+)/\{\w+\}", lambda m: f"{m[1]}/{ids[m[1]]}", path)


def test_get_requests_change_nothing(world: World, stripe: StripeSimulator) -> None:
    """Every route and page is requested by a caller with access.

    Reading a purchase with an open checkout settles the purchase. Here the checkout is also still
    open in Stripe, so settling changes nothing.
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
    rows = comparable_rows()
    found = {request.send().status for request in requests}
    assert found == {200}
    for path in paths:
        statuses = {client_for(str(api.token)).get(path).status for api in (admin, own)}
        assert statuses & {200, 303, 422}, path  # 422: an unpaid purchase cannot be refunded
        assert comparable_rows() == rows, path


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_forms_from_other_sites_are_refused(full_access: str, site: str) -> None:
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
PERSONAL = ROWS["reseller"] | ROWS["signed in"] | key_actions("/account")
OWNED_PAGES = [page for page in PAGES if "{" in page.path and name_of(page) in PERSONAL]


@pytest.mark.parametrize("page", OWNED_PAGES, ids=name_of)
def test_another_persons_page_looks_like_a_missing_page(world: World, page: PageRoute) -> None:
    """The responses differ only in their request IDs and paths, and nothing is written."""
    is_admins = ROW_OF[name_of(page)] == "admin"
    person = world.people.admin if is_admins else world.people.reseller(licenses=3)
    other = str(person.api.token)
    assert client_for(other).get("/").status == 303  # records that the session was used
    theirs = page_path(world, page.path)
    nowhere = re.sub(r"(_01)\w{20}\w*", r"\g<1>JD0000000000000000000000", theirs)
    nowhere = re.sub(r"\bapp\d+\.", "nowhere.", nowhere)
    assert nowhere != theirs
    rows = comparable_rows()
    foreign, absent = (
        _without_echo(open_page(client_for(other), page, path), path) for path in (theirs, nowhere)
    )
    assert foreign == absent
    assert comparable_rows() == rows
    assert foreign[0] == 404


def _without_echo(shown: PageResponse, path: str) -> tuple[int, dict[str, str], str]:
    headers = {k: v.replace(path, "PATH") for k, v in shown.headers.items()}
    request_id = headers.pop("X-Request-Id")
    return shown.status, headers, shown.text.replace(request_id, "REQUEST").replace(path, "PATH")


@pytest.mark.parametrize("query", ["", "?action=", "?action=nonsense", "?action=revoke-session"])
def test_an_unknown_or_incomplete_action_is_not_found(people: People, query: str) -> None:
    client = client_for(str(people.reseller().api.token))
    token = client.get("/reseller/settings").form("/logout").fields
    rows = comparable_rows()
    assert client.post(f"/reseller/settings{query}", token).status == 404
    assert comparable_rows() == rows
