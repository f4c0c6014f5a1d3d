"""Check in a real browser that hostile branding is harmless.

A hostile value can be written to a row, typed into a form, or accepted by the service. In each
case, its scripts don't run, and its styles affect only the brand's properties. The only requests to
other hosts are for images, over https.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import APIRequestContext, Dialog, Page, Route

from infra.local.demo import PASSWORD
from tests.browser.conftest import DemoService, Open, Window
from tests.browser.page_monitor import FOREIGN_REQUEST
from tests.support.hostile_values import NEUTRALIZED, REFUSED, SCRIPT

pytestmark = pytest.mark.browser

EMAIL = "hostile@example.com"
BRANDING = "/v1/resellers/me/branding"
LOGIN = "/login?reseller=hostile&tenant=target"
PREVIEW = "/reseller/branding"
# Finds elements, attributes, and rules that our pages never contain, so a value injected them.
INJECTED = """() => {
  const wrong = [...document.querySelectorAll(
    "style, iframe, object, embed, base, [style], script:not([src^='/static/app.js'])")];
  for (const element of document.querySelectorAll("*")) {
    if ([...element.attributes].some(({ name }) => name.startsWith("on"))) wrong.push(element);
    const address = element.getAttribute("href") || element.getAttribute("src") || "";
    if (/^\\s*(javascript|data|vbscript|blob|file|http):/i.test(address)) wrong.push(element);
  }
  for (const sheet of document.styleSheets) {
    if (!sheet.href.includes("/brand.css")) continue;
    const [only, ...others] = sheet.cssRules;
    const escaped = [...only.style].filter((name) => !name.startsWith("--brand-"));
    if (only.selectorText !== ":root" || others.length || escaped.length)
      wrong.push(sheet.ownerNode);
  }
  return [...wrong.map((element) => element.outerHTML.slice(0, 200)),
          ...(window.hurt === undefined ? [] : ["a script ran"])];
}"""
PICTURE = "<svg xmlns='http://www.w3.org/2000/svg'/>"
NOT_LOADED = "console: Failed to load resource: net::"
CHECK_ADMIN_EVERY = 8
FILL = """([values, notify]) => {
  for (const [name, value] of Object.entries(values)) {
    const input = document.getElementsByName(name)[0];
    input.value = value;
    if (notify) input.dispatchEvent(new Event("input", { bubbles: true }));
  }
}"""
SEND = "document.querySelector('form[data-brand-form]').submit()"  # skips the browser's validation


def documents(values: dict[str, tuple[str, ...]]) -> Iterator[dict[str, str]]:
    """Yield documents that together contain every value for every field."""
    for number in range(max(map(len, values.values()))):
        document = {name: each[number % len(each)] for name, each in values.items()}
        yield {name: value for name, value in document.items() if "\ud83d" not in value}


@dataclass
class GuardedWindow:
    """A window that detects injected content and intercepts requests to other hosts."""

    window: Window
    service: DemoService
    dialogs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("dialog", self._on_dialog)
        self.page.route(lambda url: not url.startswith(self.service.url), self._intercept)

    @property
    def page(self) -> Page:
        return self.window.page

    def _on_dialog(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _intercept(self, route: Route) -> None:
        route.fulfill(body=PICTURE, content_type="image/svg+xml")

    def open(self, path: str) -> None:
        self.page.goto(path)
        assert self.assert_unharmed(path) == set()

    def assert_unharmed(self, path: str) -> set[str]:
        """Assert that nothing was injected. Return the foreign URLs requested since the last call.

        Errors from images that fail to load are ignored.
        """
        assert self.page.evaluate(INJECTED) == []
        assert self.page.url == self.service.url + path
        problems = self.window.monitor.problems
        foreign = {
            problem.removeprefix(FOREIGN_REQUEST)
            for problem in problems
            if problem.startswith(FOREIGN_REQUEST)
        }
        problems[:] = [
            problem for problem in problems if not problem.startswith((FOREIGN_REQUEST, NOT_LOADED))
        ]
        assert problems + self.dialogs == []
        return foreign


@dataclass(frozen=True)
class HostileAccount:
    """A reseller with hostile branding, its tenant, and the tokens of the reseller and an admin."""

    api: APIRequestContext
    service: DemoService
    admin: str
    reseller: str
    ids: dict[str, str]

    def call(self, method: str, path: str, body: Any, token: str | None = None) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers["Content-Type"] = "application/json"
        reply = self.api.fetch(
            self.service.url + path, method=method, data=json.dumps(body), headers=headers
        )
        assert reply.ok, reply.text()
        return reply.json()

    def write_branding(self, document: dict[str, str]) -> None:
        """Write a document directly to the platform's, reseller's, and tenant's rows."""
        damage = {"kind": "branding", "document": document, **self.ids}
        self.call("POST", "/local/damage", damage)


@pytest.fixture(scope="module")
def hostile(service: DemoService, chromium: Any) -> Iterator[HostileAccount]:
    context = chromium.new_context()
    client = HostileAccount(context.request, service, "", "", {})

    def token(email: str) -> str:
        login = {"email": email, "password": PASSWORD}
        return str(client.call("POST", "/v1/login", login)["token"])

    admin = token(service.email("admin"))
    person = {"email": EMAIL, "name": "Hostile", "password": PASSWORD}
    user = client.call("POST", "/v1/users", person, admin)["id"]
    account = {"user_id": user, "company_name": "Hostile", "slug": "hostile", "license_count": 1}
    reseller_id = client.call("POST", "/v1/resellers", account, admin)["id"]
    reseller = token(EMAIL)
    tenant = {"name": "Target", "slug": "target"}
    tenant_id = client.call("POST", "/v1/resellers/me/tenants", tenant, reseller)["id"]
    # Make a change first, because the settings row does not exist before that.
    before = client.call("PATCH", "/v1/settings", {"low_license_threshold": 4}, admin)
    ids = {"reseller_id": reseller_id, "tenant_id": tenant_id}
    created = HostileAccount(context.request, service, admin, reseller, ids)
    yield created
    created.write_branding({})
    client.call("PATCH", "/v1/settings", {"low_license_threshold": 3}, admin)
    assert before["branding_config"] == {}
    context.close()


def test_hostile_values_in_rows_are_ignored(
    hostile: HostileAccount, service: DemoService, open_window: Open
) -> None:
    """The login page, the reseller's preview, and the admin pages ignore them."""
    signed_out, reseller, admin = (
        GuardedWindow(open_window(account), service) for account in (None, "hostile", "admin")
    )
    for number, document in enumerate(documents(REFUSED)):
        hostile.write_branding({**document, "onload": SCRIPT, SCRIPT: SCRIPT})
        signed_out.open(LOGIN)
        assert signed_out.page.title() == "Sign in · Tenantry"
        reseller.open(PREVIEW)
        if number % CHECK_ADMIN_EVERY == 0:
            admin.open("/admin/settings/branding")
            admin.open(f"/admin/resellers/{hostile.ids['reseller_id']}")
    hostile.write_branding({})


def test_hostile_values_typed_into_the_live_preview_are_harmless(
    hostile: HostileAccount, service: DemoService, open_window: Open
) -> None:
    """The preview loads only images that its own user has typed, and only over https."""
    window = GuardedWindow(open_window("hostile"), service)
    window.open(PREVIEW)
    for document in documents(REFUSED):
        window.page.evaluate(FILL, [document, True])
        assert all(address.startswith("https://") for address in window.assert_unharmed(PREVIEW))


def test_submitted_hostile_values_are_rejected_and_shown_safely(
    hostile: HostileAccount, service: DemoService, open_window: Open
) -> None:
    """The form is rendered again with the submitted values and the error messages."""
    window = GuardedWindow(open_window("hostile"), service)
    window.open(PREVIEW)
    for document in documents(REFUSED):
        window.page.evaluate(FILL, [document, False])
        with window.page.expect_navigation() as navigation:
            window.page.evaluate(SEND)
        assert navigation.value.status == 422
        assert window.assert_unharmed(PREVIEW) == set()
    assert hostile.call("PATCH", BRANDING, {}, hostile.reseller)["own"] == {}


def test_neutralized_values_are_shown_as_stored(
    hostile: HostileAccount, service: DemoService, open_window: Open
) -> None:
    """The only requests to other hosts are for the images, at exactly the stored URLs."""
    signed_out, reseller, admin = (
        GuardedWindow(open_window(account), service) for account in (None, "hostile", "admin")
    )
    for document in documents({name: tuple(values) for name, values in NEUTRALIZED.items()}):
        stored = hostile.call("PUT", BRANDING, document, hostile.reseller)["own"]
        pictures = {stored[name].partition("#")[0] for name in ("logo_url", "login_background_url")}
        for window, path in ((signed_out, LOGIN), (reseller, PREVIEW)):
            window.page.goto(path)
            assert window.assert_unharmed(path) == pictures
        assert signed_out.page.title() == f"Sign in · {stored['product_name']}"
    admin.open("/admin/audit")
    hostile.call("PUT", BRANDING, {}, hostile.reseller)
