"""Whatever buyers, banks and admins do, the books of the stand-in add up."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.stripe_simulator import InvalidAction, StripeSimulator
from tests.unit.stripe_simulator.merchant import Shop

ON_SESSIONS = ("pay", "pay_later", "decline_card", "bank_confirms", "bank_declines", "expire")
ON_REFUNDS = ("refund_succeeds", "refund_fails")
ON_DISPUTES = (
    "dispute_under_review",
    "win_dispute",
    "lose_dispute",
    "escalate_dispute",
    "close_inquiry",
)
moves = st.one_of(
    st.tuples(st.sampled_from([*ON_SESSIONS, *ON_REFUNDS, *ON_DISPUTES]), st.none()),
    st.tuples(st.just("refund"), st.sampled_from([None, 2_000, 19_999])),
    st.tuples(st.just("open_dispute"), st.booleans()),
)


def make(simulator: StripeSimulator, session: str, move: str, detail: Any) -> None:
    target = session
    for names, kind in ((ON_REFUNDS, "refund"), (ON_DISPUTES, "dispute")):
        if move in names:
            found = simulator.all(kind)
            target = found[0]["id"] if found else "none_1"
    try:
        if move == "open_dispute":
            simulator.open_dispute(target, inquiry=detail)
        elif move == "refund":
            simulator.refund(target, detail)
        else:
            getattr(simulator, move)(target)
    except InvalidAction:
        pass


@settings(max_examples=100, deadline=None, database=None)
@given(st.lists(moves, max_size=15))
def test_the_books_add_up(history: list[tuple[str, Any]]) -> None:
    shop = Shop()
    session = shop.checkout().id
    for move, detail in history:
        make(shop.simulator, session, move, detail)
    seen = shop.look(session)
    charges = shop.simulator.all("charge")
    assert (seen.payment_status == "paid") == any(charge["paid"] for charge in charges)
    assert sum(charge["paid"] for charge in charges) <= 1
    for charge in charges:
        refunds = [r for r in shop.simulator.all("refund") if r["charge"] == charge["id"]]
        given_back = sum(r["amount"] for r in refunds if r["status"] != "failed")
        assert charge["amount_refunded"] == given_back <= charge["amount"]
        assert charge["refunded"] == (given_back == charge["amount"])
    for dispute in shop.simulator.all("dispute"):
        held = -sum(t["amount"] for t in dispute["balance_transactions"])
        holds = dispute["status"] in ("needs_response", "under_review", "lost")
        assert held == (dispute["amount"] if holds else 0)
    ids = [event["id"] for event in shop.simulator.events()]
    assert len(set(ids)) == len(ids)
