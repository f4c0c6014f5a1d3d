"""Run axe-core, from its npm package, on a page."""

from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@cache
def _source() -> str:
    assert SOURCE.exists(), "axe-core is missing: npm install (see make test-browser)"
    return SOURCE.read_text()


def violations(page: Page) -> list[str]:
    """Return the violations that axe-core finds, one line each.

    The script is injected through the DevTools protocol, so the page's CSP stays in force.
    """
    page.evaluate(_source())
    found: dict[str, Any] = page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES
    )
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
