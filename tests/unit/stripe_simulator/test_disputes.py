"""Disputes: inquiries, which move no money, and chargebacks, which do."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from infra.local.stripe_simulator import InvalidAction
from tests.unit.stripe_simulator.shop import Shop


def withdrawn(dispute: dict[str, Any]) -> int:
    amounts: list[int] = [transaction["amount"] for transaction in dispute["balance_transactions"]]
    return -sum(amounts)


def test_winning_a_dispute_reinstates_the_funds(shop: Shop) -> None:
    session = shop.paid_session()
    dispute = shop.simulator.open_dispute(session.id)
    assert (dispute["status"], dispute["amount"], withdrawn(dispute)) == (
        "needs_response",
        20_000,
        20_000,
    )
    assert shop.retrieve(session.id).payment_intent.latest_charge.disputed
    assert shop.simulator.dispute_under_review(dispute["id"])["status"] == "under_review"
    won = shop.simulator.win_dispute(dispute["id"])
    assert (won["status"], withdrawn(won)) == ("won", 0)
    assert shop.retrieve(session.id).payment_intent.latest_charge.disputed
    assert shop.event_types("charge.dispute") == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
    ]


def test_losing_a_dispute_keeps_the_funds_withdrawn(shop: Shop) -> None:
    session = shop.paid_session()
    dispute = shop.simulator.open_dispute(session.id)
    lost = shop.simulator.lose_dispute(dispute["id"])
    assert (lost["status"], withdrawn(lost)) == ("lost", 20_000)
    assert shop.event_types("charge.dispute")[-1] == "charge.dispute.closed"


def test_preventing_a_dispute_moves_no_further_money(shop: Shop) -> None:
    blocked = shop.simulator.open_dispute(shop.paid_session().id, inquiry=True)
    assert withdrawn(shop.simulator.prevent_dispute(blocked["id"])) == 0
    resolved = shop.simulator.open_dispute(shop.paid_session().id)
    resolved = shop.simulator.prevent_dispute(resolved["id"])
    assert (resolved["status"], withdrawn(resolved)) == ("prevented", 20_000)


def test_an_inquiry_withdraws_no_funds(shop: Shop) -> None:
    session = shop.paid_session()
    inquiry = shop.simulator.open_dispute(session.id, inquiry=True)
    assert (inquiry["status"], withdrawn(inquiry)) == ("warning_needs_response", 0)
    assert shop.retrieve(session.id).payment_intent.latest_charge.disputed
    reviewed = shop.simulator.dispute_under_review(inquiry["id"])
    assert reviewed["status"] == "warning_under_review"
    assert shop.simulator.close_inquiry(inquiry["id"])["status"] == "warning_closed"
    assert "charge.dispute.funds_withdrawn" not in shop.event_types()


def test_escalating_an_inquiry_withdraws_the_funds(shop: Shop) -> None:
    session = shop.paid_session()
    inquiry = shop.simulator.open_dispute(session.id, inquiry=True)
    dispute = shop.simulator.escalate_dispute(inquiry["id"])
    assert (dispute["status"], withdrawn(dispute)) == ("needs_response", 20_000)
    assert not dispute["is_charge_refundable"]


def test_a_dispute_cannot_exceed_what_was_not_refunded(shop: Shop) -> None:
    session = shop.paid_session()
    shop.simulator.refund(session.id, 5_000)
    with pytest.raises(InvalidAction, match="has 15000 left to dispute"):
        shop.simulator.open_dispute(session.id, amount=15_001)
    assert shop.simulator.open_dispute(session.id)["amount"] == 15_000


def test_a_charge_with_a_chargeback_cannot_be_refunded(shop: Shop) -> None:
    session = shop.paid_session()
    intent = session.payment_intent.id
    inquiry = shop.simulator.open_dispute(session.id, inquiry=True)
    shop.stripe.v1.refunds.create({"payment_intent": intent, "amount": 1_000})
    shop.simulator.escalate_dispute(inquiry["id"])
    with pytest.raises(stripe.InvalidRequestError) as error:
        shop.stripe.v1.refunds.create({"payment_intent": intent})
    assert error.value.code == "charge_disputed"


@pytest.mark.parametrize("action", ["win_dispute", "lose_dispute", "dispute_under_review"])
def test_a_closed_dispute_stays_closed(shop: Shop, action: str) -> None:
    dispute = shop.simulator.open_dispute(shop.paid_session().id)
    shop.simulator.lose_dispute(dispute["id"])
    with pytest.raises(InvalidAction, match="is lost, not"):
        getattr(shop.simulator, action)(dispute["id"])


@pytest.mark.parametrize("action", ["escalate_dispute", "close_inquiry"])
def test_a_chargeback_cannot_be_escalated_or_closed_as_an_inquiry(shop: Shop, action: str) -> None:
    dispute = shop.simulator.open_dispute(shop.paid_session().id)
    with pytest.raises(InvalidAction, match="is needs_response, not"):
        getattr(shop.simulator, action)(dispute["id"])


def test_a_charge_can_have_only_one_open_dispute(shop: Shop) -> None:
    session = shop.paid_session()
    dispute = shop.simulator.open_dispute(session.id)
    with pytest.raises(InvalidAction, match="is already disputed"):
        shop.simulator.open_dispute(session.id)
    shop.simulator.win_dispute(dispute["id"])
    assert shop.simulator.open_dispute(session.payment_intent.latest_charge.id)["amount"] == 20_000


def test_a_dispute_needs_an_existing_charge(shop: Shop) -> None:
    with pytest.raises(InvalidAction, match="No such charge"):
        shop.simulator.open_dispute("ch_nothing")
    with pytest.raises(InvalidAction, match="is not a session"):
        shop.simulator.open_dispute("cus_1")
