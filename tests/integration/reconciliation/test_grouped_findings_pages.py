"""Several findings of one kind on the admin page: grouped, named, and decided together."""

import re

import pytest

from chalicelib.storage.claims import Claim, owner_of
from chalicelib.storage.tenants import Tenant, tenant_slug_claim
from chalicelib.web.reconciliation import report
from infra.local import table_edits
from tests.support.page_client import PageClient, PageResponse
from tests.support.people import People, Person

REPORTS = "/admin/reconciliation"
NAMES = ("Kite & Co", "Old Mill", "Juniper")


@pytest.fixture
def seller(people: People) -> Person:
    """A reseller whose three tenants have lost the claims to their slugs."""
    seller = people.reseller(licenses=5)
    for name in NAMES:
        seller.api.post("/v1/resellers/me/tenants", {"name": name})
    for slug in claim_names(seller):
        table_edits.remove(Claim(slug))
    return seller


def claim_names(seller: Person) -> list[str]:
    rows = Tenant.query(str(seller.reseller_id), consistent_read=True)
    return [tenant_slug_claim(row.reseller_id, row.slug) for row in rows]


def count_unclaimed(seller: Person) -> int:
    return sum(owner_of(name) is None for name in claim_names(seller))


def run(admin: PageClient) -> PageResponse:
    return admin.follow(admin.submit(admin.get(REPORTS), REPORTS))


def test_findings_show_names_in_sentences_and_exact_values_as_facts(
    admin: PageClient, seller: Person
) -> None:
    page = run(admin)
    text = page.words
    assert "Names that nothing keeps from being taken twice 3 waiting" in text
    assert "Kite &amp; Co uses “kite-co”, but that name isn&#39;t claimed for it." in text
    assert "Claim “kite-co” for Kite &amp; Co." in text
    tenants = f"/admin/resellers/{seller.reseller_id}/tenants/"
    assert len(set(re.findall(rf'href="({tenants}\w+)"', page.text))) == 3
    assert f"<code>tenant-slug:{seller.reseller_id}:kite-co</code>" in page.text
    for raw in ("False", "True", "None", "license_used"):
        assert raw not in text


def test_all_findings_of_a_kind_are_repaired_together_and_only_once(
    admin: PageClient, seller: Person
) -> None:
    page = run(admin)
    missing = admin.submit(page, "?action=decide-several", action="repair")
    assert missing.status == 422
    assert 'id="all-missing_claim-reason-error"' in missing.text
    fields = [*missing.form("?action=decide-several").fields, ("action", "repair")]
    fields = [(n, "Restored the table" if n == "reason" else v) for n, v in fields]
    for _ in range(2):
        done = admin.follow(admin.post(missing.form("?action=decide-several").action, fields))
        assert "3 decided." in done.text
        assert count_unclaimed(seller) == 0
    assert "Restored the table" in done.text
    assert "In order" in done.text


def test_findings_whose_facts_changed_stay_open(admin: PageClient, seller: Person) -> None:
    page = run(admin)
    (first, *_) = Tenant.query(str(seller.reseller_id), consistent_read=True)
    table_edits.edit(first, slug="another")
    sent = admin.submit(page, "?action=decide-several", action="repair", reason="Restored")
    text = admin.follow(sent).words
    assert "2 decided. 1 could not be" in text
    assert "1 waiting" in text
    assert count_unclaimed(seller) == 1


def test_findings_that_do_not_fit_into_a_request_stay_open(
    admin: PageClient, seller: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = run(admin)
    monkeypatch.setattr(report, "SECONDS", 0.0)
    sent = admin.submit(page, "?action=decide-several", action="repair", reason="Restored")
    assert "3 did not fit into one go: press again." in admin.follow(sent).text
    assert count_unclaimed(seller) == 3
    monkeypatch.undo()
    admin.submit(page, "?action=decide-several", action="repair", reason="Restored")
    assert count_unclaimed(seller) == 0


def test_the_filter_by_kind_is_kept_after_a_decision(admin: PageClient, seller: Person) -> None:
    page = run(admin)
    table_edits.edit(Tenant(str(seller.reseller_id), _first_tenant(seller).id), holds_license=False)
    page = run(admin)
    path = re.search(rf"{REPORTS}/rec_\w+", page.text)
    assert path
    assert "Tenants marked wrongly" in page.text
    narrowed = admin.get(f"{path[0]}?kind=missing_claim")
    assert len(re.findall('<section class="card findings"', narrowed.text)) == 1
    sent = admin.submit(narrowed, "?action=decide-several", action="ignore", reason="Known")
    assert sent.location == f"{path[0]}?kind=missing_claim#missing_claim"
    assert "3 decided" in admin.follow(sent).words
    assert "Everything agrees" not in admin.get(f"{path[0]}?kind=nonsense").text


def _first_tenant(seller: Person) -> Tenant:
    return next(iter(Tenant.query(str(seller.reseller_id), consistent_read=True)))


def test_a_finding_of_another_report_is_not_found(admin: PageClient, seller: Person) -> None:
    form = run(admin).form("?action=decide-several")
    kept = [field for field in form.fields if field[0] not in ("finding", "reason")]
    sent = [*kept, ("finding", "fnd_unknown"), ("action", "repair"), ("reason", "x")]
    assert admin.post(form.action, sent).status == 404
