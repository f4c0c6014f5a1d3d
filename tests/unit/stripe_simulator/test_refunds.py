"""Refunds: partial, pending, and failed."""

from __future__ import annotations

import pytest
import stripe

from infra.local.stripe_simulator import InvalidAction
from tests.unit.stripe_simulator.shop import Shop


def test_a_charge_can_be_refunded_in_parts(shop: Shop) -> None:
    session = shop.paid_session()
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
    charge = shop.retrieve(session.id).payment_intent.latest_charge
    assert (charge.amount_refunded, charge.refunded) == (5_000, False)
    shop.stripe.v1.refunds.create({"charge": charge.id})
    charge = shop.retrieve(session.id).payment_intent.latest_charge
    assert (charge.amount_refunded, charge.refunded) == (20_000, True)
    assert [r.amount for r in charge.refunds.data] == [15_000, 5_000]
    assert (
        shop.event_types("refund", "charge.refunded") == ["charge.refunded", "refund.created"] * 2
    )


def test_a_refund_cannot_exceed_what_is_left(shop: Shop) -> None:
    session = shop.paid_session()
    intent = session.payment_intent.id
    with pytest.raises(stripe.InvalidRequestError) as error:
        shop.stripe.v1.refunds.create({"payment_intent": intent, "amount": 20_001})
    assert (error.value.code, error.value.param) == ("amount_too_large", "amount")
    assert "$200.01" in str(error.value)
    shop.simulator.refund(intent)
    with pytest.raises(stripe.InvalidRequestError) as error:
        shop.stripe.v1.refunds.create({"payment_intent": intent})
    assert error.value.code == "charge_already_refunded"


def test_an_unpaid_session_cannot_be_refunded(shop: Shop) -> None:
    session = shop.create_session()
    with pytest.raises(InvalidAction, match="has no payment yet"):
        shop.simulator.refund(session.id)
    shop.simulator.pay_later(session.id)
    intent = shop.retrieve(session.id).payment_intent.id
    with pytest.raises(stripe.InvalidRequestError) as error:
        shop.stripe.v1.refunds.create({"payment_intent": intent})
    assert error.value.code == "payment_intent_unexpected_state"
    with pytest.raises(stripe.InvalidRequestError, match="payment_intent or charge"):
        shop.stripe.v1.refunds.create({"amount": 1})


def test_a_pending_refund_counts_at_once_and_can_succeed(shop: Shop) -> None:
    session = shop.paid_session()
    refund = shop.simulator.refund(session.id, 5_000, pending=True)
    assert refund["status"] == "pending"
    assert shop.retrieve(session.id).payment_intent.latest_charge.amount_refunded == 5_000
    assert shop.simulator.refund_succeeds(refund["id"])["status"] == "succeeded"
    assert shop.event_types("refund") == ["refund.created", "refund.updated"]
    with pytest.raises(InvalidAction, match="is succeeded, not pending"):
        shop.simulator.refund_succeeds(refund["id"])


@pytest.mark.parametrize("pending", [True, False])
def test_a_failed_refund_restores_the_charge(shop: Shop, pending: bool) -> None:
    session = shop.paid_session()
    refund = shop.simulator.refund(session.id, pending=pending)
    failed = shop.simulator.refund_fails(refund["id"])
    assert (failed["status"], failed["failure_reason"]) == ("failed", "expired_or_canceled_card")
    charge = shop.retrieve(session.id).payment_intent.latest_charge
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    assert shop.event_types("refund") == ["refund.created", "refund.updated", "refund.failed"]
    with pytest.raises(InvalidAction, match="is already failed"):
        shop.simulator.refund_fails(refund["id"])


def test_refunds_through_the_api_can_start_as_pending(shop: Shop) -> None:
    session = shop.paid_session()
    shop.simulator.start_refunds_pending()
    refund = shop.stripe.v1.refunds.create({"payment_intent": session.payment_intent.id})
    assert refund.status == "pending"
