"""A valid example request for every page and every form action, taken from the pages themselves.

A new page or action needs an entry in this module only if it requires a new field (in
tests/support/examples.py) or a precondition.
"""

from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urlsplit

from app import app
from chalicelib.api.declarations import Audience
from chalicelib.storage.resellers import Reseller
from chalicelib.web.shell.routing import PageRoute
from infra.local import table_edits
from tests.support.examples import FIELD_FACTORIES, ID_FACTORIES, PRECONDITIONS, World
from tests.support.page_client import PageClient, PageResponse
from tests.support.people import PASSWORD, Person

SESSION = "__Host-session"
# The query that opens a page's form, if the page doesn't show it at once.
QUERIES = ("", "?create=1", "?edit=1", "?compare=1", "?licenses=1&reason=Because")
# The page that has the form, if it is not the one that the form is posted to.
FORM_PAGES = {"/logout": "/reseller"}
# Pages that are used before signing in.
PUBLIC_FORMS = {"/login", "/password"}
# The API's word for a page's.
NOUNS = {"reconciliation": "reconciliations"}
# The parameters that a page needs.
PARAMETERS = {"/admin/purchases/{id}/refund": "?licenses=1&reason=Because"}
# More preconditions, by the name of the action or else the last segment of the path.
STATES: dict[str, Callable[[World], str]] = {
    "restore": PRECONDITIONS["restore"],
    "accept": PRECONDITIONS["accept"],
    "refund": PRECONDITIONS["refunds"],
    "reactivate": lambda world: _deactivated(world),
    "decide-several": lambda world: _two_findings(world),
}
# Values for fields that a page has and the API doesn't, or that mean something else here.
VALUES: dict[str, Callable[[World], str]] = {
    "repeat_password": lambda world: "a fine new passphrase",
    "user_email": lambda world: world.people.user().email,
    "license_count": lambda world: "3",
}


# Checkboxes of which one has to be ticked.
TICKED = {"scopes"}


def _two_findings(world: World) -> str:
    other = Reseller(str(world.people.reseller(licenses=3).reseller_id))
    table_edits.edit(other, license_count=900)
    return world.reconciliation()


def _deactivated(world: World) -> str:
    tenant_id = world.tenant()
    path = f"/v1/resellers/me/tenants/{tenant_id}/deactivate"
    assert world.reseller.api.post(path).status == 200
    return tenant_id


@dataclass(frozen=True)
class PageExample:
    """A request for a page. `fields` are the form's, for an action."""

    page: PageRoute
    address: str
    token: str | None
    fields: list[tuple[str, str]] | None = None

    def send(self) -> PageResponse:
        client = PageClient(app)
        if self.token:
            client.cookies[SESSION] = self.token
        if self.fields is None:
            return client.get(self.address)
        return client.post(self.address, self.fields)


class _Form(HTMLParser):
    """The form that posts to an address, as a person fills it in: with everything required."""

    def __init__(self, action: str, value_of: Callable[[str], str]) -> None:
        super().__init__()
        self._action = action
        self._value_of = value_of
        self._is_open = False
        self._select: list[tuple[str, str]] = []
        self.fields: list[tuple[str, str]] = []
        self.found = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            posts_there = given.get("action", "").endswith(self._action)
            self._is_open = not self.found and posts_there and given.get("method") == "post"
            self.found |= self._is_open
        if not self._is_open or "disabled" in given:
            return
        name = given.get("name", "")
        match tag:
            case "input" if name:
                self._input(name, given)
            case "textarea":
                self.fields.append((name, self._value_of(name) if "required" in given else ""))
            case "button" if name:
                self.fields.append((name, given.get("value", "")))
            case "select":
                self._select = [(name, "")]
            case "option" if self._select:
                if "selected" in given or len(self._select) == 1:
                    self._select[1:] = [(self._select[0][0], given.get("value", ""))]

    def _input(self, name: str, given: dict[str, str]) -> None:
        kind, value = given.get("type", "text"), given.get("value", "")
        if kind in ("checkbox", "radio"):
            is_first = name not in dict(self.fields)
            is_needed = name in TICKED or (kind == "radio" and "required" in given)
            if "checked" in given or (is_needed and is_first):
                self.fields = [
                    entry for entry in self.fields if kind != "radio" or entry[0] != name
                ]
                self.fields.append((name, value))
        elif not value and "required" in given:
            self.fields.append((name, self._value_of(name)))
        else:
            self.fields.append((name, value))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_open = False
        elif tag == "select":
            self.fields += self._select[1:]
            self._select = []


def page_example(world: World, page: PageRoute) -> PageExample:
    person = _person(world, page)
    token = None if page.resource in PUBLIC_FORMS else str(person.api.token)
    _another_session(person)  # to revoke
    address = _address(world, page, person)
    if page.method == "GET":
        return PageExample(page, address + PARAMETERS.get(page.path, ""), token)
    return PageExample(page, address, token, _fields(world, page, address, token))


def _person(world: World, page: PageRoute) -> Person:
    """Return who opens the page. A reseller's account is at another address than an admin's."""
    is_admins = page.audience is Audience.ADMIN or page.resource.startswith("/account")
    return world.people.admin if is_admins else world.reseller


def _another_session(person: Person) -> str:
    login = {"email": person.email, "password": PASSWORD}
    token: str = person.api.post("/v1/login", login).json["token"]
    return token.partition(".")[0]


def _address(world: World, page: PageRoute, person: Person) -> str:
    parts = page.resource.split("/")
    action = page.action or parts[-1]
    tenant_id: str | None = None
    for place, part in enumerate(parts):
        noun = parts[place - 1]
        if part == "{reseller}":
            parts[place] = str(world.reseller.reseller_id)
        elif part == "{host}":
            parts[place] = world.domain(tenant_id)
        elif noun == "api-keys" and person is world.people.admin:
            parts[place] = world.admin_key()
        elif part.startswith("{"):
            make = STATES.get(action) or ID_FACTORIES[NOUNS.get(noun, noun)]
            parts[place] = make(world)
            tenant_id = parts[place] if noun == "tenants" else tenant_id
    query = urlsplit(page.path).query
    if "{finding}" in query:
        query = query.replace("{finding}", world.finding())
    if "{id}" in query:
        query = query.replace("{id}", _another_session(person))
    if "{host}" in query:
        query = query.replace("{host}", world.domain(tenant_id))
    return "/".join(parts) + (f"?{query}" if query else "")


def _fields(
    world: World, page: PageRoute, address: str, token: str | None
) -> list[tuple[str, str]]:
    values = {"email": world.reseller.email, "password": PASSWORD} if page.path == "/login" else {}

    def value_of(name: str) -> str:
        make = VALUES.get(name) or FIELD_FACTORIES[name]
        return values.get(name) or str(make(world))

    resource = address.partition("?")[0]
    for query in QUERIES:
        client = PageClient(app)
        if token:
            client.cookies[SESSION] = token
        shown = client.get(FORM_PAGES.get(resource, resource) + query)
        form = _Form(address, value_of)
        form.feed(shown.text)
        if form.found:
            return form.fields
    raise AssertionError(f"No page shows the form of {page.path}. Add it to FORM_PAGES or QUERIES.")
