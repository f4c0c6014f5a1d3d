"""What looks at the pages sees what is wrong: a check that can't fail proves nothing."""

import pytest

from tests.browser.axe import violations
from tests.browser.conftest import Open

pytestmark = pytest.mark.browser


def test_axe_objects_to_what_is_wrong(open_window: Open) -> None:
    page = open_window().page
    page.goto("/login")
    assert violations(page) == []
    page.evaluate("document.querySelector('label').remove()")
    assert any(found.startswith("label:") for found in violations(page))


def test_a_breach_of_the_content_policy_is_noticed(open_window: Open) -> None:
    window = open_window()
    window.page.goto("/login")
    window.page.evaluate("document.body.setAttribute('style', 'color: red')")
    with window.page.expect_console_message(lambda message: message.text.startswith("CSP: ")):
        window.page.evaluate("document.body.innerHTML += '<p style=\"color: red\">x</p>'")
    assert any("style-src" in complaint for complaint in window.watch.complaints)


def test_a_request_that_would_leave_the_machine_is_noticed(open_window: Open) -> None:
    window = open_window()
    window.page.goto("/login")
    window.page.evaluate("new Image().src = 'https://elsewhere.invalid/logo.png'")
    window.page.wait_for_function("true")
    assert any("elsewhere.invalid" in complaint for complaint in window.watch.complaints)


def test_an_error_in_the_script_is_noticed(open_window: Open) -> None:
    window = open_window()
    window.page.goto("/login")
    with window.page.expect_event("pageerror"):
        window.page.evaluate("setTimeout(() => { throw new Error('broken'); })")
    assert any("broken" in complaint for complaint in window.watch.complaints)
