"""No flash of the wrong brand: a login page paints nothing before its colors are loaded."""

import pytest
from playwright.sync_api import Route

from tests.browser.conftest import Open

pytestmark = pytest.mark.browser

PAINTS = "performance.getEntriesByType('paint').length"
PAINTED = """() => new Promise((resolve) => new PerformanceObserver((list) => {
  const sheets = performance.getEntriesByType("resource");
  const { responseEnd } = sheets.find(({ name }) => name.includes("/brand.css"));
  resolve({ since: list.getEntries()[0].startTime - responseEnd,
            brand: getComputedStyle(document.body).getPropertyValue("--primary") });
}).observe({ type: "paint", buffered: true }))"""


def test_the_first_paint_of_a_login_page_has_its_brand_colors(open_window: Open) -> None:
    """The colors are right even if the stylesheet arrives after everything else."""
    page = open_window().page
    late: list[Route] = []
    page.route("**/brand.css*", lambda route: late.append(route))
    # Wait for the script's request, not for a condition in the page. Conditions are checked in
    # animation frames, and there are none before the first paint.
    with page.expect_request_finished(lambda request: request.resource_type == "script"):
        page.goto("/login?reseller=northwind-desk", wait_until="commit")
    assert page.evaluate(PAINTS) == 0
    (stylesheet,) = late
    stylesheet.continue_()
    first = page.evaluate(PAINTED)
    assert first["since"] >= 0
    known = page.context.request.get("/v1/branding?reseller=northwind-desk").json()
    assert first["brand"] == known["primary_color"] != "#3554d1"
