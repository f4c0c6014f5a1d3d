"""Refunds: in parts, pending, failing late."""

from __future__ import annotations

import pytest
import stripe

from infra.local.stripe_simulator import InvalidAction
from tests.unit.stripe_simulator.merchant import Shop


def test_in_parts(shop: Shop) -> None:
    session = shop.paid()
    intent = session.payment_intent
    refund = shop.stripe.v1.refunds.create(
        {
            "payment_intent": intent.id,
            "amount": 5_000,
            "reason": "requested_by_customer",
            "metadata": {"by": "admin"},
        }
    )
    assert (refund.status, refund.amount) == ("succeeded", 5_000)
    assert refund.metadata is not None
    assert refund.metadata.to_dict() == {"by": "admin"}
    charge = shop.look(session.id).payment_intent.latest_charge
    assert (charge.amount_refunded, charge.refunded) == (5_000, False)
    shop.stripe.v1.refunds.create({"charge": charge.id})
    charge = shop.look(session.id).payment_intent.latest_charge
    assert (charge.amount_refunded, charge.refunded) == (20_000, True)
    assert [r.amount for r in charge.refunds.data] == [15_000, 5_000]
    assert shop.types("refund", "charge.refunded") == ["charge.refunded", "refund.created"] * 2


def test_more_than_there_is(shop: Shop) -> None:
    session = shop.paid()
    intent = session.payment_intent.id
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.stripe.v1.refunds.create({"payment_intent": intent, "amount": 20_001})
    assert (refused.value.code, refused.value.param) == ("amount_too_large", "amount")
    assert "$200.01" in str(refused.value)
    shop.simulator.refund(intent)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.stripe.v1.refunds.create({"payment_intent": intent})
    assert refused.value.code == "charge_already_refunded"


def test_nothing_that_could_be_refunded(shop: Shop) -> None:
    session = shop.checkout()
    with pytest.raises(InvalidAction, match="has no payment yet"):
        shop.simulator.refund(session.id)
    shop.simulator.pay_later(session.id)
    intent = shop.look(session.id).payment_intent.id
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.stripe.v1.refunds.create({"payment_intent": intent})
    assert refused.value.code == "payment_intent_unexpected_state"
    with pytest.raises(stripe.InvalidRequestError, match="payment_intent or charge"):
        shop.stripe.v1.refunds.create({"amount": 1})


def test_pending_then_succeeded(shop: Shop) -> None:
    session = shop.paid()
    refund = shop.simulator.refund(session.id, 5_000, pending=True)
    assert refund["status"] == "pending"
    assert shop.look(session.id).payment_intent.latest_charge.amount_refunded == 5_000
    assert shop.simulator.refund_succeeds(refund["id"])["status"] == "succeeded"
    assert shop.types("refund") == ["refund.created", "refund.updated"]
    with pytest.raises(InvalidAction, match="is succeeded, not pending"):
        shop.simulator.refund_succeeds(refund["id"])


@pytest.mark.parametrize("pending", [True, False])
def test_failed_and_given_back(shop: Shop, pending: bool) -> None:
    session = shop.paid()
    refund = shop.simulator.refund(session.id, pending=pending)
    failed = shop.simulator.refund_fails(refund["id"])
    assert (failed["status"], failed["failure_reason"]) == ("failed", "expired_or_canceled_card")
    charge = shop.look(session.id).payment_intent.latest_charge
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    assert shop.types("refund") == ["refund.created", "refund.updated", "refund.failed"]
    with pytest.raises(InvalidAction, match="is failed already"):
        shop.simulator.refund_fails(refund["id"])


def test_the_api_can_be_told_to_start_refunds_pending(shop: Shop) -> None:
    session = shop.paid()
    shop.simulator.start_refunds_pending()
    made = shop.stripe.v1.refunds.create({"payment_intent": session.payment_intent.id})
    assert made.status == "pending"
