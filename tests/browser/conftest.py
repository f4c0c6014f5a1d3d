"""Fixtures for browser tests: Chromium, and the service as a process with demo accounts."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from infra.local.demo import ADMIN_EMAIL, PASSWORD, RESELLER_EMAIL
from tests.browser.page_monitor import PageMonitor
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
TIMEOUT_MS = 20_000
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


@dataclass(frozen=True, slots=True)
class DemoService:
    """The running service. `ids` holds the IDs of its demo data by name."""

    url: str
    ids: dict[str, str]

    def path(self, template: str) -> str:
        return template.format_map(self.ids)

    @staticmethod
    def email(account: str) -> str:
        return {"admin": ADMIN_EMAIL, "demo": RESELLER_EMAIL}.get(account, f"{account}@example.com")


@pytest.fixture(scope="session")
def service() -> Iterator[DemoService]:
    """Run the service for the whole test session. Assert that it logged no errors."""
    process = start_service(0, "tests.browser.serve")
    assert process.stdout is not None
    assert process.stderr is not None
    ready = next((line for line in process.stdout if line.startswith('{"url"')), None)
    if ready is None:
        raise AssertionError(process.stderr.read())
    output: list[str] = []
    threads = [
        Thread(target=lambda pipe=pipe: output.extend(pipe), daemon=True)
        for pipe in (process.stdout, process.stderr)
    ]
    for thread in threads:
        thread.start()
    yield DemoService(**json.loads(ready))
    assert process.stdin is not None
    process.stdin.close()
    process.wait(timeout=30)
    for thread in threads:
        thread.join(timeout=10)
    process.stdout.close()
    process.stderr.close()
    has_errors = any("ERROR" in line or "Traceback" in line for line in output)
    assert not has_errors, "".join(output)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    installed = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert installed is not None, f"Install one of {', '.join(BROWSERS)}."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed, args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Window:
    """One user's browser window, and the monitor for its page."""

    page: Page
    monitor: PageMonitor


Open = Callable[..., Window]


@pytest.fixture(scope="session")
def signed_in(chromium: Browser, service: DemoService) -> Callable[[str], Any]:
    """Return a function that gets an account's cookies. Each account signs in only once."""
    states: dict[str, Any] = {}

    def state_of(account: str) -> Any:
        if account not in states:
            context = chromium.new_context(base_url=service.url)
            page = context.new_page()
            sign_in(page, service.email(account))
            states[account] = context.storage_state()
            context.close()
        return states[account]

    return state_of


def sign_in(page: Page, email: str) -> None:
    page.goto("/login")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/login" not in url)


@pytest.fixture
def open_window(
    chromium: Browser, service: DemoService, signed_in: Callable[[str], Any]
) -> Iterator[Open]:
    """Return a function that opens a window signed in to a demo account, or signed out."""
    contexts: list[BrowserContext] = []

    def open_one(account: str | None = None, *, script: bool = True, **options: Any) -> Window:
        context = chromium.new_context(
            base_url=service.url,
            java_script_enabled=script,
            viewport=options.pop("viewport", DESKTOP),
            storage_state=signed_in(account) if account else None,
            reduced_motion="reduce",
            **options,
        )
        context.set_default_timeout(TIMEOUT_MS)
        contexts.append(context)
        page = context.new_page()
        return Window(page, PageMonitor(page, service.url))

    yield open_one
    for context in contexts:
        context.close()
