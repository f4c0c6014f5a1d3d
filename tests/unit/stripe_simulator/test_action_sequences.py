"""The simulator's amounts and states are consistent after any sequence of actions."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.stripe_simulator import InvalidAction, StripeSimulator
from tests.unit.stripe_simulator.shop import Shop

SESSION_ACTIONS = ("pay", "pay_later", "decline_card", "bank_confirms", "bank_declines", "expire")
REFUND_ACTIONS = ("refund_succeeds", "refund_fails")
DISPUTE_ACTIONS = (
    "dispute_under_review",
    "win_dispute",
    "lose_dispute",
    "escalate_dispute",
    "close_inquiry",
)
actions = st.one_of(
    st.tuples(st.sampled_from([*SESSION_ACTIONS, *REFUND_ACTIONS, *DISPUTE_ACTIONS]), st.none()),
    st.tuples(st.just("refund"), st.sampled_from([None, 2_000, 19_999])),
    st.tuples(st.just("open_dispute"), st.booleans()),
)


def attempt(simulator: StripeSimulator, session: str, action: str, detail: Any) -> None:
    target = session
    for names, kind in ((REFUND_ACTIONS, "refund"), (DISPUTE_ACTIONS, "dispute")):
        if action in names:
            found = simulator.all(kind)
            target = found[0]["id"] if found else "none_1"
    try:
        if action == "open_dispute":
            simulator.open_dispute(target, inquiry=detail)
        elif action == "refund":
            simulator.refund(target, detail)
        else:
            getattr(simulator, action)(target)
    except InvalidAction:
        pass


@settings(max_examples=100, deadline=None, database=None)
@given(st.lists(actions, max_size=15))
def test_any_sequence_of_actions_keeps_amounts_and_states_consistent(
    history: list[tuple[str, Any]],
) -> None:
    shop = Shop()
    session = shop.create_session().id
    for action, detail in history:
        attempt(shop.simulator, session, action, detail)
    retrieved = shop.retrieve(session)
    charges = shop.simulator.all("charge")
    assert (retrieved.payment_status == "paid") == any(charge["paid"] for charge in charges)
    assert sum(charge["paid"] for charge in charges) <= 1
    for charge in charges:
        refunds = [r for r in shop.simulator.all("refund") if r["charge"] == charge["id"]]
        refunded = sum(r["amount"] for r in refunds if r["status"] != "failed")
        assert charge["amount_refunded"] == refunded <= charge["amount"]
        assert charge["refunded"] == (refunded == charge["amount"])
    for dispute in shop.simulator.all("dispute"):
        withdrawn = -sum(t["amount"] for t in dispute["balance_transactions"])
        is_charged_back = dispute["status"] in ("needs_response", "under_review", "lost")
        assert withdrawn == (dispute["amount"] if is_charged_back else 0)
    ids = [event["id"] for event in shop.simulator.events()]
    assert len(set(ids)) == len(ids)
