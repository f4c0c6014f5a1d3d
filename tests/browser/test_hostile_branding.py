"""Hostile branding in a real browser: whatever got into a row, was typed, or was kept, no
script of it runs, nothing is asked of another machine, and no style gets out of its place."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import APIRequestContext, Dialog, Page, Route

from infra.local.demo import PASSWORD
from tests.browser.conftest import Open, Town, Window
from tests.support.hostile_values import NEUTRALIZED, REFUSED, SCRIPT

pytestmark = pytest.mark.browser

EMAIL = "hostile@example.com"
MINE = "/v1/resellers/me/branding"
LOGIN = "/login?reseller=hostile&tenant=prey"
PREVIEW = "/reseller/branding"
# Whatever a page of ours has none of, and could only have of a value that got out.
FOREIGN = """() => {
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
ADMIN_LOOKS_EVERY = 8
FILL = """([values, tell]) => {
  for (const [name, value] of Object.entries(values)) {
    const input = document.getElementsByName(name)[0];
    input.value = value;
    if (tell) input.dispatchEvent(new Event("input", { bubbles: true }));
  }
}"""
SEND = "document.querySelector('form[data-brand-form]').submit()"  # asks no field what it holds


def rounds(values: dict[str, tuple[str, ...]]) -> Iterator[dict[str, str]]:
    """Documents that between them hold every value of every field."""
    for number in range(max(map(len, values.values()))):
        document = {name: each[number % len(each)] for name, each in values.items()}
        yield {name: value for name, value in document.items() if "\ud83d" not in value}


@dataclass
class Prey:
    """A window in which nothing may happen. What it asks of other machines is answered here."""

    window: Window
    town: Town
    dialogs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("dialog", self._asks)
        self.page.route(lambda url: not url.startswith(self.town.url), self._elsewhere)

    @property
    def page(self) -> Page:
        return self.window.page

    def _asks(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _elsewhere(self, route: Route) -> None:
        route.fulfill(body=PICTURE, content_type="image/svg+xml")

    def open(self, path: str) -> None:
        self.page.goto(path)
        assert self.unharmed(path) == set()

    def unharmed(self, path: str) -> set[str]:
        """The addresses on other machines that it asked for since the last time; whether they
        were there is no matter."""
        assert self.page.evaluate(FOREIGN) == []
        assert self.page.url == self.town.url + path
        said, begins = self.window.watch.complaints, "asked elsewhere: "
        found = {each.removeprefix(begins) for each in said if each.startswith(begins)}
        said[:] = [each for each in said if not each.startswith((begins, NOT_LOADED))]
        assert said + self.dialogs == []
        return found


@dataclass(frozen=True)
class Hunt:
    """A reseller that is branded like this, its tenant, and the platform above it."""

    api: APIRequestContext
    town: Town
    admin: str
    reseller: str
    ids: dict[str, str]

    def call(self, method: str, path: str, body: Any, who: str | None = None) -> Any:
        headers = {"Authorization": f"Bearer {who}"} if who else {}
        headers["Content-Type"] = "application/json"
        reply = self.api.fetch(
            self.town.url + path, method=method, data=json.dumps(body), headers=headers
        )
        assert reply.ok, reply.text()
        return reply.json()

    def by_hand(self, document: dict[str, str]) -> None:
        """Into the rows of all three levels, as in the AWS console."""
        damage = {"kind": "branding", "document": document, **self.ids}
        self.call("POST", "/local/damage", damage)


@pytest.fixture(scope="module")
def hunt(town: Town, chromium: Any) -> Iterator[Hunt]:
    context = chromium.new_context()
    start = Hunt(context.request, town, "", "", {})

    def token(email: str) -> str:
        return str(start.call("POST", "/v1/login", {"email": email, "password": PASSWORD})["token"])

    admin = token(town.email("admin"))
    person = {"email": EMAIL, "name": "Prey", "password": PASSWORD}
    user = start.call("POST", "/v1/users", person, admin)["id"]
    account = {"user_id": user, "company_name": "Hostile", "slug": "hostile", "license_count": 1}
    reseller_id = start.call("POST", "/v1/resellers", account, admin)["id"]
    reseller = token(EMAIL)
    tenant = {"name": "Prey", "slug": "prey"}
    tenant_id = start.call("POST", "/v1/resellers/me/tenants", tenant, reseller)["id"]
    # So that there is a row of settings to be damaged.
    before = start.call("PATCH", "/v1/settings", {"low_license_threshold": 4}, admin)
    ids = {"reseller_id": reseller_id, "tenant_id": tenant_id}
    made = Hunt(context.request, town, admin, reseller, ids)
    yield made
    made.by_hand({})
    start.call("PATCH", "/v1/settings", {"low_license_threshold": 3}, admin)
    assert before["branding_config"] == {}
    context.close()


def test_what_got_into_rows_by_hand_hurts_nobody(hunt: Hunt, town: Town, open_window: Open) -> None:
    """As if it were not there: on the login page, in the preview, for the admin."""
    nobody, reseller, admin = (Prey(open_window(who), town) for who in (None, "hostile", "admin"))
    for number, document in enumerate(rounds(REFUSED)):
        hunt.by_hand({**document, "onload": SCRIPT, SCRIPT: SCRIPT})
        nobody.open(LOGIN)
        assert nobody.page.title() == "Sign in · Tenantry"
        reseller.open(PREVIEW)
        if number % ADMIN_LOOKS_EVERY == 0:
            admin.open("/admin/settings/branding")
            admin.open(f"/admin/resellers/{hunt.ids['reseller_id']}")
    hunt.by_hand({})


def test_what_is_typed_hurts_nobody_in_the_live_preview(
    hunt: Hunt, town: Town, open_window: Open
) -> None:
    """It shows a picture that its own author has just typed, and asks for nothing else."""
    prey = Prey(open_window("hostile"), town)
    prey.open(PREVIEW)
    for document in rounds(REFUSED):
        prey.page.evaluate(FILL, [document, True])
        assert all(address.startswith("https://") for address in prey.unharmed(PREVIEW))


def test_what_is_sent_is_refused_and_hurts_nobody(
    hunt: Hunt, town: Town, open_window: Open
) -> None:
    """On the page that shows it again, beside what is wrong with it."""
    prey = Prey(open_window("hostile"), town)
    prey.open(PREVIEW)
    for document in rounds(REFUSED):
        prey.page.evaluate(FILL, [document, False])
        with prey.page.expect_navigation() as sent:
            prey.page.evaluate(SEND)
        assert sent.value.status == 422
        assert prey.unharmed(PREVIEW) == set()
    assert hunt.call("PATCH", MINE, {}, hunt.reseller)["own"] == {}


def test_what_is_kept_is_shown_as_it_was_kept(hunt: Hunt, town: Town, open_window: Open) -> None:
    """Of other machines just the pictures are asked for, at just the addresses that are kept."""
    nobody, reseller, admin = (Prey(open_window(who), town) for who in (None, "hostile", "admin"))
    for document in rounds({name: tuple(values) for name, values in NEUTRALIZED.items()}):
        kept = hunt.call("PUT", MINE, document, hunt.reseller)["own"]
        pictures = {kept[name].partition("#")[0] for name in ("logo_url", "login_background_url")}
        for prey, path in ((nobody, LOGIN), (reseller, PREVIEW)):
            prey.page.goto(path)
            assert prey.unharmed(path) == pictures
        assert nobody.page.title() == f"Sign in · {kept['product_name']}"
    admin.open("/admin/audit")
    hunt.call("PUT", MINE, {}, hunt.reseller)
