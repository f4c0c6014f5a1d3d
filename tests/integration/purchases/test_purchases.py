"""Buying licenses through the API, Stripe's payment page, and the webhook."""

from chalicelib.functions.stripe_webhook import stripe_webhook
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.support.people import People


def deliver_all(stripe: StripeSimulator) -> list[int]:
    """Deliver every event to the webhook, and return the status codes."""
    statuses = []
    for event in stripe.events():
        headers, body = stripe.signed(event)
        answer = stripe_webhook(
            {
                "headers": {name.lower(): value for name, value in headers.items()},
                "requestContext": {"http": {"method": "POST"}},
                "body": body.decode(),
                "isBase64Encoded": False,
            },
            None,
        )
        statuses.append(answer["statusCode"])
    return statuses


def session_of(purchase: dict[str, str]) -> str:
    return purchase["checkout_url"].rsplit("/", 1)[1]


def test_a_paid_purchase_adds_its_licenses(people: People, stripe: StripeSimulator) -> None:
    buyer = people.reseller()
    purchase = buyer.api.post("/v1/resellers/me/purchases", {"quantity": 12})
    assert purchase.status == 201
    assert (purchase.json["unit_amount"], purchase.json["total"]) == (2000, 24000)

    stripe.pay(session_of(purchase.json))
    assert set(deliver_all(stripe)) == {200}

    paid = buyer.api.get(f"/v1/resellers/me/purchases/{purchase.json['id']}").json
    assert (paid["status"], paid["licenses_granted"]) == ("paid", 12)
    assert buyer.api.get("/v1/resellers/me/licenses").json["license_count"] == 12


def test_a_repeated_order_returns_the_open_checkout(
    people: People, stripe: StripeSimulator
) -> None:
    buyer = people.reseller()
    first = buyer.api.post("/v1/resellers/me/purchases", {"quantity": 3}).json
    again = buyer.api.post("/v1/resellers/me/purchases", {"quantity": 3}).json
    other = buyer.api.post("/v1/resellers/me/purchases", {"quantity": 4}).json
    assert first == again
    assert other["id"] != first["id"]
