"""The simulator over HTTP: the API, the payment page, the dashboard, and the control endpoints."""

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
from tests.unit.stripe_simulator.shop import API_KEY, HOME, Shop


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
    response = site.handle("GET", path, {})
    return response, response.body.decode(errors="replace")


def post(site: Site, path: str, **form: str) -> HttpResponse:
    return site.handle("POST", path, {}, urlencode(form).encode())


def control(site: Site, path: str, **options: Any) -> tuple[int, Any]:
    response = site.handle("POST", f"/_control/{path}", {}, json.dumps(options).encode())
    return response.status, json.loads(response.body)


# Over sockets


def test_the_sdk_works_over_http(shop: Shop, server: SimulatorServer) -> None:
    client = stripe.StripeClient(API_KEY, base_addresses={"api": server.url})
    params: Any = shop.session_params()
    session = client.v1.checkout.sessions.create(params)
    shop.simulator.pay(session.id)
    retrieved = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert retrieved.payment_status == "paid"


def test_a_lost_response_closes_the_connection(shop: Shop, server: SimulatorServer) -> None:
    shop.simulator.faults.fail(kind="drop_after")
    client = stripe.StripeClient(API_KEY, base_addresses={"api": server.url}, max_network_retries=0)
    params: Any = shop.session_params()
    with pytest.raises(stripe.APIConnectionError):
        client.v1.checkout.sessions.create(params)
    assert len(shop.simulator.all("checkout.session")) == 1


def test_a_buyer_can_pay_in_a_browser(shop: Shop, server: SimulatorServer) -> None:
    session = shop.create_session()
    connection = HTTPConnection(urlsplit(server.url).netloc)
    path = f"/pay/{session.id}"

    def send(method: str, path: str, body: str | None = None) -> tuple[HTTPResponse, str]:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response, response.read().decode()

    page, html = send("GET", path)
    assert page.status == 200
    assert "Pay $200.00" in html
    paid, _ = send("POST", path, "do=pay&method=card&email=ada%40example.com")
    connection.close()
    assert (paid.status, paid.headers["Location"]) == (
        303,
        f"{HOME}/thanks?session={session.id}",
    )
    assert shop.retrieve(session.id).customer_details.email == "ada@example.com"


def test_webhook_delivery_posts_to_a_url_from_a_background_thread(shop: Shop) -> None:
    received = threading.Event()

    class Webhook(Site):
        def handle(
            self, method: str, path_and_query: str, headers: Mapping[str, str], body: bytes = b""
        ) -> HttpResponse:
            assert (method, path_and_query) == ("POST", "/stripe/webhook")
            assert json.loads(body)["type"] == "checkout.session.expired"
            received.set()
            return HttpResponse(200)

    endpoint = SimulatorServer(Webhook(shop.simulator))
    endpoint.start()
    delivery = WebhookDelivery(shop.simulator, f"{endpoint.url}/stripe/webhook")
    delivery.start()
    shop.simulator.expire(shop.create_session().id)
    assert received.wait(timeout=10)
    delivery.stop()
    endpoint.stop()


# The payment page


def test_the_payment_page_has_no_scripts_and_a_strict_policy(shop: Shop, site: Site) -> None:
    session = shop.create_session()
    response, html = get(site, f"/pay/{session.id}")
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert f"form-action 'self' {HOME}" in response.headers["Content-Security-Policy"]
    assert "<script" not in html
    assert "style=" not in html
    assert "No real money is charged" in html
    assert f'href="{HOME}/cart"' in html
    assert get(site, "/pay/assets/simulator.css")[0].headers["Content-Type"].startswith("text/css")
    assert get(site, "/pay/assets/icon.svg")[0].status == 200
    assert get(site, "/pay/assets/secrets.txt")[0].status == 404


def test_the_product_name_is_escaped(shop: Shop, site: Site) -> None:
    price = {"currency": "usd", "unit_amount": 100, "product_data": {"name": "<script>1</script>"}}
    session = shop.create_session(line_items=[{"price_data": price, "quantity": 1}])
    assert "&lt;script&gt;" in get(site, f"/pay/{session.id}")[1]


def test_the_email_of_a_known_customer_is_read_only(shop: Shop, site: Site) -> None:
    customer = shop.stripe.v1.customers.create({"email": "a@b.example"})
    session = shop.create_session(customer=customer.id)
    assert 'value="a@b.example" readonly' in get(site, f"/pay/{session.id}")[1]


def test_a_buyer_can_pay_by_bank_debit_after_a_declined_card(shop: Shop, site: Site) -> None:
    session = shop.create_session()
    declined = post(site, f"/pay/{session.id}", do="pay", method="declined")
    assert "Your card was declined." in get(site, declined.headers["Location"])[1]
    post(site, f"/pay/{session.id}", do="pay", method="bank")
    assert shop.retrieve(session.id).payment_intent.status == "processing"
    assert "can take a few days" in get(site, f"/pay/{session.id}")[1]


def test_a_promotion_code_can_be_applied_on_the_page(shop: Shop, site: Site) -> None:
    session = shop.create_session(allow_promotion_codes=True)
    wrong = post(site, f"/pay/{session.id}", do="apply", promotion_code="NOPE")
    assert "This code is invalid." in get(site, wrong.headers["Location"])[1]
    post(site, f"/pay/{session.id}", do="apply", promotion_code="FREE100")
    assert "Complete order" in get(site, f"/pay/{session.id}")[1]
    post(site, f"/pay/{session.id}", do="pay")
    assert shop.retrieve(session.id).payment_status == "no_payment_required"


def test_closed_sessions_show_their_outcome(shop: Shop, site: Site) -> None:
    expired, paid = shop.create_session(), shop.create_session()
    shop.simulator.expire(expired.id)
    shop.simulator.pay(paid.id)
    assert "has expired" in get(site, f"/pay/{expired.id}")[1]
    assert "all done here" in get(site, f"/pay/{paid.id}")[1]
    post(site, f"/pay/{expired.id}", do="pay", method="card")
    assert shop.retrieve(expired.id).status == "expired"
    assert get(site, "/pay/cs_nothing")[0].status == 404


def test_receipts_and_invoices_are_served(shop: Shop, site: Site) -> None:
    session = shop.paid_session(invoice_creation={"enabled": True})
    receipt = urlsplit(session.payment_intent.latest_charge.receipt_url).path
    assert "$200.00" in get(site, receipt)[1]
    assert session.invoice.number in get(site, urlsplit(session.invoice.hosted_invoice_url).path)[1]
    pdf = site.handle("GET", urlsplit(session.invoice.invoice_pdf).path, {}).body
    assert pdf.startswith(b"%PDF-1.4")
    assert pdf[int(pdf.split()[-2]) :].startswith(b"xref")  # the trailer points at the xref table
    assert get(site, "/pay/invoices/in_nothing")[0].status == 404


# The control endpoints and the dashboard


def test_control_endpoints_run_actions_and_faults(
    shop: Shop, site: Site, delivery: WebhookDelivery
) -> None:
    session = shop.create_session(allow_promotion_codes=True).id
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
        shop.retrieve(session)
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
def test_control_endpoints_explain_errors(
    shop: Shop, site: Site, path: str, options: dict[str, Any], status: int
) -> None:
    session = shop.create_session()
    actual_status, content = control(site, path.format(id=session.id), **options)
    assert actual_status == status
    assert content["error"]


def test_dashboard_buttons_run_actions(shop: Shop, site: Site, delivery: WebhookDelivery) -> None:
    session = shop.paid_session()
    shop.simulator.pay_later(shop.create_session().id)
    post(site, f"/stripe/dashboard/sessions/{session.id}/refund", amount="5000", pending="on")
    post(site, f"/stripe/dashboard/sessions/{session.id}/dispute", inquiry="on")
    post(site, "/stripe/dashboard/webhooks", mode="delay")
    _, html = get(site, "/stripe")
    for text in ("Refund $50.00", "warning needs response", "Escalate", "Bank confirms"):
        assert text in html
    assert delivery.mode == "delay"
    refused = post(site, f"/stripe/dashboard/sessions/{session.id}/dispute")
    assert "is already disputed" in get(site, refused.headers["Location"])[1]


def test_cross_site_posts_are_refused(site: Site) -> None:
    cross_site = {"Sec-Fetch-Site": "cross-site"}
    assert site.handle("POST", "/_control/faults", cross_site, b"{}").status == 403
    assert site.handle("GET", "/stripe", cross_site).status == 200


def test_the_site_serves_its_pages_and_control_endpoints_only() -> None:
    served = ["/pay/cs_1", "/pay/assets/simulator.css", "/stripe", "/stripe/dashboard/webhooks"]
    assert all(Site.serves(path) for path in [*served, "/_control/faults"])
    assert not any(Site.serves(path) for path in ["/stripe/webhook", "/v1/tenants", "/reseller"])
