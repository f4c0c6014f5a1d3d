"""Each page, in a real browser: sound, light, within its policy; and a picture to look at."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.axe import violations
from tests.browser.conftest import PHONE, Open, Town
from tests.browser.pages import PAGES, LookedAt

pytestmark = pytest.mark.browser

SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
HEAVIEST = 100_000


@pytest.mark.parametrize("looked_at", PAGES, ids=lambda page: page.name)
def test_page(looked_at: LookedAt, town: Town, open_window: Open) -> None:
    window = open_window(looked_at.who, color_scheme="light")
    page = window.page
    response = page.goto(town.path(looked_at.path))
    assert response is not None
    assert response.status == looked_at.status
    page.wait_for_load_state("networkidle")
    assert window.watch.weight() < HEAVIEST
    if looked_at.unfolded:
        page.locator("main details").evaluate_all("all => all.forEach(one => { one.open = true; })")

    objections = [f"light: {found}" for found in violations(page)]
    picture(page, f"{looked_at.name}-1440")
    page.emulate_media(color_scheme="dark")
    objections += [f"dark: {found}" for found in violations(page)]
    picture(page, f"{looked_at.name}-1440-dark")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    objections += [f"phone: {found}" for found in violations(page)]
    picture(page, f"{looked_at.name}-390")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert objections == []
    assert window.watch.complaints == []


def picture(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True, animations="disabled")
