"""A POST request with an Idempotency-Key takes effect once, even if responses are lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from tests.unit.stripe_simulator.shop import Shop


def test_a_repeated_request_replays_the_first_response(shop: Shop) -> None:
    first = shop.create_session(key="pur_1")
    shop.simulator.pay(first.id)
    second = shop.create_session(key="pur_1")
    assert second.id == first.id
    assert second.status == "open"  # the saved response, not the current session
    assert second.last_response is not None
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(shop.simulator.all("checkout.session")) == 1


def test_a_key_cannot_be_reused_with_other_parameters(shop: Shop) -> None:
    shop.create_session(key="pur_1")
    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        shop.create_session(key="pur_1", client_reference_id="pur_2")


def test_a_key_expires_after_a_day(shop: Shop) -> None:
    first = shop.create_session(key="pur_1")
    shop.clock.advance(hours=24)
    assert shop.create_session(key="pur_1").id != first.id


def test_a_request_that_fails_validation_does_not_use_its_key(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        shop.create_session(key="pur_1", mode="gift")
    assert shop.create_session(key="pur_1").status == "open"


def test_an_error_during_execution_is_replayed(shop: Shop) -> None:
    session = shop.paid_session()
    shop.simulator.refund(session.id)
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as error:
            shop.stripe.v1.refunds.create(
                {"payment_intent": session.payment_intent.id}, {"idempotency_key": "k"}
            )
        assert error.value.code == "charge_already_refunded"


def test_a_retry_receives_the_response_that_was_lost(shop: Shop) -> None:
    shop.simulator.faults.fail(kind="drop_after", method="POST", path="/v1/checkout/sessions")
    session = shop.create_session(key="pur_1")
    assert [s["id"] for s in shop.simulator.all("checkout.session")] == [session.id]


def test_a_fault_before_execution_is_not_replayed(shop: Shop) -> None:
    shop.simulator.faults.fail(next=3, kind="500")
    with pytest.raises(stripe.APIError):
        shop.create_session(key="pur_1")
    assert shop.simulator.all("checkout.session") == []
    assert shop.create_session(key="pur_1").status == "open"


def test_concurrent_requests_with_one_key_create_one_session(shop: Shop) -> None:
    with ThreadPoolExecutor(8) as pool:
        created = set(pool.map(lambda _: shop.create_session(key="pur_1").id, range(24)))
    assert len(created) == len(shop.simulator.all("checkout.session")) == 1


def test_the_order_of_parameters_does_not_matter(shop: Shop) -> None:
    headers = {"Authorization": "Bearer sk_test_of_the_shop", "Idempotency-Key": "k"}
    first = shop.simulator.handle("POST", "/v1/customers", headers, b"name=Ada&phone=1")
    second = shop.simulator.handle("POST", "/v1/customers", headers, b"phone=1&name=Ada")
    assert (first.status, second.body) == (200, first.body)
