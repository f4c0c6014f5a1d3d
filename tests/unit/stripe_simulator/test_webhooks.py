"""Webhooks: signed as Stripe signs, and delivered as well or as badly as asked."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import stripe

from infra.local.stripe_simulator.webhook_delivery import WebhookDelivery
from infra.local.stripe_simulator.webhooks import signature
from tests.unit.stripe_simulator.merchant import SECRET, Shop


class Endpoint:
    """The product's webhook: checks the signature, remembers what came, answers a status."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.status = 200
        self.came: list[str] = []

    def __call__(self, headers: Mapping[str, str], body: bytes) -> int:
        event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], SECRET)
        self.came.append(event.id)
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
    shop.paid()
    (event,) = shop.simulator.events("checkout.session.completed")
    headers, body = shop.simulator.signed(event)
    read = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], SECRET)
    assert (read.type, read.data.object.payment_status) == ("checkout.session.completed", "paid")


@pytest.mark.parametrize("tampered", ["body", "secret"])
def test_the_sdk_rejects_what_was_tampered_with(shop: Shop, tampered: str) -> None:
    shop.paid()
    headers, body = shop.simulator.signed(shop.simulator.events()[0])
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(
            body + b" " if tampered == "body" else body,
            headers["Stripe-Signature"],
            "whsec_other" if tampered == "secret" else SECRET,
        )


def test_an_old_signature_is_rejected(shop: Shop) -> None:
    shop.paid()
    headers, body = shop.simulator.signed(shop.simulator.events()[0], at=1_700_000_000)
    with pytest.raises(stripe.SignatureVerificationError, match="outside the tolerance zone"):
        stripe.Webhook.construct_event(body, headers["Stripe-Signature"], SECRET)


def test_while_a_secret_is_rolled_both_sign(shop: Shop) -> None:
    header = signature(b"{}", ["whsec_old", "whsec_new"], 1)
    for secret in ("whsec_old", "whsec_new"):
        assert stripe.WebhookSignature.verify_header("{}", header, secret)


def test_normal(shop: Shop, delivery: WebhookDelivery, endpoint: Endpoint) -> None:
    shop.paid()
    assert endpoint.came == []  # nothing moves before it is told to
    delivery.run()
    delivery.run()
    assert endpoint.came == ids(shop)


def test_double(shop: Shop, delivery: WebhookDelivery, endpoint: Endpoint) -> None:
    delivery.switch("double")
    shop.paid()
    delivery.run()
    assert endpoint.came == [id for id in ids(shop) for _ in range(2)]


def test_drop(shop: Shop, delivery: WebhookDelivery, endpoint: Endpoint) -> None:
    delivery.switch("drop")
    shop.paid()
    delivery.run()
    assert (endpoint.came, len(delivery.dropped)) == ([], len(ids(shop)))


def test_shuffle(shop: Shop, delivery: WebhookDelivery, endpoint: Endpoint) -> None:
    delivery.switch("shuffle")
    shop.paid()
    delivery.run()
    assert endpoint.came != ids(shop)
    assert sorted(endpoint.came) == sorted(ids(shop))


@pytest.mark.parametrize("shuffled", [True, False])
def test_delay_and_release(
    shop: Shop, delivery: WebhookDelivery, endpoint: Endpoint, shuffled: bool
) -> None:
    delivery.switch("delay")
    shop.paid()
    delivery.run()
    assert endpoint.came == []
    delivery.release(shuffled=shuffled)
    assert (endpoint.came == ids(shop)) is not shuffled
    assert sorted(endpoint.came) == sorted(ids(shop))


def test_a_switch_leaves_alone_what_happened_before(
    shop: Shop, delivery: WebhookDelivery, endpoint: Endpoint
) -> None:
    shop.paid()
    before = ids(shop)
    delivery.switch("drop")
    shop.paid()
    delivery.run()
    assert endpoint.came == before
    with pytest.raises(ValueError, match="mode must be one of"):
        delivery.switch("loud")


def test_a_failed_delivery_is_tried_again_ever_more_rarely(
    shop: Shop, delivery: WebhookDelivery, endpoint: Endpoint
) -> None:
    shop.simulator.expire(shop.checkout().id)
    endpoint.status = 500
    requests = []
    for _ in range(8):
        requests.append(delivery.run())
        shop.clock.passes(seconds=1)
    assert requests == [1, 1, 0, 1, 0, 0, 0, 1]
    endpoint.status = 200
    assert delivery.retry() == 1
    assert delivery.retry() == 0


def test_stripe_gives_up_after_days(
    shop: Shop, delivery: WebhookDelivery, endpoint: Endpoint
) -> None:
    shop.simulator.expire(shop.checkout().id)
    endpoint.status = 500
    delivery.run()
    shop.clock.passes(hours=73)
    assert delivery.run() == 1
    assert delivery.waiting == []


def test_one_event_by_hand(shop: Shop, delivery: WebhookDelivery, endpoint: Endpoint) -> None:
    delivery.switch("drop")
    shop.paid()
    event = shop.simulator.events()[1]
    assert delivery.send(event) == 200
    assert endpoint.came == [event["id"]]


def test_nobody_at_the_endpoint(shop: Shop) -> None:
    delivery = WebhookDelivery(shop.simulator, "http://127.0.0.1:1/stripe/webhook")
    shop.simulator.expire(shop.checkout().id)
    delivery.run()
    assert [(d.status, d.arrived) for d in delivery.waiting] == [(0, False)]
