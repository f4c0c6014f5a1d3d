"""What a reseller does day by day, by clicking: with the script on and off."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open, Window
from tests.browser.page_actions import buy, create, go_to, heading, press, said, sign_in_by_hand

pytestmark = pytest.mark.browser


BOTH = pytest.mark.parametrize(
    ("who", "script"), [("clicker", True), ("plain", False)], ids=["script", "no script"]
)


@BOTH
def test_a_resellers_day(who: str, script: bool, open_window: Open) -> None:
    window = open_window(None, script=script)
    page = window.page
    sign_in_by_hand(window, f"{who}@example.com")
    heading(page, "Overview")
    expect(page.get_by_text("Buy your first licenses")).to_be_visible()

    buy(window, 2)
    heading(page, "2 licenses added")
    assert page.reload() is not None
    heading(page, "2 licenses added")

    create(window, "Harbour Dental")
    said(window, "Harbour Dental was created on one of your licenses.")
    create(window, "Old Mill Bakery")
    said(window, "Old Mill Bakery was created")
    go_to(window, "Tenants")
    expect(page.get_by_text("Every license is in use.")).to_be_visible()
    expect(page.get_by_role("link", name="Create tenant")).to_have_count(0)

    deactivate_and_edit(window)
    delete_and_restore(window)
    brand(window)

    press(window, "Sign out")
    heading(page, "Sign in")
    said(window, "You are signed out.")
    page.go_back()
    assert page.reload() is not None
    heading(page, "Sign in")
    assert window.watch.complaints == []


def deactivate_and_edit(window: Window) -> None:
    page = window.page
    page.get_by_role("link", name="Harbour Dental").click()
    press(window, "Deactivate")
    said(window, "is deactivated")
    expect(page.get_by_text("It keeps its license")).to_be_visible()
    press(window, "Reactivate")
    said(window, "is active again")
    page.get_by_label("Slug").fill("old-mill-bakery")
    press(window, "Save")
    expect(page.get_by_text("is already taken").first).to_be_visible()
    expect(page.get_by_label("Slug")).to_have_value("old-mill-bakery")
    page.get_by_label("Slug").fill("harbour")
    press(window, "Save")
    said(window, "Saved.")
    expect(page.get_by_label("Slug")).to_have_value("harbour")


def delete_and_restore(window: Window) -> None:
    page = window.page
    page.get_by_role("link", name="Delete tenant").click()
    page.get_by_role("button", name="Delete tenant").click()
    said(window, "Harbour Dental is deleted and its license is free.")
    page.goto("/reseller/tenants?status=deleted")
    page.get_by_role("link", name="Harbour Dental").click()
    press(window, "Restore")
    said(window, "Harbour Dental is back")


def brand(window: Window) -> None:
    page = window.page
    go_to(window, "Branding")
    page.get_by_label("Product name").fill("Clicker Desk")
    page.locator("#primary_color").fill("#f2b705")
    press(window, "Save branding")
    said(window, "Saved.")
    expect(page.get_by_label("Product name")).to_have_value("Clicker Desk")
    page.get_by_label("Add a domain").fill("desk.clicker-ltd.example")
    press(window, "Add domain")
    expect(page.get_by_text("_tenantry.desk.clicker-ltd.example").first).to_be_visible()
    page.get_by_role("link", name="Remove desk.clicker-ltd.example").click()
    page.get_by_role("button", name="Remove domain").click()
    said(window, "desk.clicker-ltd.example is removed.")


def test_the_price_follows_the_quantity(open_window: Open) -> None:
    window = open_window("new")
    page = window.page
    page.goto("/reseller/licenses")
    page.get_by_label("How many?").fill("9")
    expect(page.locator("[data-total]")).to_have_text("$225.00")
    expect(page.get_by_text("10 licenses cost $25.00 less than 9")).to_be_visible()
    page.get_by_role("link", name="Make it 10").click()
    expect(page.get_by_label("How many?")).to_have_value("10")
    expect(page.locator("[data-total]")).to_have_text("$200.00")
    expect(page.get_by_role("row", name="10–49")).to_contain_text("Your price")


def test_searching_replaces_the_results_alone(open_window: Open) -> None:
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
    assert window.watch.complaints == []


def test_pages_of_a_long_list_lead_on_and_back(open_window: Open) -> None:
    page = open_window("full", script=False).page
    page.goto("/reseller/tenants")
    first = page.locator("tbody th a").first.inner_text()
    page.get_by_role("link", name="More").click()
    assert page.locator("tbody th a").first.inner_text() != first
    page.get_by_role("link", name="First page").click()
    expect(page.locator("tbody th a").first).to_have_text(first)


def test_the_preview_follows_the_typing(open_window: Open) -> None:
    window = open_window("new")
    page = window.page
    page.goto("/reseller/branding")
    page.get_by_label("Product name").fill("Nightjar")
    expect(page.get_by_role("img", name="Preview of the login page")).to_contain_text("Nightjar")
    page.locator("#primary_color").fill("#123456")
    expect(page.locator('rect[data-paint="primary_color"]').first).to_have_attribute(
        "fill", "#123456"
    )
    assert window.watch.complaints == []


def test_everything_can_be_reached_by_keyboard(open_window: Open) -> None:
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


def test_a_reseller_meets_a_closed_door_at_the_admins_pages(open_window: Open) -> None:
    page = open_window("busy").page
    response = page.goto("/admin")
    assert response is not None
    assert response.status == 403
    heading(page, "This isn't yours to open")


def test_going_back_to_a_refused_form_sends_nothing_again(open_window: Open) -> None:
    window = open_window("over")
    page = window.page
    page.goto("/reseller/settings")
    page.get_by_label("New password").fill("a new password that is long")
    page.get_by_label("Current password", exact=True).last.fill("not the one")
    press(window, "Change password")
    expect(page.get_by_role("alert")).to_be_visible()
    go_to(window, "Tenants")
    heading(page, "Tenants")
    page.go_back()
    heading(page, "Settings")
    expect(page.get_by_role("alert")).to_have_count(0)
