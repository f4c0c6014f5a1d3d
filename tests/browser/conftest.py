"""Chromium in front of the service as a process, with the town's people in it."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from infra.local.demo import ADMIN_EMAIL, PASSWORD, RESELLER_EMAIL
from tests.browser.page_monitor import Watch
from tests.support.processes import start_service

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 20_000
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


@dataclass(frozen=True, slots=True)
class Town:
    """The running service, and what its people own."""

    url: str
    known: dict[str, str]

    def path(self, template: str) -> str:
        return template.format_map(self.known)

    @staticmethod
    def email(who: str) -> str:
        return {"admin": ADMIN_EMAIL, "demo": RESELLER_EMAIL}.get(who, f"{who}@example.com")


@pytest.fixture(scope="session")
def town() -> Iterator[Town]:
    """The service, until the last test; it must have logged no error by then."""
    process = start_service(0, "tests.browser.serve")
    assert process.stdout is not None
    assert process.stderr is not None
    told = next((line for line in process.stdout if line.startswith('{"url"')), None)
    if told is None:
        raise AssertionError(process.stderr.read())
    said: list[str] = []
    threads = [
        Thread(target=lambda pipe=pipe: said.extend(pipe), daemon=True)
        for pipe in (process.stdout, process.stderr)
    ]
    for thread in threads:
        thread.start()
    yield Town(**json.loads(told))
    assert process.stdin is not None
    process.stdin.close()
    process.wait(timeout=30)
    for thread in threads:
        thread.join(timeout=10)
    process.stdout.close()
    process.stderr.close()
    wrong = any("ERROR" in line or "Traceback" in line for line in said)
    assert not wrong, "".join(said)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    installed = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert installed is not None, f"needs one of {', '.join(BROWSERS)}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed, args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Window:
    """A browser window of one person, and what went wrong in it."""

    page: Page
    watch: Watch


Open = Callable[..., Window]


@pytest.fixture(scope="session")
def signed_in(chromium: Browser, town: Town) -> Callable[[str], Any]:
    """The cookies of a person, who signs in once for all tests."""
    states: dict[str, Any] = {}

    def state_of(who: str) -> Any:
        if who not in states:
            context = chromium.new_context(base_url=town.url)
            page = context.new_page()
            sign_in(page, town.email(who))
            states[who] = context.storage_state()
            context.close()
        return states[who]

    return state_of


def sign_in(page: Page, email: str) -> None:
    page.goto("/login")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/login" not in url)


@pytest.fixture
def open_window(chromium: Browser, town: Town, signed_in: Callable[[str], Any]) -> Iterator[Open]:
    """A window for a person of the town, or for nobody."""
    contexts: list[BrowserContext] = []

    def open_one(who: str | None = None, *, script: bool = True, **options: Any) -> Window:
        context = chromium.new_context(
            base_url=town.url,
            java_script_enabled=script,
            viewport=options.pop("viewport", WIDE),
            storage_state=signed_in(who) if who else None,
            reduced_motion="reduce",
            **options,
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        return Window(page, Watch(page, town.url))

    yield open_one
    for context in contexts:
        context.close()
