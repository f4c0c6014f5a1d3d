"""Check that the page monitor and axe-core detect problems."""

import pytest

from tests.browser.axe import violations
from tests.browser.conftest import Open

pytestmark = pytest.mark.browser


def test_axe_reports_a_missing_label(open_window: Open) -> None:
    page = open_window().page
    page.goto("/login")
    assert violations(page) == []
    page.evaluate("document.querySelector('label').remove()")
    assert any(found.startswith("label:") for found in violations(page))


def test_a_csp_violation_is_reported(open_window: Open) -> None:
    window = open_window()
    window.page.goto("/login")
    window.page.evaluate("document.body.setAttribute('style', 'color: red')")
    with window.page.expect_console_message(lambda message: message.text.startswith("CSP: ")):
        window.page.evaluate("document.body.innerHTML += '<p style=\"color: red\">x</p>'")
    assert any("style-src" in complaint for complaint in window.monitor.problems)


def test_a_request_to_another_host_is_reported(open_window: Open) -> None:
    window = open_window()
    window.page.goto("/login")
    window.page.evaluate("new Image().src = 'https://elsewhere.invalid/logo.png'")
    window.page.wait_for_function("true")
    assert any("elsewhere.invalid" in complaint for complaint in window.monitor.problems)


def test_an_uncaught_error_is_reported(open_window: Open) -> None:
    window = open_window()
    window.page.goto("/login")
    with window.page.expect_event("pageerror"):
        window.page.evaluate("setTimeout(() => { throw new Error('broken'); })")
    assert any("broken" in complaint for complaint in window.monitor.problems)
