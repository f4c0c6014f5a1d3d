"""The everyday tasks of a super admin in a browser, with and without JavaScript."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DemoService, Open, Window
from tests.browser.page_actions import buy, expect_heading, expect_message, go_to, press
from tests.browser.sales_history import CLIENTS

pytestmark = pytest.mark.browser

BOTH = pytest.mark.parametrize(
    ("company", "script"), [("Larch Ltd", True), ("Maple Ltd", False)], ids=["script", "no script"]
)


@BOTH
def test_an_admin_manages_users_and_resellers(
    company: str, script: bool, open_window: Open
) -> None:
    window = open_window("admin", script=script)
    page = window.page
    slug = company.lower().replace(" ", "-")
    page.goto("/admin")
    expect_heading(page, "Overview")

    create_user(window, f"{slug}@example.com", company)
    create_reseller(window, company, slug, script=script)
    allocate_and_edit(window, company)
    deactivate(window, company)
    search(window, company)
    assert window.monitor.problems == []


def create_user(window: Window, email: str, name: str) -> None:
    page = window.page
    go_to(window, "Users")
    page.get_by_role("link", name="Create user").click()
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Name", exact=True).fill(name)
    page.locator("dialog[open]").get_by_role("button", name="Create user").click()
    expect_message(window, f"{name} was created.")
    expect(page.get_by_text("Not chosen yet")).to_be_visible()


def create_reseller(window: Window, company: str, slug: str, *, script: bool) -> None:
    page = window.page
    page.get_by_role("link", name="Create reseller").click()
    dialog = page.locator("dialog[open]")
    expect(dialog.get_by_label("User")).to_have_value(f"{slug}@example.com")
    dialog.get_by_label("Company Name").fill(company)
    if script:
        expect(dialog.get_by_label("Slug")).to_have_value(slug)
    dialog.get_by_label("Slug").fill("acme-corp")
    dialog.get_by_label("Total Licenses").fill("5")
    dialog.get_by_role("button", name="Create reseller").click()
    dialog = page.locator("dialog[open]")
    expect(dialog.get_by_text("is already taken").first).to_be_visible()
    expect(dialog.get_by_label("Company Name")).to_have_value(company)
    dialog.get_by_label("Slug").fill(slug)
    dialog.get_by_role("button", name="Create reseller").click()
    expect_message(window, f"{company} was created.")
    expect_heading(page, company)


def allocate_and_edit(window: Window, company: str) -> None:
    page = window.page
    page.get_by_label("Change").fill("10")
    page.get_by_label("Reason").fill("Spring bonus")
    press(window, "Allocate")
    expect_message(window, "10 licenses allocated.")
    expect(page.get_by_text("Spring bonus")).to_be_visible()
    page.get_by_role("link", name=f"Edit {company}").click()
    page.get_by_label("Total Licenses").fill("20")
    press(window, "Save")
    expect_message(window, "Saved.")
    go_to(window, "Resellers")
    row = page.get_by_role("row", name=re.compile(company))
    expect(row.get_by_role("cell", name="20", exact=True).first).to_be_visible()


def deactivate(window: Window, company: str) -> None:
    page = window.page
    page.get_by_role("link", name=f"Edit {company}").click()
    page.get_by_label("Is Active").uncheck()
    press(window, "Save")
    expect_message(window, "Saved.")
    expect(page.get_by_text("Inactive", exact=True)).to_be_visible()
    page.get_by_role("link", name=f"Edit {company}").click()
    page.get_by_label("Is Active").check()
    press(window, "Save")
    expect(page.get_by_text("Active", exact=True)).to_be_visible()
    press(window, "Count and compare")
    expect(page.get_by_text("They agree. Nothing to repair.")).to_be_visible()


def search(window: Window, company: str) -> None:
    page = window.page
    go_to(window, "Audit")
    page.get_by_role("searchbox").fill(company.lower())
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=company).first).to_be_visible()


def test_a_refund_is_reviewed_before_it_is_issued(open_window: Open) -> None:
    buyer = open_window("demo")
    buyer.page.goto("/reseller")
    buy(buyer, 10)
    expect_heading(buyer.page, "10 licenses added")

    window = open_window("admin")
    page = window.page
    page.goto("/admin/purchases?q=acme")
    page.locator("tbody a").first.click()
    expect_heading(page, "10 licenses for $200.00")
    page.get_by_label("Licenses to refund").fill("5")
    page.get_by_label("Reason").fill("Bought too many")
    press(window, "Review refund")
    expect_heading(page, "Refund $75.00?")
    press(window, "Refund $75.00")
    expect_message(window, "5 licenses refunded.")
    expect(page.get_by_text("Partly refunded")).to_be_visible()
    press(window, "Settle now")
    expect_message(window, "No license had to be moved.")
    assert window.monitor.problems == []


def test_new_prices_are_previewed_before_saving(open_window: Open) -> None:
    window = open_window("admin")
    page = window.page
    page.goto("/admin/settings")
    page.get_by_label("Price each").first.fill("30.00")
    expect(page.get_by_role("row", name="9", exact=False).first).to_be_visible()
    expect(page.get_by_role("cell", name="$270.00")).to_be_visible()
    advice = page.get_by_text("Prices run backwards")
    expect(advice).to_contain_text("10 cost less than 9")
    page.get_by_label("Price each").nth(1).fill("30.00")
    expect(advice).not_to_contain_text("10 cost")
    page.get_by_label("From this many").nth(1).fill("1")
    press(window, "Save prices")
    expect(page.get_by_role("alert")).to_contain_text("a higher quantity than the one before it")
    assert window.monitor.problems == []


def test_a_finding_is_ignored_with_a_reason(open_window: Open, service: DemoService) -> None:
    window = open_window("admin")
    page = window.page
    page.goto("/admin/resellers?status=over")
    page.get_by_role("link", name="Beacon Systems").first.click()
    expect(page.get_by_text("Over-allocated by 3 licenses")).to_be_visible()
    page.get_by_label("Change").fill("-1")
    page.get_by_label("Reason").fill("Too far")
    press(window, "Allocate")
    expect(page.get_by_role("alert")).to_contain_text("licenses in use (5)")
    expect(page.get_by_label("Change")).to_have_value("-1")
    go_to(window, "Reconciliation")
    page.locator(f"a[href$='{service.ids['report']}']").click()
    card = page.locator("section.card", has_text="Used licenses that don't match").first
    card.get_by_label("Reason").fill("Looked at")
    card.get_by_role("button", name="Ignore").click()
    expect(page.get_by_text("Looked at").first).to_be_visible()
    assert window.monitor.problems == []


@BOTH
def test_an_admin_edits_deletes_and_restores_a_tenant(
    company: str, script: bool, open_window: Open, service: DemoService
) -> None:
    window = open_window("admin", script=script)
    page = window.page
    old_name, new_name = CLIENTS[script], f"Client of {company}"
    page.goto(service.path("/admin/resellers/{harvest}"))
    page.get_by_role("link", name=old_name, exact=True).first.click()
    page.get_by_label("Name", exact=True).fill(new_name)
    press(window, "Save")
    expect_message(window, "Saved.")
    expect_heading(page, new_name)
    press(window, "Deactivate")
    expect_message(window, f"{new_name} is deactivated.")
    press(window, "Reactivate")
    expect_message(window, f"{new_name} is active again.")
    page.get_by_role("link", name="Delete tenant").click()
    within = page.locator("dialog[open]") if script else page.locator("main")
    within.get_by_role("button", name="Delete tenant").click()
    expect_message(window, f"{new_name} is deleted and its license is free.")
    page.goto(page.url + "?status=deleted")
    page.get_by_role("link", name=new_name).first.click()
    press(window, "Restore")
    expect_message(window, f"{new_name} is back, active, on one of the reseller's licenses.")
    row = page.get_by_role("row", name=re.compile("Restored"))
    expect(row.get_by_text("+1")).to_be_visible()
    assert window.monitor.problems == []


@BOTH
def test_an_admin_creates_and_revokes_an_api_key(
    company: str, script: bool, open_window: Open
) -> None:
    window = open_window("admin", script=script)
    page = window.page
    page.goto("/admin")
    page.get_by_role("link", name="your account").first.click()
    form = page.locator("#api-keys form").last
    form.get_by_label("Name").fill(f"Export of {company}")
    form.get_by_role("checkbox", name="Read").check()
    press(window, "Create key")
    expect(page.get_by_text("Your new key, shown this once")).to_be_visible()
    page.get_by_role("link", name=f"Revoke Export of {company}").click()
    within = page.locator("dialog[open]") if script else page.locator("main")
    within.get_by_role("button", name="Revoke key").click()
    expect_message(window, "The key is revoked.")
    expect(page.get_by_text(f"Export of {company}")).to_have_count(0)
    assert window.monitor.problems == []


def test_all_findings_of_a_kind_are_ignored_at_once(
    open_window: Open, service: DemoService
) -> None:
    window = open_window("admin")
    page = window.page
    page.goto(service.path("/admin/reconciliation/{report_many}"))
    page.locator("summary", has_text="Facts").first.click()
    expect(page.get_by_text("tenant-slug:").first).to_be_visible()
    page.get_by_label("Reason for all of them").fill("Looked at together")
    press(window, re.compile("^Ignore all"))
    expect_message(window, "3 decided.")
    expect(page.get_by_text("Looked at together").first).to_be_visible()
    assert window.monitor.problems == []
