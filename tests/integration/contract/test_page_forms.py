"""Every form has the fields and the limits of the model that its action reads.

The forms are found on every page, in every state that shows one, so new forms join by themselves.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest
from pydantic import BaseModel

from app import app
from chalicelib.storage.resellers import Reseller
from chalicelib.web.shell.form_fields import CHECKBOX, CHECKBOXES, Control, FormFields
from chalicelib.web.shell.routing import PAGES, PageRoute
from infra.local import table_edits
from tests.support.examples import World, page_path
from tests.support.page_client import PageClient

SESSION = "__Host-session"
# Fields that the pages add to a form, for CSRF protection, idempotency, and conflicting edits.
TECHNICAL = {"csrf_token", "once", "version"}
# Buttons that choose what the submitted form is for.
COMMANDS = {"reset", "preview", "format"}
# The limits that a browser enforces.
LIMITS = ("type", "minlength", "maxlength", "min", "max", "step", "pattern", "required")


@dataclass
class ShownControl:
    name: str
    attributes: dict[str, str]

    @property
    def is_hidden(self) -> bool:
        return self.attributes.get("type") == "hidden"

    @property
    def is_button(self) -> bool:
        return self.attributes.get("type") == "submit"


@dataclass
class ShownForm:
    method: str
    address: str
    controls: list[ShownControl] = field(default_factory=list)

    def names(self) -> set[str]:
        return {control.name for control in self.controls} - TECHNICAL - COMMANDS


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[ShownForm] = []
        self._open: ShownForm | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = ShownForm(given.get("method", "get").upper(), given["action"])
            self.found.append(self._open)
        elif tag in ("input", "button", "select", "textarea") and given.get("name"):
            assert self._open is not None, f"{given['name']} is outside a form"
            self._open.controls.append(ShownControl(given["name"], given))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def forms_on(text: str) -> list[ShownForm]:
    parser = _Forms()
    parser.feed(text)
    return parser.found


def route_of(form: ShownForm) -> PageRoute:
    """Return the route that a form is sent to."""
    path, _, query = form.address.partition("?")
    action = dict(part.partition("=")[::2] for part in query.split("&")).get("action", "")
    for page in PAGES:
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(page.resource))
        if (page.method, page.action) == (form.method, action) and re.fullmatch(pattern, path):
            return page
    raise AssertionError(f"{form.method} {form.address} is no route")


def client_for(token: object) -> PageClient:
    client = PageClient(app)
    if token is not None:
        client.cookies[SESSION] = str(token)
    return client


def addresses(world: World) -> Iterator[str]:
    """Yield the address of every page, and of those that show a form in a certain state only."""
    reseller = str(world.reseller.reseller_id)
    world.domain()
    world.key()
    yield from (page_path(world, page.path) for page in PAGES if page.method == "GET")
    yield f"/password?token={world.password_link()}"
    yield f"/admin/purchases/{world.purchase(paid_wrong_amount=True)}"
    paid = world.purchase(paid=True)
    yield f"/admin/purchases/{paid}"
    yield f"/admin/purchases/{paid}/refund?licenses=1&reason=Because"
    yield "/login?next=/admin"
    tenants, tenant = "/v1/resellers/me/tenants", {"name": "Bakery", "slug": "soon-taken"}
    deleted = world.reseller.api.post(tenants, tenant).json["id"]
    assert world.reseller.api.delete(f"{tenants}/{deleted}").status == 204
    assert world.reseller.api.post(tenants, tenant).status == 201
    yield f"/reseller/tenants/{deleted}"
    yield f"/admin/resellers/{reseller}/tenants/{deleted}"
    yield from _reports(world)
    # Used licenses that don't match the tenants.
    yield f"/admin/resellers/{reseller}?compare=1"


def _reports(world: World) -> Iterator[str]:
    """Yield a report with several findings of a kind, some of which need a user or a reseller."""
    for name in ("One", "Two"):
        account = world.people.reseller(licenses=1)
        assert account.api.post("/v1/resellers/me/tenants", {"name": name}).status == 201
        table_edits.remove(Reseller(str(account.reseller_id)))
    table_edits.edit(Reseller(str(world.reseller.reseller_id)), license_used=99)
    run = world.people.admin.api.post("/v1/reconciliations", {}).json["id"]
    yield f"/admin/reconciliation/{run}"


_shown: list[ShownForm] = []


@pytest.fixture
def shown_forms(world: World) -> list[ShownForm]:
    """Open every page, once per process."""
    people = (world.people.admin.api.token, world.reseller.api.token, None)
    if not _shown:
        for address in addresses(world):
            for token in people:
                _shown.extend(forms_on(client_for(token).get(address).text))
    return _shown


def test_every_control_has_the_limits_of_its_models_field(shown_forms: list[ShownForm]) -> None:
    wrong = {}
    for form in shown_forms:
        route = route_of(form)
        for control in form.controls:
            problem = _problem(control, route)
            if problem:
                wrong[f"{route.method} {route.path}: {control.name}"] = problem
    assert wrong == {}


def _problem(shown: ShownControl, route: PageRoute) -> str | None:
    if shown.name in TECHNICAL:
        return None if shown.is_hidden else "is visible"
    if shown.is_button and shown.name in COMMANDS:
        return None
    known = [fields.controls[shown.name] for fields in route.forms if shown.name in fields.controls]
    if not known:
        return None if route.method == "GET" and not route.forms else "is no field of the model"
    if shown.is_hidden:
        return None
    if shown.is_button:
        value, options = shown.attributes["value"], known[0].options
        return None if not options or value in options else f"can't be {value}"
    expected = _expected(known[0])
    found = {name: shown.attributes[name] for name in LIMITS if name in shown.attributes}
    return None if found == expected else f"has {found}, not {expected}"


def _expected(control: Control) -> dict[str, str]:
    if control.type in (CHECKBOX, CHECKBOXES):
        return {"type": "checkbox"}
    limits = {name: str(value) for name, value in control.limits.items()}
    return {"type": control.type, **limits, **({"required": ""} if control.required else {})}


def test_every_field_of_a_form_is_asked_for(shown_forms: list[ShownForm]) -> None:
    """Each form that a route accepts is shown somewhere, with all of its fields."""
    missing = {}
    for page in PAGES:
        shown = [form for form in shown_forms if route_of(form) is page]
        for fields in page.forms:
            own = [form for form in shown if form.names() <= fields.controls.keys()]
            asked = set().union(*(form.names() for form in own))
            required = _required(fields)
            if asked != fields.controls.keys() or any(required - form.names() for form in own):
                missing[f"{page.method} {page.path}"] = fields.controls.keys() - asked
    assert missing == {}


def _required(fields: FormFields[BaseModel]) -> set[str]:
    infos = fields.model.model_fields.items()
    return {info.alias or name for name, info in infos if info.is_required()}
