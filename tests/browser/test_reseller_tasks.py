"""The everyday tasks of a reseller in a browser, with and without JavaScript."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open, Window
from tests.browser.page_actions import (
    buy,
    create_tenant,
    expect_heading,
    expect_message,
    go_to,
    press,
    sign_in_on_second_try,
)

pytestmark = pytest.mark.browser


BOTH = pytest.mark.parametrize(
    ("account", "script"), [("clicker", True), ("plain", False)], ids=["script", "no script"]
)


@BOTH
def test_a_reseller_buys_licenses_and_manages_tenants(
    account: str, script: bool, open_window: Open
) -> None:
    window = open_window(None, script=script)
    page = window.page
    sign_in_on_second_try(window, f"{account}@example.com")
    expect_heading(page, "Overview")
    expect(page.get_by_text("Buy your first licenses")).to_be_visible()

    buy(window, 2)
    expect_heading(page, "2 licenses added")
    assert page.reload() is not None
    expect_heading(page, "2 licenses added")

    create_tenant(window, "Harbour Dental")
    expect_message(window, "Harbour Dental was created on one of your licenses.")
    create_tenant(window, "Old Mill Bakery")
    expect_message(window, "Old Mill Bakery was created")
    go_to(window, "Tenants")
    expect(page.get_by_text("Every license is in use.")).to_be_visible()
    expect(page.get_by_role("link", name="Create tenant")).to_have_count(0)

    deactivate_and_edit(window)
    delete_and_restore(window)
    brand(window)

    press(window, "Sign out")
    expect_heading(page, "Sign in")
    expect_message(window, "You are signed out.")
    page.go_back()
    assert page.reload() is not None
    expect_heading(page, "Sign in")
    assert window.monitor.problems == []


def deactivate_and_edit(window: Window) -> None:
    page = window.page
    page.get_by_role("link", name="Harbour Dental").click()
    press(window, "Deactivate")
    expect_message(window, "is deactivated")
    expect(page.get_by_text("It keeps its license")).to_be_visible()
    press(window, "Reactivate")
    expect_message(window, "is active again")
    page.get_by_label("Slug").fill("old-mill-bakery")
    press(window, "Save")
    expect(page.get_by_text("is already taken").first).to_be_visible()
    expect(page.get_by_label("Slug")).to_have_value("old-mill-bakery")
    page.get_by_label("Slug").fill("harbour")
    press(window, "Save")
    expect_message(window, "Saved.")
    expect(page.get_by_label("Slug")).to_have_value("harbour")


def delete_and_restore(window: Window) -> None:
    page = window.page
    page.get_by_role("link", name="Delete tenant").click()
    page.get_by_role("button", name="Delete tenant").click()
    expect_message(window, "Harbour Dental is deleted and its license is free.")
    page.goto("/reseller/tenants?status=deleted")
    page.get_by_role("link", name="Harbour Dental").click()
    press(window, "Restore")
    expect_message(window, "Harbour Dental is back")


def brand(window: Window) -> None:
    page = window.page
    go_to(window, "Branding")
    page.get_by_label("Product name").fill("Clicker Desk")
    page.locator("#primary_color").fill("#f2b705")
    press(window, "Save branding")
    expect_message(window, "Saved.")
    expect(page.get_by_label("Product name")).to_have_value("Clicker Desk")
    page.get_by_label("Add a domain").fill("desk.clicker-ltd.example")
    press(window, "Add domain")
    expect(page.get_by_text("_tenantry.desk.clicker-ltd.example").first).to_be_visible()
    page.get_by_role("link", name="Remove desk.clicker-ltd.example").click()
    page.get_by_role("button", name="Remove domain").click()
    expect_message(window, "desk.clicker-ltd.example is removed.")


def test_the_price_updates_with_the_quantity(open_window: Open) -> None:
    window = open_window("new")
    page = window.page
    page.goto("/reseller/licenses")
    page.get_by_label("How many?").fill("9")
    expect(page.locator("#quote output")).to_have_text("$225.00")
    expect(page.get_by_text("10 licenses cost $25.00 less than 9")).to_be_visible()
    page.get_by_role("link", name="Make it 10").click()
    expect(page.get_by_label("How many?")).to_have_value("10")
    expect(page.locator("#quote output")).to_have_text("$200.00")
    expect(page.get_by_role("row", name="10–49")).to_contain_text("Your price")


def test_searching_replaces_only_the_results(open_window: Open) -> None:
    window = open_window("full")
    page = window.page
    page.goto("/reseller/tenants")
    page.keyboard.press("/")
    page.keyboard.type("harbour dental 0999")
    expect(page.get_by_role("link", name="Harbour Dental 09990")).to_be_visible()
    expect(page.get_by_role("link", name="Harbour Dental 09995")).to_be_visible()
    expect(page.locator("#results tbody tr")).to_have_count(2)
    assert page.url.endswith("q=harbour+dental+0999&status=live")
    expect(page.get_by_role("searchbox")).to_be_focused()
    assert window.monitor.problems == []


def test_a_long_list_can_be_paged_without_javascript(open_window: Open) -> None:
    page = open_window("full", script=False).page
    page.goto("/reseller/tenants")
    first = page.locator("tbody th a").first.inner_text()
    page.get_by_role("link", name="More").click()
    assert page.locator("tbody th a").first.inner_text() != first
    page.get_by_role("link", name="First page").click()
    expect(page.locator("tbody th a").first).to_have_text(first)


def test_the_branding_preview_updates_while_typing(open_window: Open) -> None:
    window = open_window("new")
    page = window.page
    page.goto("/reseller/branding")
    page.get_by_label("Product name").fill("Nightjar")
    expect(page.get_by_role("img", name="Preview of the login page")).to_contain_text("Nightjar")
    page.locator("#primary_color").fill("#123456")
    expect(page.locator('rect[data-paint="primary_color"]').first).to_have_attribute(
        "fill", "#123456"
    )
    assert window.monitor.problems == []


def test_the_create_dialog_works_by_keyboard(open_window: Open) -> None:
    page = open_window("busy").page
    page.goto("/reseller/tenants")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Create tenant").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Create tenant").first).to_be_focused()


def test_admin_pages_are_forbidden_for_resellers(open_window: Open) -> None:
    page = open_window("busy").page
    response = page.goto("/admin")
    assert response is not None
    assert response.status == 403
    expect_heading(page, "This isn't yours to open")


def test_going_back_to_a_rejected_form_does_not_resend_it(open_window: Open) -> None:
    window = open_window("over")
    page = window.page
    page.goto("/reseller/settings")
    page.get_by_label("New password").fill("a new password that is long")
    page.get_by_label("Current password", exact=True).last.fill("not the one")
    press(window, "Change password")
    expect(page.get_by_role("alert")).to_be_visible()
    go_to(window, "Tenants")
    expect_heading(page, "Tenants")
    page.go_back()
    expect_heading(page, "Settings")
    expect(page.get_by_role("alert")).to_have_count(0)
