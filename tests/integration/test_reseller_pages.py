"""The reseller's pages, without a browser and without a script."""

import re
from html import unescape

import pytest

from app import app
from chalicelib.settings import settings
from infra.local.stripe_stand_in.stand_in import StripeStandIn
from tests.support.people import PASSWORD, People, Person
from tests.support.purchases import buy_and_pay
from tests.support.visitor import Shown, Visitor
from tests.support.wire import Wire, cancelled


def signed_in(person: Person) -> Visitor:
    return Visitor(app).sign_in(person.email, PASSWORD)


@pytest.fixture
def reseller(people: People) -> Person:
    return people.reseller(licenses=2)


@pytest.fixture
def visitor(reseller: Person) -> Visitor:
    return signed_in(reseller)


def create_tenant(visitor: Visitor, name: str, **typed: str) -> Shown:
    shown = visitor.get("/reseller/tenants?create=1")
    return visitor.submit(shown, "/reseller/tenants", name=name, **typed)


def pool(person: Person) -> tuple[int, int]:
    licenses = person.api.get("/v1/resellers/me/licenses").json
    return licenses["license_count"], licenses["license_used"]


def test_who_is_not_signed_in_comes_back_to_the_page_that_was_asked_for(
    people: People, reseller: Person
) -> None:
    visitor = Visitor(app)
    asked = visitor.get("/reseller/tenants?q=a b&status=active")
    assert asked.status == 303
    shown = visitor.get(asked.location)
    landed = visitor.submit(shown, "/login", email=reseller.email, password=PASSWORD)
    assert landed.location == "/reseller/tenants?q=a+b&status=active"
    assert visitor.follow(landed).status == 200


def test_the_overview_shows_the_pool_and_what_happened(visitor: Visitor) -> None:
    create_tenant(visitor, "Blue Bottle")
    text = visitor.get("/reseller").text
    assert "of 2 licenses used" in text
    assert "Blue Bottle created" in text
    assert "2 licenses allocated to you" in text


def test_a_tenant_is_created_and_its_page_says_so_once(visitor: Visitor, reseller: Person) -> None:
    created = create_tenant(visitor, "Blue & Bottle", contact_email="a@example.com")
    page = visitor.follow(created)
    assert "Blue &amp; Bottle was created on one of your licenses." in page.text
    assert "was created" not in visitor.get(created.location).text
    assert pool(reseller) == (2, 1)


def test_a_form_sent_twice_creates_one_tenant(visitor: Visitor, reseller: Person) -> None:
    shown = visitor.get("/reseller/tenants?create=1")
    first = visitor.submit(shown, "/reseller/tenants", name="Blue Bottle")
    second = visitor.submit(shown, "/reseller/tenants", name="Blue Bottle")
    assert first.location == second.location
    assert pool(reseller) == (2, 1)


def test_going_back_and_filling_in_another_name_creates_another(
    visitor: Visitor, reseller: Person
) -> None:
    shown = visitor.get("/reseller/tenants?create=1")
    first = visitor.submit(shown, "/reseller/tenants", name="Blue Bottle")
    second = visitor.submit(shown, "/reseller/tenants", name="Red Bottle")
    assert first.location != second.location
    assert pool(reseller) == (2, 2)


def test_what_was_typed_is_kept_beside_what_is_wrong(visitor: Visitor) -> None:
    refused = create_tenant(visitor, "Blue Bottle", slug="No Slug!", contact_email="nobody")
    assert refused.status == 422
    form = dict(refused.form("/reseller/tenants").fields)
    assert form["name"] == "Blue Bottle"
    assert form["slug"] == "No Slug!"
    assert "lowercase letters" in refused.text
    assert 'id="slug-error"' in refused.text
    assert 'id="contact_email-error"' in refused.text


def test_without_a_free_license_the_form_says_so(visitor: Visitor, reseller: Person) -> None:
    for name in ("One", "Two"):
        create_tenant(visitor, name)
    refused = visitor.post(
        "/reseller/tenants",
        [*visitor.get("/reseller").form("/logout").fields, ("name", "Three")],
    )
    assert refused.status == 409
    assert "All licenses are in use: 2 of 2." in refused.text
    assert pool(reseller) == (2, 2)


def test_a_slug_that_is_taken_is_said_beside_the_slug(visitor: Visitor) -> None:
    create_tenant(visitor, "One", slug="same")
    refused = create_tenant(visitor, "Two", slug="same")
    assert refused.status == 409
    assert re.search(r'id="slug-error">.*“same” is taken', refused.text)


def test_editing_keeps_an_eye_on_what_others_changed(visitor: Visitor, reseller: Person) -> None:
    page = visitor.follow(create_tenant(visitor, "Before"))
    path = _tenant_path(page)
    saved = visitor.submit(page, path, name="After")
    assert "Saved." in visitor.follow(saved).text
    late = visitor.submit(page, path, name="Too late")
    assert late.status == 412
    assert "Somebody changed this after you opened it." in late.text
    assert "It is “After” now." in late.text
    assert dict(late.form(path).fields)["name"] == "Too late"
    knowing = visitor.submit(late, path)
    assert knowing.status == 303
    assert "Too late" in visitor.follow(knowing).text


def _tenant_path(page: Shown) -> str:
    found = re.search(r"/reseller/tenants/tnt_\w+", page.text)
    assert found
    return found[0]


def test_an_emptied_contact_is_taken_away_and_an_emptied_name_is_not(visitor: Visitor) -> None:
    page = visitor.follow(create_tenant(visitor, "Blue", contact_email="a@example.com"))
    path = _tenant_path(page)
    page = visitor.follow(visitor.submit(page, path, contact_email=""))
    assert "a@example.com" not in page.text
    refused = visitor.submit(page, path, name="")
    assert refused.status == 422
    assert "Please fill this in." in refused.text


def test_deactivating_deleting_and_restoring(visitor: Visitor, reseller: Person) -> None:
    page = visitor.follow(create_tenant(visitor, "Blue Bottle"))
    path = _tenant_path(page)
    page = visitor.follow(visitor.submit(page, path + "/deactivate"))
    assert "Nobody can sign in to this tenant" in page.text
    page = visitor.follow(visitor.submit(page, path + "/reactivate"))
    question = visitor.get(path + "/delete")
    assert "Delete Blue Bottle?" in question.text
    gone = visitor.follow(visitor.submit(question, path + "/delete"))
    assert "its license is free" in gone.text
    assert pool(reseller) == (2, 0)
    again = visitor.submit(question, path + "/delete")
    assert again.status == 303
    page = visitor.get(path)
    back = visitor.follow(visitor.submit(page, path + "/restore"))
    assert "is back, active" in back.text
    assert pool(reseller) == (2, 1)


@pytest.mark.parametrize("deed", ["deactivate", "reactivate", "restore"])
def test_the_address_of_a_deed_leads_back_and_does_nothing(visitor: Visitor, deed: str) -> None:
    path = _tenant_path(visitor.follow(create_tenant(visitor, "Blue Bottle")))
    before = visitor.get(path).text
    back = visitor.get(f"{path}/{deed}")
    assert back.location == path
    assert visitor.follow(back).text == before


def test_a_tenant_whose_slug_was_taken_is_restored_under_another(visitor: Visitor) -> None:
    page = visitor.follow(create_tenant(visitor, "Bakery"))
    path = _tenant_path(page)
    visitor.submit(visitor.get(path + "/delete"), path + "/delete")
    early = visitor.get(path)
    assert "slug" not in dict(early.form(path + "/restore").fields)
    create_tenant(visitor, "Bakery")
    late = visitor.submit(early, path + "/restore")
    assert late.status == 409
    offered = dict(visitor.get(path).form(path + "/restore").fields)["slug"]
    assert offered.startswith("bakery-")
    assert dict(late.form(path + "/restore").fields)["slug"] == offered
    refused = visitor.submit(late, path + "/restore", slug="bakery")
    assert dict(refused.form(path + "/restore").fields)["slug"] == "bakery"
    assert "is taken" in refused.text
    back = visitor.follow(visitor.submit(late, path + "/restore"))
    assert "is back, active" in back.text
    assert f"tenant={offered}" in back.text


def test_a_tenant_shows_where_it_signs_in(visitor: Visitor) -> None:
    page = visitor.follow(create_tenant(visitor, "Blue Bottle"))
    address = re.search(r'data-copy="http[^"]*(/login\?[^"]*)"', page.text)
    assert address is not None
    assert "Sign in" in Visitor(app).get(unescape(address[1])).text


def test_restoring_without_a_license_says_why(visitor: Visitor) -> None:
    page = visitor.follow(create_tenant(visitor, "One"))
    path = _tenant_path(page)
    visitor.submit(visitor.get(path + "/delete"), path + "/delete")
    deleted = visitor.get(path)
    create_tenant(visitor, "Two")
    create_tenant(visitor, "Three")
    refused = visitor.submit(deleted, path + "/restore")
    assert refused.status == 409
    assert "All licenses are in use" in refused.text


def test_buying_leads_to_the_payment_page_and_back(
    visitor: Visitor, reseller: Person, stripe: StripeStandIn
) -> None:
    shown = visitor.get("/reseller/licenses?quantity=9")
    assert "10 licenses cost $25.00 less than 9" in shown.text
    left = visitor.submit(shown, "/reseller/licenses", quantity="10")
    assert left.status == 303
    assert left.location.startswith("http")
    assert "Waiting for your payment" in visitor.get("/reseller/licenses").text
    again = visitor.submit(shown, "/reseller/licenses", quantity="10")
    assert again.location == left.location
    purchase = reseller.api.get("/v1/resellers/me/purchases").json["data"][0]
    returned = visitor.get(f"/reseller/licenses?purchase={purchase['id']}")
    assert "Not paid yet" in visitor.follow(returned).text
    stripe.pay(left.location.rsplit("/", 1)[1])  # and no webhook ever comes
    page = visitor.follow(returned)
    assert "10 licenses added" in page.text
    assert pool(reseller) == (12, 0)


@pytest.mark.parametrize("quantity", ["0", "-1", "1e3", "abc", "100001", "９", "9" * 5000])
def test_a_quantity_that_is_none_is_refused(visitor: Visitor, quantity: str) -> None:
    shown = visitor.get("/reseller/licenses")
    assert visitor.submit(shown, "/reseller/licenses", quantity=quantity).status == 422
    assert visitor.get(f"/reseller/licenses?quantity={quantity[:100]}").status == 422


def test_another_resellers_things_are_not_there(people: People, visitor: Visitor) -> None:
    other = people.reseller(licenses=1)
    theirs = other.api.post("/v1/resellers/me/tenants", {"name": "Theirs"}).json["id"]
    missing = visitor.get("/reseller/tenants/tnt_01JD00000000000000000000")
    for path in ("", "/delete"):
        shown = visitor.get(f"/reseller/tenants/{theirs}{path}")
        assert shown.status == 404
        assert "There is no such tenant." in shown.text
    assert missing.status == 404
    deed = visitor.get("/reseller").form("/logout").fields
    for path in ("", "/delete", "/deactivate", "/reactivate", "/restore"):
        assert visitor.post(f"/reseller/tenants/{theirs}{path}", deed).status in (404, 422)


def test_an_admin_without_a_reseller_account_finds_no_reseller_pages(people: People) -> None:
    visitor = signed_in(people.admin)
    assert visitor.get("/reseller").status == 404


def test_searching_and_narrowing(visitor: Visitor) -> None:
    for name in ("Alpha", "Beta"):
        visitor.follow(create_tenant(visitor, name))
    text = visitor.get("/reseller/tenants?q=al").text
    assert "Alpha" in text
    assert "Beta" not in text
    assert "No tenant matches" in visitor.get("/reseller/tenants?status=inactive").text
    assert visitor.get("/reseller/tenants?status=nonsense").status == 200
    assert visitor.get("/reseller/tenants?cursor=nonsense").status == 422


def test_links_carry_the_stage_under_api_gateway(
    reseller: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLIC_URL", "https://abc.execute-api.example/api")
    settings.cache_clear()
    try:
        visitor = Visitor(app, "/api").sign_in(reseller.email, PASSWORD)
        for path in ("/reseller", "/reseller/licenses", "/reseller/tenants?create=1"):
            shown = visitor.get(path)
            assert shown.status == 200
            links = re.findall(r'(?:href|src|action)="(/[^"]*)"', shown.text)
            assert links
            assert [link for link in links if not link.startswith("/api/")] == []
        created = create_tenant(visitor, "Blue")
        assert created.location.startswith("/api/reseller/tenants/tnt_")
        asked = Visitor(app, "/api").get("/reseller/tenants")
        assert asked.location == "/api/login?next=%2Freseller%2Ftenants"
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_a_statement_is_printed_and_downloaded(
    people: People, visitor: Visitor, reseller: Person
) -> None:
    text = visitor.get("/reseller/statement").text
    assert "Allocation: Initial" in text
    assert '<span class="plus">+2</span>' in text
    file = visitor.get("/reseller/statement?from=2020-01-01&to=2099-12-31&format=csv")
    assert file.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert (
        'filename="statement-company-1-2020-01-01-to-2099-12-31.csv"'
        in file.headers["Content-Disposition"]
    )
    assert ",allocation,2,2," in file.text
    before = visitor.get("/reseller/statement?from=2020-01-01&to=2020-01-31").text
    assert "Nothing in this period" in before
    admin = signed_in(people.admin)
    assert admin.get(f"/admin/resellers/{reseller.reseller_id}/statement").status == 200


@pytest.mark.parametrize(
    "asked",
    ["from=soon", "from=2026-02-02&to=2026-01-01", "to=9999-12-31", "from=0001-01-01"],
)
def test_a_period_that_is_none_is_refused(visitor: Visitor, asked: str) -> None:
    assert visitor.get(f"/reseller/statement?{asked}").status == 422


def test_where_the_payment_page_leads_back_to_takes_no_dictation(visitor: Visitor) -> None:
    for path in ("/reseller/licenses", "/reseller/licenses/return"):
        led = visitor.get(f"{path}?purchase=x%0d%0aSet-Cookie:a=b%2F..%2F..%2Flogout")
        assert led.location.startswith("/reseller/purchases/x%0D%0ASet-Cookie%3Aa%3Db%2F..%2F")
        assert visitor.follow(led).status == 404


def test_a_purchase_that_could_not_be_settled_is_shown_as_it_is_stored(
    visitor: Visitor, reseller: Person, stripe: StripeStandIn, wire: Wire
) -> None:
    bought = buy_and_pay(reseller, stripe, 10, deliver=False)
    where = f"/reseller/purchases/{bought['id']}?returned=1"
    wire.before(cancelled("TransactionConflict"), times=10_000)
    assert "10 licenses added" not in visitor.get(where).text
    wire.forget()
    assert "10 licenses added" in visitor.get(where).text
