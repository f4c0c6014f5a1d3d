"""The admin pages for reconciliation, its findings, and syncing one reseller."""

import re
from html import escape, unescape

import pytest

from chalicelib.services.resellers import accounts
from chalicelib.services.settings import platform_settings
from chalicelib.services.tenants import lifecycle
from chalicelib.storage.reads import Pagination, get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.tenants import Tenant
from infra.local import table_edits
from tests.integration.reconciliation.admin_client import AdminClient
from tests.support.page_client import PageClient, PageResponse
from tests.support.people import People, Person

REPORTS = "/admin/reconciliation"


@pytest.fixture
def seller(people: People) -> Person:
    seller = people.reseller(licenses=5)
    for name in ("One", "Two"):
        seller.api.post("/v1/resellers/me/tenants", {"name": name})
    return seller


def reseller_row(seller: Person) -> Reseller:
    return accounts.read_reseller(str(seller.reseller_id))


def run(admin: PageClient) -> PageResponse:
    return admin.follow(admin.submit(admin.get(REPORTS), REPORTS))


def finding_forms(page: PageResponse) -> list[str]:
    found = re.findall(rf'action="({REPORTS}/rec_\w+\?action=decide&amp;finding=\w+)"', page.text)
    return [unescape(address) for address in found]


def test_a_run_without_findings(admin: PageClient, seller: Person) -> None:
    assert "No report yet" in admin.get(REPORTS).text
    page = run(admin)
    assert "Everything agrees" in page.text
    listed = admin.get(REPORTS).words
    assert "In order" in listed
    assert "admin@example.com" in listed


def test_repairing_an_edited_counter_requires_a_reason(admin: PageClient, seller: Person) -> None:
    table_edits.edit(reseller_row(seller), license_used=4)
    page = run(admin)
    assert "1 waiting" in page.text
    (form,) = finding_forms(page)
    assert "Used is 4, 2 tenants hold a license" in page.words
    assert "Set Used to 2" in page.words
    assert "used_mismatch" in page.words
    assert re.search(r'class="count">1<', admin.get("/admin").text)
    missing = admin.submit(page, form, action="repair")
    assert missing.status == 422
    assert "reason-error" in missing.text
    done = admin.follow(admin.submit(page, form, action="repair", reason="Edited manually"))
    assert "Edited manually" in done.text
    assert "Used was 4 and is now 2." in done.text
    assert reseller_row(seller).license_used == 2
    assert not re.search(r'class="count">', admin.get("/admin").text)
    again = admin.submit(page, form, action="repair", reason="Sent twice")
    assert again.status == 303
    assert "In order" in admin.get(REPORTS).text


def test_the_menu_shows_a_decision_made_through_the_api_at_once(
    admin: PageClient, people: People, seller: Person
) -> None:
    table_edits.edit(reseller_row(seller), license_used=4)
    reconciliation = AdminClient(people)
    assert not re.search(r'class="count">', admin.get("/admin").text)
    _, path = reconciliation.find_only("used_mismatch")
    assert re.search(r'class="count">1<', admin.get("/admin").text)
    reconciliation.decide(path, "repair")
    assert not re.search(r'class="count">', admin.get("/admin").text)


def test_an_unexplained_total_can_be_adopted_or_reverted(admin: PageClient, seller: Person) -> None:
    table_edits.edit(reseller_row(seller), license_count=9)
    page = run(admin)
    (form,) = finding_forms(page)
    assert "Put back" in page.text or "back to 5" in page.text
    admin.submit(page, form, action="revert", reason="Nobody knows why")
    assert reseller_row(seller).license_count == 5


def test_an_ignored_finding_is_not_reported_again(admin: PageClient, seller: Person) -> None:
    table_edits.edit(reseller_row(seller), license_used=4)
    page = run(admin)
    (form,) = finding_forms(page)
    ignored = admin.follow(admin.submit(page, form, action="ignore", reason="Known"))
    assert "Ignored" in ignored.text
    assert "Used is 4, 2 tenants hold a license" in admin.get("/admin/audit").words
    assert reseller_row(seller).license_used == 4
    again = run(admin)
    assert not finding_forms(again)
    assert "In order" in again.text


def test_a_decision_is_refused_if_the_facts_have_changed(admin: PageClient, seller: Person) -> None:
    table_edits.edit(reseller_row(seller), license_used=4)
    page = run(admin)
    (form,) = finding_forms(page)
    table_edits.edit(reseller_row(seller), license_used=5)
    refused = admin.submit(page, form, action="repair", reason="Late")
    assert refused.status == 412
    assert "The facts are no longer those of this report" in refused.text


def test_an_orphan_tenant_is_adopted_by_the_specified_reseller(
    admin: PageClient, people: People, seller: Person
) -> None:
    other = people.reseller(licenses=3)
    (tenant, *_) = lifecycle.list_tenants(str(seller.reseller_id), Pagination()).rows
    table_edits.duplicate(tenant, reseller_id="rsl_gone")
    page = run(admin)
    form = next(f for f in finding_forms(page) if "Adopt to" in _form_text(page, f))
    unknown = admin.submit(page, form, action="adopt", reason="Moved", account="nobody")
    assert unknown.status == 422
    assert "There is no such reseller." in unknown.text
    done = admin.submit(page, form, action="adopt", reason="Moved", account=other.email)
    assert done.status == 303, done.words
    assert get(Tenant, "rsl_gone", tenant.id) is None
    assert reseller_row(other).license_used == 1


def _form_text(page: PageResponse, action: str) -> str:
    start = page.text.index(f'action="{escape(action)}"')
    return page.text[start : page.text.index("</form>", start)]


def test_a_sync_is_previewed_before_it_is_applied(admin: PageClient, seller: Person) -> None:
    path = f"/admin/resellers/{seller.reseller_id}"
    compared = admin.follow(admin.submit(admin.get(path), path + "?action=sync"))
    assert "They agree. Nothing to repair." in compared.text
    table_edits.edit(reseller_row(seller), license_used=4)
    compared = admin.follow(admin.submit(admin.get(path), path + "?action=sync"))
    assert "Set used to 2" in compared.text
    assert reseller_row(seller).license_used == 4
    done = admin.follow(admin.submit(compared, path + "?action=sync"))
    assert "Used licenses set to 2." in done.text
    assert reseller_row(seller).license_used == 2
    again = admin.follow(admin.submit(compared, path + "?action=sync"))
    assert "Nothing to repair" in again.text


def test_the_reseller_page_explains_why_tenants_cannot_be_created(
    admin: PageClient, people: People, seller: Person
) -> None:
    path = f"/admin/resellers/{seller.reseller_id}"
    assert "Yes, all is well" in admin.get(path).text
    text = admin.get(f"/admin/resellers/{people.reseller().reseller_id}").words
    assert "Can it create tenants? No" in text
    assert "0 of 0 licenses are available" in text
    assert "Words for the reseller" in text
    table_edits.edit(reseller_row(seller), license_used=1)
    assert "Used is 1" not in admin.get(path).text
    compared = admin.get(f"{path}?compare=1").words
    assert "Yes, with 1 thing to look at" in compared
    assert "Used is 1" in compared


def test_automatic_repairs_are_chosen_in_the_settings(admin: PageClient) -> None:
    path = "/admin/settings?action=rules"
    fields = admin.get("/admin/settings").form(path).fields
    kept = [f for f in fields if f[0] != "automatic_repairs"]
    assert len(fields) > len(kept)
    admin.post(path, [*kept, ("automatic_repairs", "used_mismatch")])
    assert platform_settings.read_settings().automatic_repairs == ["used_mismatch"]
    fields = admin.get("/admin/settings").form(path).fields
    assert [v for n, v in fields if n == "automatic_repairs"] == ["used_mismatch"]
    admin.post(path, [f for f in fields if f[0] != "automatic_repairs"])
    assert platform_settings.read_settings().automatic_repairs == []
    fields = admin.get("/admin/settings").form(path).fields
    refused = admin.post(path, [*fields, ("automatic_repairs", "Not a code")])
    assert refused.status == 422
    assert 'id="rules-automatic_repairs-error"' in refused.text


@pytest.mark.parametrize("path", ["rec_nothing", "ignored"])
def test_an_unknown_report_is_not_found(admin: PageClient, path: str) -> None:
    assert admin.get(f"{REPORTS}/{path}").status == 404
