"""A POST with an Idempotency-Key happens once, whatever the network does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from tests.unit.stripe_simulator.merchant import Shop


def test_the_same_request_again_is_answered_as_before(shop: Shop) -> None:
    first = shop.checkout(key="pur_1")
    shop.simulator.pay(first.id)
    second = shop.checkout(key="pur_1")
    assert second.id == first.id
    assert second.status == "open"  # the answer of then, not the session as it is now
    assert second.last_response is not None
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(shop.simulator.all("checkout.session")) == 1


def test_the_same_key_for_something_else(shop: Shop) -> None:
    shop.checkout(key="pur_1")
    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        shop.checkout(key="pur_1", client_reference_id="pur_2")


def test_a_key_is_forgotten_after_a_day(shop: Shop) -> None:
    first = shop.checkout(key="pur_1")
    shop.clock.passes(hours=24)
    assert shop.checkout(key="pur_1").id != first.id


def test_a_request_that_failed_validation_leaves_its_key_free(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        shop.checkout(key="pur_1", mode="gift")
    assert shop.checkout(key="pur_1").status == "open"


def test_a_refusal_in_execution_is_kept(shop: Shop) -> None:
    session = shop.paid()
    shop.simulator.refund(session.id)
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            shop.stripe.v1.refunds.create(
                {"payment_intent": session.payment_intent.id}, {"idempotency_key": "k"}
            )
        assert refused.value.code == "charge_already_refunded"


def test_an_answer_that_was_lost_comes_with_the_retry(shop: Shop) -> None:
    shop.simulator.faults.fail(kind="drop_after", method="POST", path="/v1/checkout/sessions")
    session = shop.checkout(key="pur_1")
    assert [s["id"] for s in shop.simulator.all("checkout.session")] == [session.id]


def test_a_fault_before_execution_is_not_kept(shop: Shop) -> None:
    shop.simulator.faults.fail(next=3, kind="500")
    with pytest.raises(stripe.APIError):
        shop.checkout(key="pur_1")
    assert shop.simulator.all("checkout.session") == []
    assert shop.checkout(key="pur_1").status == "open"


def test_many_at_once_with_one_key_make_one(shop: Shop) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: shop.checkout(key="pur_1").id, range(24)))
    assert len(made) == len(shop.simulator.all("checkout.session")) == 1


def test_the_order_of_parameters_makes_no_difference(shop: Shop) -> None:
    headers = {"Authorization": "Bearer sk_test_of_the_shop", "Idempotency-Key": "k"}
    first = shop.simulator.handle("POST", "/v1/customers", headers, b"name=Ada&phone=1")
    again = shop.simulator.handle("POST", "/v1/customers", headers, b"phone=1&name=Ada")
    assert (first.status, again.body) == (200, first.body)
