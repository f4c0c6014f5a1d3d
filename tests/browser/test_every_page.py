"""Open every page in a real browser: check accessibility, size, and CSP, and take screenshots."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.axe import violations
from tests.browser.conftest import PHONE, DemoService, Open
from tests.browser.pages import PAGES, PageCase

pytestmark = pytest.mark.browser

SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
MAX_BYTES = 100_000


@pytest.mark.parametrize("case", PAGES, ids=lambda page: page.name)
def test_page(case: PageCase, service: DemoService, open_window: Open) -> None:
    window = open_window(case.account, color_scheme="light")
    page = window.page
    response = page.goto(service.path(case.path))
    assert response is not None
    assert response.status == case.status
    page.wait_for_load_state("networkidle")
    assert window.monitor.weight() < MAX_BYTES
    if case.expand_details:
        page.locator("main details").evaluate_all("all => all.forEach(one => { one.open = true; })")

    found = [f"light: {violation}" for violation in violations(page)]
    take_screenshot(page, f"{case.name}-1440")
    page.emulate_media(color_scheme="dark")
    found += [f"dark: {violation}" for violation in violations(page)]
    take_screenshot(page, f"{case.name}-1440-dark")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    found += [f"phone: {violation}" for violation in violations(page)]
    take_screenshot(page, f"{case.name}-390")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert found == []
    assert window.monitor.problems == []


def take_screenshot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True, animations="disabled")
