"""Disputes: inquiries that take nothing, chargebacks that do."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from infra.local.stripe_simulator import InvalidAction
from tests.unit.stripe_simulator.merchant import Shop


def kept_from(dispute: dict[str, Any]) -> int:
    moved: list[int] = [transaction["amount"] for transaction in dispute["balance_transactions"]]
    return -sum(moved)


def test_won(shop: Shop) -> None:
    session = shop.paid()
    dispute = shop.simulator.open_dispute(session.id)
    assert (dispute["status"], dispute["amount"], kept_from(dispute)) == (
        "needs_response",
        20_000,
        20_000,
    )
    assert shop.look(session.id).payment_intent.latest_charge.disputed
    assert shop.simulator.dispute_under_review(dispute["id"])["status"] == "under_review"
    won = shop.simulator.win_dispute(dispute["id"])
    assert (won["status"], kept_from(won)) == ("won", 0)
    assert shop.look(session.id).payment_intent.latest_charge.disputed
    assert shop.types("charge.dispute") == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
    ]


def test_lost(shop: Shop) -> None:
    session = shop.paid()
    dispute = shop.simulator.open_dispute(session.id)
    lost = shop.simulator.lose_dispute(dispute["id"])
    assert (lost["status"], kept_from(lost)) == ("lost", 20_000)
    assert shop.types("charge.dispute")[-1] == "charge.dispute.closed"


def test_prevented(shop: Shop) -> None:
    blocked = shop.simulator.open_dispute(shop.paid().id, inquiry=True)
    assert kept_from(shop.simulator.prevent_dispute(blocked["id"])) == 0
    resolved = shop.simulator.open_dispute(shop.paid().id)
    resolved = shop.simulator.prevent_dispute(resolved["id"])
    assert (resolved["status"], kept_from(resolved)) == ("prevented", 20_000)


def test_an_inquiry_takes_nothing(shop: Shop) -> None:
    session = shop.paid()
    inquiry = shop.simulator.open_dispute(session.id, inquiry=True)
    assert (inquiry["status"], kept_from(inquiry)) == ("warning_needs_response", 0)
    assert shop.look(session.id).payment_intent.latest_charge.disputed
    reviewed = shop.simulator.dispute_under_review(inquiry["id"])
    assert reviewed["status"] == "warning_under_review"
    assert shop.simulator.close_inquiry(inquiry["id"])["status"] == "warning_closed"
    assert "charge.dispute.funds_withdrawn" not in shop.types()


def test_an_inquiry_that_escalates(shop: Shop) -> None:
    session = shop.paid()
    inquiry = shop.simulator.open_dispute(session.id, inquiry=True)
    dispute = shop.simulator.escalate_dispute(inquiry["id"])
    assert (dispute["status"], kept_from(dispute)) == ("needs_response", 20_000)
    assert not dispute["is_charge_refundable"]


def test_part_of_what_was_left(shop: Shop) -> None:
    session = shop.paid()
    shop.simulator.refund(session.id, 5_000)
    with pytest.raises(InvalidAction, match="has 15000 left to dispute"):
        shop.simulator.open_dispute(session.id, amount=15_001)
    assert shop.simulator.open_dispute(session.id)["amount"] == 15_000


def test_what_a_chargeback_holds_cannot_be_refunded(shop: Shop) -> None:
    session = shop.paid()
    intent = session.payment_intent.id
    inquiry = shop.simulator.open_dispute(session.id, inquiry=True)
    shop.stripe.v1.refunds.create({"payment_intent": intent, "amount": 1_000})
    shop.simulator.escalate_dispute(inquiry["id"])
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.stripe.v1.refunds.create({"payment_intent": intent})
    assert refused.value.code == "charge_disputed"


@pytest.mark.parametrize("move", ["win_dispute", "lose_dispute", "dispute_under_review"])
def test_a_closed_dispute_stays_closed(shop: Shop, move: str) -> None:
    dispute = shop.simulator.open_dispute(shop.paid().id)
    shop.simulator.lose_dispute(dispute["id"])
    with pytest.raises(InvalidAction, match="is lost, not"):
        getattr(shop.simulator, move)(dispute["id"])


@pytest.mark.parametrize("move", ["escalate_dispute", "close_inquiry"])
def test_a_chargeback_is_no_inquiry(shop: Shop, move: str) -> None:
    dispute = shop.simulator.open_dispute(shop.paid().id)
    with pytest.raises(InvalidAction, match="is needs_response, not"):
        getattr(shop.simulator, move)(dispute["id"])


def test_one_dispute_at_a_time(shop: Shop) -> None:
    session = shop.paid()
    dispute = shop.simulator.open_dispute(session.id)
    with pytest.raises(InvalidAction, match="is disputed already"):
        shop.simulator.open_dispute(session.id)
    shop.simulator.win_dispute(dispute["id"])
    assert shop.simulator.open_dispute(session.payment_intent.latest_charge.id)["amount"] == 20_000


def test_nobody_to_dispute_with(shop: Shop) -> None:
    with pytest.raises(InvalidAction, match="No such charge"):
        shop.simulator.open_dispute("ch_nothing")
    with pytest.raises(InvalidAction, match="neither a session"):
        shop.simulator.open_dispute("cus_1")
