"""Common user actions on pages, and expectations about what the pages show."""

import re

from playwright.sync_api import Page, expect

from infra.local.demo import PASSWORD
from tests.browser.conftest import Window


def expect_heading(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.get_by_role("heading", level=1, name=text)).to_be_visible()


def go_to(window: Window, entry: str) -> None:
    window.page.get_by_role("navigation", name="Main").get_by_role("link", name=entry).click()


def press(window: Window, name: str | re.Pattern[str]) -> None:
    window.page.get_by_role("button", name=name, exact=isinstance(name, str)).click()


def create_tenant(window: Window, name: str) -> None:
    go_to(window, "Tenants")
    window.page.get_by_role("link", name="Create tenant").first.click()
    window.page.get_by_label("Name", exact=True).fill(name)
    window.page.locator("dialog[open]").get_by_role("button", name="Create tenant").click()


def expect_message(window: Window, text: str) -> None:
    expect(window.page.get_by_role("status").filter(has_text=text)).to_be_visible()


def sign_in_on_second_try(window: Window, email: str) -> None:
    page = window.page
    page.goto("/reseller")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill("not the password")
    press(window, "Sign in")
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    expect(page.get_by_label("E-mail")).to_have_value(email)
    page.get_by_label("Password").fill(PASSWORD)
    press(window, "Sign in")


def buy(window: Window, quantity: int) -> None:
    """Buy through the hosted payment page. The first card is declined; the second attempt works."""
    page = window.page
    go_to(window, "Licenses")
    page.get_by_label("How many?").fill(str(quantity))
    press(window, "Continue to payment")
    page.wait_for_url("**/pay/**")
    page.get_by_label("Declined card").check()
    press(window, re.compile("^Pay "))
    expect(page.get_by_role("alert")).to_contain_text("declined")
    page.get_by_role("link", name="Cancel and return").click()
    expect(page.get_by_text("Waiting for your payment")).to_be_visible()
    page.get_by_role("link", name="Resume").click()
    press(window, re.compile("^Pay "))
    page.wait_for_url("**/reseller/purchases/**")
