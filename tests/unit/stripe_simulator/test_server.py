"""The stand-in over HTTP: the API, the payment page, the dashboard, the control endpoints."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import stripe

from infra.local.stripe_simulator.http_response import HttpResponse
from infra.local.stripe_simulator.server import SimulatorServer
from infra.local.stripe_simulator.site import Site
from infra.local.stripe_simulator.webhook_delivery import WebhookDelivery
from tests.unit.stripe_simulator.merchant import API_KEY, HOME, Shop


@pytest.fixture
def delivery(shop: Shop) -> WebhookDelivery:
    return WebhookDelivery(shop.simulator, lambda headers, body: 200)


@pytest.fixture
def site(shop: Shop, delivery: WebhookDelivery) -> Site:
    return Site(shop.simulator, delivery)


@pytest.fixture
def server(site: Site) -> Iterator[SimulatorServer]:
    server = SimulatorServer(site)
    server.start()
    yield server
    server.stop()


def get(site: Site, path: str) -> tuple[HttpResponse, str]:
    answer = site.handle("GET", path, {})
    return answer, answer.body.decode(errors="replace")


def post(site: Site, path: str, **form: str) -> HttpResponse:
    return site.handle("POST", path, {}, urlencode(form).encode())


def control(site: Site, path: str, **options: Any) -> tuple[int, Any]:
    answer = site.handle("POST", f"/_control/{path}", {}, json.dumps(options).encode())
    return answer.status, json.loads(answer.body)


# Over sockets


def test_the_sdk_over_http(shop: Shop, server: SimulatorServer) -> None:
    client = stripe.StripeClient(API_KEY, base_addresses={"api": server.url})
    params: Any = shop.order()
    session = client.v1.checkout.sessions.create(params)
    shop.simulator.pay(session.id)
    seen = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert seen.payment_status == "paid"


def test_a_lost_answer_is_a_closed_socket(shop: Shop, server: SimulatorServer) -> None:
    shop.simulator.faults.fail(kind="drop_after")
    client = stripe.StripeClient(API_KEY, base_addresses={"api": server.url}, max_network_retries=0)
    params: Any = shop.order()
    with pytest.raises(stripe.APIConnectionError):
        client.v1.checkout.sessions.create(params)
    assert len(shop.simulator.all("checkout.session")) == 1


def test_a_buyer_in_a_browser(shop: Shop, server: SimulatorServer) -> None:
    session = shop.checkout()
    connection = HTTPConnection(urlsplit(server.url).netloc)
    path = f"/pay/{session.id}"

    def ask(method: str, path: str, body: str | None = None) -> tuple[HTTPResponse, str]:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response, response.read().decode()

    shown, html = ask("GET", path)
    assert shown.status == 200
    assert "Pay $200.00" in html
    paid, _ = ask("POST", path, "do=pay&method=card&email=ada%40example.com")
    connection.close()
    assert (paid.status, paid.headers["Location"]) == (
        303,
        f"{HOME}/thanks?session={session.id}",
    )
    assert shop.look(session.id).customer_details.email == "ada@example.com"


def test_the_webhook_sender_posts_to_a_url_from_a_thread_of_its_own(shop: Shop) -> None:
    arrived = threading.Event()

    class Webhook(Site):
        def handle(
            self, method: str, path_and_query: str, headers: Mapping[str, str], body: bytes = b""
        ) -> HttpResponse:
            assert (method, path_and_query) == ("POST", "/stripe/webhook")
            assert json.loads(body)["type"] == "checkout.session.expired"
            arrived.set()
            return HttpResponse(200)

    endpoint = SimulatorServer(Webhook(shop.simulator))
    endpoint.start()
    delivery = WebhookDelivery(shop.simulator, f"{endpoint.url}/stripe/webhook")
    delivery.start()
    shop.simulator.expire(shop.checkout().id)
    assert arrived.wait(timeout=10)
    delivery.stop()
    endpoint.stop()


# The payment page


def test_the_payment_page_needs_no_script_and_allows_none(shop: Shop, site: Site) -> None:
    session = shop.checkout()
    answer, html = get(site, f"/pay/{session.id}")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert f"form-action 'self' {HOME}" in answer.headers["Content-Security-Policy"]
    assert "<script" not in html
    assert "style=" not in html
    assert "no money moves" in html
    assert f'href="{HOME}/cart"' in html
    assert get(site, "/pay/assets/stand-in.css")[0].headers["Content-Type"].startswith("text/css")
    assert get(site, "/pay/assets/icon.svg")[0].status == 200
    assert get(site, "/pay/assets/secrets.txt")[0].status == 404


def test_what_the_merchant_wrote_is_escaped(shop: Shop, site: Site) -> None:
    price = {"currency": "usd", "unit_amount": 100, "product_data": {"name": "<script>1</script>"}}
    session = shop.checkout(line_items=[{"price_data": price, "quantity": 1}])
    assert "&lt;script&gt;" in get(site, f"/pay/{session.id}")[1]


def test_a_known_customer_is_not_asked_again(shop: Shop, site: Site) -> None:
    customer = shop.stripe.v1.customers.create({"email": "a@b.example"})
    session = shop.checkout(customer=customer.id)
    assert 'value="a@b.example" readonly' in get(site, f"/pay/{session.id}")[1]


def test_a_declined_card_can_be_followed_by_a_bank_debit(shop: Shop, site: Site) -> None:
    session = shop.checkout()
    declined = post(site, f"/pay/{session.id}", do="pay", method="declined")
    assert "Your card was declined." in get(site, declined.headers["Location"])[1]
    post(site, f"/pay/{session.id}", do="pay", method="bank")
    assert shop.look(session.id).payment_intent.status == "processing"
    assert "can take a few days" in get(site, f"/pay/{session.id}")[1]


def test_a_promotion_code_on_the_page(shop: Shop, site: Site) -> None:
    session = shop.checkout(allow_promotion_codes=True)
    wrong = post(site, f"/pay/{session.id}", do="apply", promotion_code="NOPE")
    assert "This code is invalid." in get(site, wrong.headers["Location"])[1]
    post(site, f"/pay/{session.id}", do="apply", promotion_code="FREE100")
    assert "Complete order" in get(site, f"/pay/{session.id}")[1]
    post(site, f"/pay/{session.id}", do="pay")
    assert shop.look(session.id).payment_status == "no_payment_required"


def test_pages_of_sessions_that_are_over(shop: Shop, site: Site) -> None:
    expired, paid = shop.checkout(), shop.checkout()
    shop.simulator.expire(expired.id)
    shop.simulator.pay(paid.id)
    assert "has expired" in get(site, f"/pay/{expired.id}")[1]
    assert "all done here" in get(site, f"/pay/{paid.id}")[1]
    post(site, f"/pay/{expired.id}", do="pay", method="card")
    assert shop.look(expired.id).status == "expired"
    assert get(site, "/pay/cs_nothing")[0].status == 404


def test_receipts_and_invoices(shop: Shop, site: Site) -> None:
    session = shop.paid(invoice_creation={"enabled": True})
    receipt = urlsplit(session.payment_intent.latest_charge.receipt_url).path
    assert "$200.00" in get(site, receipt)[1]
    assert session.invoice.number in get(site, urlsplit(session.invoice.hosted_invoice_url).path)[1]
    pdf = site.handle("GET", urlsplit(session.invoice.invoice_pdf).path, {}).body
    assert pdf.startswith(b"%PDF-1.4")
    assert pdf[int(pdf.split()[-2]) :].startswith(b"xref")  # the table is where the end says
    assert get(site, "/pay/invoices/in_nothing")[0].status == 404


# The control endpoints and the dashboard


def test_a_walkthrough_with_nothing_but_http(
    shop: Shop, site: Site, delivery: WebhookDelivery
) -> None:
    session = shop.checkout(allow_promotion_codes=True).id
    assert control(site, f"sessions/{session}/pay", method="delayed")[0] == 200
    assert control(site, f"sessions/{session}/bank-confirms")[1]["payment_status"] == "paid"
    _, refund = control(site, f"sessions/{session}/refund", amount=5_000, pending=True)
    assert (refund["amount"], refund["status"]) == (5_000, "pending")
    assert control(site, f"refunds/{refund['id']}/fails")[1]["status"] == "failed"
    _, dispute = control(site, f"sessions/{session}/dispute", inquiry=True)
    assert dispute["status"] == "warning_needs_response"
    assert control(site, f"disputes/{dispute['id']}/escalate")[0] == 200
    assert control(site, f"disputes/{dispute['id']}/win")[1]["status"] == "won"
    assert control(site, "webhooks", mode="drop")[1]["mode"] == "drop"
    assert control(site, "faults", kind="500", next=3)[0] == 200
    with pytest.raises(stripe.APIError):
        shop.look(session)
    assert json.loads(get(site, "/_control/events")[1])["data"] == shop.simulator.events()


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("sessions/{id}/bank-confirms", {}, 409),
        ("sessions/cs_nothing/pay", {}, 409),
        ("sessions/{id}/pay", {"method": "shells"}, 409),
        ("sessions/{id}/pay", {"promotion_code": "NOPE"}, 409),
        ("sessions/{id}/fly", {}, 404),
        ("webhooks", {"mode": "loud"}, 409),
        ("webhooks", {}, 409),
        ("faults", {"kind": "earthquake"}, 409),
        ("promotion-codes", {"code": "X", "percent_off": 0}, 409),
    ],
)
def test_control_says_what_it_cannot_do(
    shop: Shop, site: Site, path: str, options: dict[str, Any], status: int
) -> None:
    session = shop.checkout()
    answered, content = control(site, path.format(id=session.id), **options)
    assert answered == status
    assert content["error"]


def test_the_dashboard_and_its_buttons(shop: Shop, site: Site, delivery: WebhookDelivery) -> None:
    session = shop.paid()
    shop.simulator.pay_later(shop.checkout().id)
    post(site, f"/stripe/dashboard/sessions/{session.id}/refund", amount="5000", pending="on")
    post(site, f"/stripe/dashboard/sessions/{session.id}/dispute", inquiry="on")
    post(site, "/stripe/dashboard/webhooks", mode="delay")
    _, html = get(site, "/stripe")
    for text in ("Refund $50.00", "warning needs response", "Escalate", "Bank confirms"):
        assert text in html
    assert delivery.mode == "delay"
    refused = post(site, f"/stripe/dashboard/sessions/{session.id}/dispute")
    assert "is disputed already" in get(site, refused.headers["Location"])[1]


def test_another_site_cannot_press_the_buttons(site: Site) -> None:
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert site.handle("POST", "/_control/faults", elsewhere, b"{}").status == 403
    assert site.handle("GET", "/stripe", elsewhere).status == 200


def test_which_paths_a_mounting_server_hands_over() -> None:
    ours = ["/pay/cs_1", "/pay/assets/stand-in.css", "/stripe", "/stripe/dashboard/webhooks"]
    assert all(Site.serves(path) for path in [*ours, "/_control/faults"])
    assert not any(Site.serves(path) for path in ["/stripe/webhook", "/v1/tenants", "/reseller"])
