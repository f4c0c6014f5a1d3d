"""The reseller's pages, tested without a browser or scripts."""

import pytest

from app import app
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.support.aws_faults import AwsFaults, transaction_canceled
from tests.support.page_client import PageClient, create_tenant, signed_in
from tests.support.people import PASSWORD, People, Person
from tests.support.purchases import buy_and_pay


def test_sign_in_returns_to_the_requested_page(people: People, reseller: Person) -> None:
    client = PageClient(app)
    redirect = client.get("/reseller/tenants?q=a b&status=active")
    assert redirect.status == 303
    sign_in = client.get(redirect.location)
    landed = client.submit(sign_in, "/login", email=reseller.email, password=PASSWORD)
    assert landed.location == "/reseller/tenants?q=a+b&status=active"
    assert client.follow(landed).status == 200


def test_the_overview_shows_the_pool_and_recent_activity(client: PageClient) -> None:
    create_tenant(client, "Blue Bottle")
    text = client.get("/reseller").text
    assert "of 2 licenses used" in text
    assert "Blue Bottle created" in text
    assert "2 licenses allocated to you" in text


def test_buying_leads_to_the_payment_page_and_back(
    client: PageClient, reseller: Person, stripe: StripeSimulator
) -> None:
    shown = client.get("/reseller/licenses?quantity=9")
    assert "10 licenses cost $25.00 less than 9" in shown.text
    left = client.submit(shown, "/reseller/licenses", quantity="10")
    assert left.status == 303
    assert left.location.startswith("http")
    assert "Waiting for your payment" in client.get("/reseller/licenses").text
    again = client.submit(shown, "/reseller/licenses", quantity="10")
    assert again.location == left.location
    purchase = reseller.api.get("/v1/resellers/me/purchases").json["data"][0]
    returned = client.get(f"/reseller/licenses?purchase={purchase['id']}")
    assert "Not paid yet" in client.follow(returned).text
    stripe.pay(left.location.rsplit("/", 1)[1])  # the webhook never arrives
    page = client.follow(returned)
    assert "10 licenses added" in page.text
    assert reseller.pool == (12, 0)


@pytest.mark.parametrize("quantity", ["0", "-1", "1e3", "abc", "100001", "９", "9" * 5000])
def test_an_invalid_quantity_is_refused(client: PageClient, quantity: str) -> None:
    shown = client.get("/reseller/licenses")
    assert client.submit(shown, "/reseller/licenses", quantity=quantity).status == 422
    assert client.get(f"/reseller/licenses?quantity={quantity[:100]}").status == 422


def test_another_resellers_tenant_is_not_found(people: People, client: PageClient) -> None:
    other = people.reseller(licenses=1)
    theirs = other.api.post("/v1/resellers/me/tenants", {"name": "Theirs"}).json["id"]
    missing = client.get("/reseller/tenants/tnt_01JD00000000000000000000")
    for path in ("", "/delete"):
        shown = client.get(f"/reseller/tenants/{theirs}{path}")
        assert shown.status == 404
        assert "This tenant does not exist." in shown.text
    assert missing.status == 404
    csrf_fields = client.get("/reseller").form("/logout").fields
    for path in ("", "/delete", "/deactivate", "/reactivate", "/restore"):
        assert client.post(f"/reseller/tenants/{theirs}{path}", csrf_fields).status in (404, 422)


def test_an_admin_without_a_reseller_account_has_no_reseller_pages(people: People) -> None:
    client = signed_in(people.admin)
    assert client.get("/reseller").status == 404


def test_a_statement_can_be_viewed_and_downloaded(
    people: People, client: PageClient, reseller: Person
) -> None:
    text = client.get("/reseller/statement").text
    assert "Allocation: Initial" in text
    assert '<span class="plus">+2</span>' in text
    file = client.get("/reseller/statement?from=2020-01-01&to=2099-12-31&format=csv")
    assert file.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert (
        'filename="statement-company-1-2020-01-01-to-2099-12-31.csv"'
        in file.headers["Content-Disposition"]
    )
    assert ",allocation,2,2," in file.text
    before = client.get("/reseller/statement?from=2020-01-01&to=2020-01-31").text
    assert "Nothing in this period" in before
    admin = signed_in(people.admin)
    assert admin.get(f"/admin/resellers/{reseller.reseller_id}/statement").status == 200


@pytest.mark.parametrize(
    "query",
    ["from=soon", "from=2026-02-02&to=2026-01-01", "to=9999-12-31", "from=0001-01-01"],
)
def test_an_invalid_period_is_refused(client: PageClient, query: str) -> None:
    assert client.get(f"/reseller/statement?{query}").status == 422


def test_the_return_from_the_payment_page_cannot_be_redirected(client: PageClient) -> None:
    for path in ("/reseller/licenses", "/reseller/licenses/return"):
        led = client.get(f"{path}?purchase=x%0d%0aSet-Cookie:a=b%2F..%2F..%2Flogout")
        assert led.location.startswith("/reseller/purchases/x%0D%0ASet-Cookie%3Aa%3Db%2F..%2F")
        assert client.follow(led).status == 404


def test_a_purchase_that_cannot_be_settled_is_shown_as_stored(
    client: PageClient, reseller: Person, stripe: StripeSimulator, aws_faults: AwsFaults
) -> None:
    bought = buy_and_pay(reseller, stripe, 10, deliver=False)
    where = f"/reseller/purchases/{bought['id']}?returned=1"
    aws_faults.before(transaction_canceled("TransactionConflict"), times=10_000)
    assert "10 licenses added" not in client.get(where).text
    aws_faults.clear()
    assert "10 licenses added" in client.get(where).text
