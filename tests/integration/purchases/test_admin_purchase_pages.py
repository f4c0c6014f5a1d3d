"""Admin pages: purchases, prices, platform settings, and the audit trail."""

import re
from datetime import timedelta

import pytest

from chalicelib.domain.actors import Actor
from chalicelib.services.purchases import search
from chalicelib.services.purchases.checkout import buy_licenses, read_purchase
from chalicelib.services.purchases.settlement import settle
from chalicelib.services.resellers import accounts
from chalicelib.services.settings import platform_settings
from infra.local import table_edits
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.conftest import TestClock
from tests.support.aws_faults import AwsFaults
from tests.support.page_client import PageClient, PageResponse, signed_in
from tests.support.people import People, Person


@pytest.fixture
def admin(people: People) -> PageClient:
    return signed_in(people.admin)


def buy(seller: Person, stripe: StripeSimulator, quantity: int, *, pay: bool = True) -> str:
    """Buy licenses and return the purchase's ID."""
    bought = seller.api.post("/v1/resellers/me/purchases", {"quantity": quantity}).json
    if pay:
        stripe.pay(bought["checkout_url"].rsplit("/", 1)[1])
        settle(read_purchase(str(seller.reseller_id), bought["id"]))
    return str(bought["id"])


def listed_purchases(shown: PageResponse) -> list[str]:
    return re.findall(r'href="/admin/purchases/(pur_\w+)"', shown.text)


def test_purchases_are_found_by_status_month_company_and_reference(
    admin: PageClient, people: People, stripe: StripeSimulator
) -> None:
    one, two = people.reseller(), people.reseller()
    paid, open_ = buy(one, stripe, 10), buy(two, stripe, 3, pay=False)
    assert listed_purchases(admin.get("/admin/purchases")) == [open_, paid]
    assert listed_purchases(admin.get("/admin/purchases?status=paid")) == [paid]
    assert listed_purchases(admin.get("/admin/purchases?q=company 2")) == [open_]
    assert listed_purchases(admin.get(f"/admin/purchases?q={paid}")) == [paid]
    assert listed_purchases(admin.get("/admin/purchases?q=pur_nonsense")) == []
    assert listed_purchases(admin.get("/admin/purchases?q=company&status=paid")) == [paid]
    assert listed_purchases(admin.get(f"/admin/purchases?reseller={one.reseller_id}")) == [paid]
    month = read_purchase(str(one.reseller_id), paid).month
    assert listed_purchases(admin.get(f"/admin/purchases?month={month}")) == [open_, paid]
    assert admin.get("/admin/purchases?reseller=rsl_nobody").status == 404
    assert admin.get("/admin/purchases?cursor=nonsense").status == 422
    assert admin.get(f"/admin/purchases?month={month}&cursor=nonsense").status == 422


def test_the_purchase_list_continues_across_months(
    admin: PageClient, people: People, stripe: StripeSimulator, frozen: TestClock
) -> None:
    account = accounts.read_reseller(str(people.reseller().reseller_id))
    made: list[str] = []
    for _ in range(4):
        made += [buy_licenses(account, number, by=Actor("test")).id for number in range(1, 12)]
        frozen.advance(timedelta(days=62))
    admin = signed_in(people.admin)
    seen: list[str] = []
    shown = admin.get("/admin/purchases")
    while True:
        seen += listed_purchases(shown)
        further = re.search(r'href="(/admin/purchases\?cursor=[^"]+)" rel="next"', shown.text)
        if further is None:
            break
        shown = admin.get(further[1].replace("&amp;", "&"))
    assert seen == made[::-1]


def test_the_list_ends_after_a_year_without_purchases_but_search_finds_older_ones(
    people: People, aws_faults: AwsFaults, frozen: TestClock
) -> None:
    account = accounts.read_reseller(str(people.reseller().reseller_id))
    old = buy_licenses(account, 1, by=Actor("test"))
    frozen.advance(timedelta(days=330))
    admin = signed_in(people.admin)
    assert listed_purchases(admin.get("/admin/purchases")) == [old.id]
    frozen.advance(timedelta(days=60))
    admin = signed_in(people.admin)
    before = len(aws_faults.calls)
    assert listed_purchases(admin.get("/admin/purchases")) == []
    queries = [sent for _, sent in aws_faults.calls[before:] if sent.get("IndexName") == "by-month"]
    assert len(queries) == search.QUIET_MONTHS
    assert listed_purchases(admin.get(f"/admin/purchases?q={account.company_name}")) == [old.id]
    assert listed_purchases(admin.get(f"/admin/purchases?month={old.month}")) == [old.id]


def test_the_settle_button_recovers_a_lost_webhook(
    admin: PageClient, people: People, stripe: StripeSimulator
) -> None:
    seller = people.reseller()
    bought = seller.api.post("/v1/resellers/me/purchases", {"quantity": 10}).json
    stripe.pay(bought["checkout_url"].rsplit("/", 1)[1])
    path = f"/admin/purchases/{bought['id']}"
    assert "Awaiting payment" in admin.get(path).words
    page = admin.follow(admin.submit(admin.get(path), path + "?action=settle"))
    assert "10 licenses added" in page.text
    again = admin.follow(admin.submit(page, path + "?action=settle"))
    assert "No license had to be moved." in again.text


def test_a_refund_shows_its_amount_and_is_paid_once(
    admin: PageClient, people: People, stripe: StripeSimulator
) -> None:
    seller = people.reseller()
    path = f"/admin/purchases/{buy(seller, stripe, 10)}"
    for name in range(8):
        seller.api.post("/v1/resellers/me/tenants", {"name": f"Tenant {name}"})
    question = admin.get(f"{path}/refund?licenses=5&reason=Too many")
    # 10 licenses were bought at 20.00 each. The 5 that remain cost 25.00 each.
    assert "Refund $75.00?" in question.words
    assert "over-allocates the reseller by 3 licenses" in question.words
    first = admin.submit(question, path + "/refund")
    second = admin.submit(question, path + "/refund")
    assert first.location == second.location
    page = admin.follow(first)
    assert "5 licenses refunded." in page.text
    assert "Too many" in page.text
    assert accounts.read_reseller(str(seller.reseller_id)).license_count == 5


def test_invalid_refund_input_is_explained_at_its_field(
    admin: PageClient, people: People, stripe: StripeSimulator
) -> None:
    path = f"/admin/purchases/{buy(people.reseller(), stripe, 2)}"
    for query in ("licenses=3&reason=x", "licenses=0&reason=x", "licenses=many&reason=x"):
        refused = admin.get(f"{path}/refund?{query}")
        assert refused.status == 422
        assert 'id="refund-licenses-error"' in refused.text
    refused = admin.get(f"{path}/refund?licenses=1&reason=")
    assert 'id="refund-reason-error"' in refused.text
    assert 'name="licenses" type="number" min="1" max="100000" required value="1"' in refused.text
    token = admin.get(path).form("?action=settle").fields
    stale = [("licenses", "1"), ("reason", "x"), ("amount", "1")]
    sent = admin.post(path + "/refund", token + stale)
    assert sent.status == 422
    assert "The refund would be $25.00 now, not $0.01." in sent.text


def test_an_unpaid_purchase_offers_no_refund(
    admin: PageClient, people: People, stripe: StripeSimulator
) -> None:
    path = f"/admin/purchases/{buy(people.reseller(), stripe, 2, pay=False)}"
    assert "Review refund" not in admin.get(path).text
    refused = admin.get(f"{path}/refund?licenses=1&reason=x")
    assert refused.status == 422
    assert "It is not paid yet." in refused.text


def test_a_purchase_paid_twice_is_refunded_only_in_stripes_dashboard(
    admin: PageClient, people: People, stripe: StripeSimulator
) -> None:
    seller = people.reseller()
    id = buy(seller, stripe, 2)
    table_edits.edit(
        read_purchase(str(seller.reseller_id), id), status_reason="Paid twice: refund one."
    )
    page = admin.get(f"/admin/purchases/{id}")
    assert "Paid twice: refund one." in page.text
    assert "Review refund" not in page.text


@pytest.mark.parametrize(
    "id", ["pur_nobody", "pur_01JD0000000000000000000000", "x", "pur_" + "7" * 26]
)
def test_a_missing_purchase_is_not_found(admin: PageClient, id: str) -> None:
    assert admin.get(f"/admin/purchases/{id}").status == 404


def price_fields(shown: PageResponse, *tiers: tuple[str, str]) -> list[tuple[str, str]]:
    form = shown.form("/admin/settings?action=prices")
    kept = [(n, v) for n, v in form.fields if n not in ("from", "unit_amount")]
    return kept + [p for f, u in tiers for p in (("from", f), ("unit_amount", u))]


def test_prices_are_previewed_and_saved(admin: PageClient, people: People) -> None:
    shown = admin.get("/admin/settings")
    assert "10 cost less" in shown.text
    fields = price_fields(shown, ("1", "30"), ("", ""), ("5", "12.5"))
    preview = admin.post("/admin/settings?action=prices", [*fields, ("preview", "1")])
    assert preview.status == 200
    assert "5 cost less" in preview.text
    assert platform_settings.quote(1).unit_amount == 2500
    saved = admin.post("/admin/settings?action=prices", fields)
    assert "Prices saved." in admin.follow(saved).text
    assert platform_settings.quote(1).unit_amount == 3000
    assert platform_settings.quote(5).unit_amount == 1250
    late = admin.post("/admin/settings?action=prices", fields)
    assert late.status == 412
    assert "What you typed is kept below" in late.text
    assert admin.submit(late, "/admin/settings?action=prices").status == 303


@pytest.mark.parametrize(
    ("tiers", "message", "field"),
    [
        ([("2", "25")], "The first tier must start at 1.", "from-1"),
        ([("1", "25"), ("1", "20")], "a higher quantity than the one before it.", "from-2"),
        ([("1", "25.005")], "A price like 17.50, please.", "unit_amount-1"),
        ([("1", "-5")], "A price like 17.50, please.", "unit_amount-1"),
        ([("1", "0")], "A price like 17.50, please.", "unit_amount-1"),
        ([("1", "25"), ("x", "20")], "A whole number, please.", "from-2"),
        ([("1", "25"), ("10", "")], "A price like 17.50, please.", "unit_amount-2"),
        ([("1", "x"), ("1", "x"), ("9", "5")], "Please check 2 fields.", "unit_amount-2"),
        ([("1", "1000000")], "A price like 17.50, please.", "unit_amount-1"),
        ([("1", "25"), ("200000", "20")], "No tier can start above", "from-2"),
        ([("1", "25")] * 21, "Use at most 20 tiers.", None),
        ([], "The first tier must start at 1.", None),
    ],
)
def test_invalid_prices_are_explained_and_the_input_is_kept(
    admin: PageClient, tiers: list[tuple[str, str]], message: str, field: str | None
) -> None:
    refused = admin.post(
        "/admin/settings?action=prices", price_fields(admin.get("/admin/settings"), *tiers)
    )
    assert refused.status == 422
    assert message in refused.words
    if field is not None:
        assert f'id="prices-{field}-error"' in refused.text
    kept = refused.form("/admin/settings?action=prices").fields
    assert not tiers or tiers[-1][1] in [v for n, v in kept if n == "unit_amount"]
    assert platform_settings.read_settings().version == 0


def test_rules_are_saved_and_invalid_rules_are_refused(admin: PageClient) -> None:
    path = "/admin/settings?action=rules"
    shown = admin.get("/admin/settings")
    fields = [(n, v) for n, v in shown.form(path).fields if n != "restrict_inactive_resellers"]
    changed = dict(fields) | {"low_license_threshold": "7", "support_email": "help@example.com"}
    saved = admin.post(path, list(changed.items()))
    assert "Rules saved." in admin.follow(saved).text
    row = platform_settings.read_settings()
    assert (row.restrict_inactive_resellers, row.low_license_threshold) == (False, 7)
    assert row.support_email == "help@example.com"
    refused = admin.submit(admin.get("/admin/settings"), path, low_license_threshold="lots")
    assert refused.status == 422
    assert 'id="rules-low_license_threshold-error"' in refused.text


def test_platform_branding_is_saved_and_invalid_branding_is_refused(admin: PageClient) -> None:
    path = "/admin/settings/branding"
    refused = admin.submit(admin.get(path), path, product_name="Acme", primary_color="red")
    assert refused.status == 422
    assert 'id="primary_color-error"' in refused.text
    assert dict(refused.form(path).fields)["product_name"] == "Acme"
    saved = admin.submit(refused, path, primary_color="#112233")
    assert saved.status == 303
    assert platform_settings.read_settings().branding_config == {
        "product_name": "Acme",
        "primary_color": "#112233",
    }


def test_the_audit_trail_can_be_read_and_searched(admin: PageClient, people: People) -> None:
    person, other = people.user(), people.user()
    path = f"/admin/users/{person.user_id}"
    admin.submit(admin.get(path), path, name="Renamed")
    text = admin.get("/admin/audit").words
    assert "User edited" in text
    assert "became Renamed" in text
    assert other.email in text
    found = admin.get("/admin/audit?q=user edited").words
    assert person.email in found
    assert other.email not in found
    assert other.email not in admin.get(f"/admin/audit?q={person.email}").words
    assert "Nothing matches" in admin.get("/admin/audit?q=zzz").text
    assert admin.get("/admin/audit?month=1999-01").status == 200
