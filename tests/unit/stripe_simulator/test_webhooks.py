"""Webhooks: Stripe's signature and the delivery modes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import stripe

from infra.local.stripe_simulator.webhook_delivery import WebhookDelivery
from infra.local.stripe_simulator.webhooks import signature
from tests.unit.stripe_simulator.shop import SECRET, Shop


class Endpoint:
    """A webhook endpoint that checks signatures, records event IDs, and returns `status`."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.status = 200
        self.received: list[str] = []

    def __call__(self, headers: Mapping[str, str], body: bytes) -> int:
        event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], SECRET)
        self.received.append(event.id)
        return self.status


@pytest.fixture
def endpoint(shop: Shop) -> Endpoint:
    return Endpoint(shop)


@pytest.fixture
def delivery(shop: Shop, endpoint: Endpoint) -> WebhookDelivery:
    return WebhookDelivery(shop.simulator, endpoint)


def ids(shop: Shop) -> list[str]:
    return [event["id"] for event in shop.simulator.events()]


def test_the_sdk_accepts_the_signature(shop: Shop) -> None:
    shop.paid_session()
    (event,) = shop.simulator.events("checkout.session.completed")
    headers, body = shop.simulator.signed(event)
    parsed = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], SECRET)
    assert (parsed.type, parsed.data.object.payment_status) == (
        "checkout.session.completed",
        "paid",
    )


@pytest.mark.parametrize("tampered", ["body", "secret"])
def test_the_sdk_rejects_a_tampered_body_or_another_secret(shop: Shop, tampered: str) -> None:
    shop.paid_session()
    headers, body = shop.simulator.signed(shop.simulator.events()[0])
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(
            body + b" " if tampered == "body" else body,
            headers["Stripe-Signature"],
            "whsec_other" if tampered == "secret" else SECRET,
        )


def test_the_sdk_rejects_an_old_signature(shop: Shop) -> None:
    shop.paid_session()
    headers, body = shop.simulator.signed(shop.simulator.events()[0], at=1_700_000_000)
    with pytest.raises(stripe.SignatureVerificationError, match="outside the tolerance zone"):
        stripe.Webhook.construct_event(body, headers["Stripe-Signature"], SECRET)


def test_both_secrets_sign_during_rotation(shop: Shop) -> None:
    header = signature(b"{}", ["whsec_old", "whsec_new"], 1)
    for secret in ("whsec_old", "whsec_new"):
        assert stripe.WebhookSignature.verify_header("{}", header, secret)


def test_normal_mode_delivers_each_event_once_in_order(
    shop: Shop, delivery: WebhookDelivery, endpoint: Endpoint
) -> None:
    shop.paid_session()
    assert endpoint.received == []  # nothing is sent before deliver_due
    delivery.deliver_due()
    delivery.deliver_due()
    assert endpoint.received == ids(shop)


def test_double_mode_delivers_each_event_twice(
    shop: Shop, delivery: WebhookDelivery, endpoint: Endpoint
) -> None:
    delivery.set_mode("double")
    shop.paid_session()
    delivery.deliver_due()
    assert endpoint.received == [id for id in ids(shop) for _ in range(2)]


def test_drop_mode_delivers_nothing(
    shop: Shop, delivery: WebhookDelivery, endpoint: Endpoint
) -> None:
    delivery.set_mode("drop")
    shop.paid_session()
    delivery.deliver_due()
    assert (endpoint.received, len(delivery.dropped)) == ([], len(ids(shop)))


def test_shuffle_mode_changes_the_order(
    shop: Shop, delivery: WebhookDelivery, endpoint: Endpoint
) -> None:
    delivery.set_mode("shuffle")
    shop.paid_session()
    delivery.deliver_due()
    assert endpoint.received != ids(shop)
    assert sorted(endpoint.received) == sorted(ids(shop))


@pytest.mark.parametrize("shuffled", [True, False])
def test_delay_mode_holds_events_until_they_are_released(
    shop: Shop, delivery: WebhookDelivery, endpoint: Endpoint, shuffled: bool
) -> None:
    delivery.set_mode("delay")
    shop.paid_session()
    delivery.deliver_due()
    assert endpoint.received == []
    delivery.release_held(shuffled=shuffled)
    assert (endpoint.received == ids(shop)) is not shuffled
    assert sorted(endpoint.received) == sorted(ids(shop))


def test_setting_the_mode_does_not_affect_earlier_events(
    shop: Shop, delivery: WebhookDelivery, endpoint: Endpoint
) -> None:
    shop.paid_session()
    before = ids(shop)
    delivery.set_mode("drop")
    shop.paid_session()
    delivery.deliver_due()
    assert endpoint.received == before
    with pytest.raises(ValueError, match="mode must be one of"):
        delivery.set_mode("loud")


def test_failed_deliveries_are_retried_with_exponential_backoff(
    shop: Shop, delivery: WebhookDelivery, endpoint: Endpoint
) -> None:
    shop.simulator.expire(shop.create_session().id)
    endpoint.status = 500
    requests = []
    for _ in range(8):
        requests.append(delivery.deliver_due())
        shop.clock.advance(seconds=1)
    assert requests == [1, 1, 0, 1, 0, 0, 0, 1]
    endpoint.status = 200
    assert delivery.retry_failed() == 1
    assert delivery.retry_failed() == 0


def test_retries_stop_after_three_days(
    shop: Shop, delivery: WebhookDelivery, endpoint: Endpoint
) -> None:
    shop.simulator.expire(shop.create_session().id)
    endpoint.status = 500
    delivery.deliver_due()
    shop.clock.advance(hours=73)
    assert delivery.deliver_due() == 1
    assert delivery.waiting == []


def test_deliver_now_ignores_the_mode(
    shop: Shop, delivery: WebhookDelivery, endpoint: Endpoint
) -> None:
    delivery.set_mode("drop")
    shop.paid_session()
    event = shop.simulator.events()[1]
    assert delivery.deliver_now(event) == 200
    assert endpoint.received == [event["id"]]


def test_a_connection_failure_counts_as_status_0(shop: Shop) -> None:
    delivery = WebhookDelivery(shop.simulator, "http://127.0.0.1:1/stripe/webhook")
    shop.simulator.expire(shop.create_session().id)
    delivery.deliver_due()
    assert [(d.status, d.succeeded) for d in delivery.waiting] == [(0, False)]
