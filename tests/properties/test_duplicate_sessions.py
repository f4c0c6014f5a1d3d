"""A purchase with two Checkout Sessions, because a response from Stripe was lost.

Whatever happens to either session, only one payment grants licenses, all the money is booked, and
no license is granted without payment.
"""

import logging
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chalicelib import clock
from chalicelib import settings as app_settings
from chalicelib.domain.actors import Actor
from chalicelib.errors import TenantryError
from chalicelib.payments import client as stripe_client
from chalicelib.payments.webhooks import parse_event
from chalicelib.services.purchases import checkout
from chalicelib.services.purchases.settlement import settle
from chalicelib.services.refunds import refund_requests
from chalicelib.services.stripe_sync.events import handle_event
from chalicelib.services.stripe_sync.sweep import run_sweep
from chalicelib.storage.purchases import Purchase
from infra.local import table_edits
from infra.local.stripe_simulator import InvalidAction, StripeSimulator
from infra.local.stripe_simulator.client import InProcessHTTPClient
from tests.support import purchase_fixtures
from tests.support.fast_moto import fast_moto
from tests.support.tables import empty_tables

QUANTITY = 12
UNIT = 2_000
SESSION_ACTIONS = ("pay", "pay", "pay_later", "pay_nothing", "bank_confirms", "bank_declines")
DISPUTE_ACTIONS = ("win_dispute", "lose_dispute")

session_indexes = st.sampled_from([0, 1])
steps = st.one_of(
    st.tuples(st.sampled_from((*SESSION_ACTIONS, "expire")), session_indexes),
    st.tuples(
        st.sampled_from(["refund_all", "refund_some", "dispute", "dispute_some"]), session_indexes
    ),
    st.tuples(st.sampled_from([*DISPUTE_ACTIONS, "refund_fails"]), session_indexes),
    st.tuples(st.just("deliver"), st.integers(0, 12)),
    st.tuples(st.sampled_from(["settle", "admin_refund"]), st.integers(1, QUANTITY)),
)


class World:
    def __init__(self, stripe: StripeSimulator) -> None:
        self.stripe = stripe
        purchase_fixtures.record_recent_sweep()
        account = purchase_fixtures.create_reseller()
        purchase = checkout.buy_licenses(account, QUANTITY, by=Actor("usr_test"))
        lost = str(purchase.session_id)
        table_edits.edit(purchase, session_id=None, checkout_url=None, checkout_attempt=1)
        current = checkout.buy_licenses(account, QUANTITY, by=Actor("usr_test"))
        self.sessions = (str(current.session_id), lost)
        self.id = purchase.id

    def row(self) -> Purchase:
        return checkout.read_purchase(purchase_fixtures.RESELLER, self.id)

    def act(self, name: str, number: int) -> None:
        with suppress(InvalidAction, TenantryError):
            match name:
                case "deliver":
                    self._deliver(number)
                case "settle":
                    settle(self.row())
                case "admin_refund":
                    refund_requests.refund_licenses(
                        self.row(), number, reason="Back", by=Actor("usr_admin")
                    )
                case _:
                    self._act_at_stripe(name, self.sessions[number])

    def _deliver(self, number: int) -> None:
        events = self.stripe.events()
        message = parse_event(events[-1 - number % len(events)]) if events else None
        if message is not None:
            handle_event(message)

    def _act_at_stripe(self, name: str, session_id: str) -> None:
        match name:
            case "refund_all":
                self.stripe.refund(session_id)
            case "refund_some":
                self.stripe.refund(session_id, 5 * UNIT)
            case "dispute":
                self.stripe.open_dispute(session_id)
            case "dispute_some":
                self.stripe.open_dispute(session_id, amount=UNIT)
            case "refund_fails" | "win_dispute" | "lose_dispute":
                noun = "refund" if name == "refund_fails" else "dispute"
                for found in self.stripe.all(noun)[:1]:
                    getattr(self.stripe, name)(found["id"])
            case _:
                getattr(self.stripe, name)(session_id)

    def check_final_state(self) -> None:
        row = self.row()
        money = [purchase_fixtures.expected_money(self.stripe, id) for id in self.sessions]
        (stored,) = purchase_fixtures.rows("purchases")
        assert purchase_fixtures.booked_totals(stored) == tuple(map(sum, zip(*money, strict=True)))
        worth = [
            purchase_fixtures.expected_grant(self.stripe, id, QUANTITY)[0] for id in self.sessions
        ]
        expected = [max(0, licenses - row.returned) for licenses in worth]
        assert row.licenses_granted in expected
        net = [gross - refunded - held for gross, refunded, held in money]
        pays_for_licenses = [
            licenses > 0 and left > 0 for licenses, left in zip(expected, net, strict=True)
        ]
        if any(pays_for_licenses):
            assert row.licenses_granted > 0
        elif all(gross > 0 for gross, _, _ in money):
            assert row.licenses_granted == 0
        counted = self.sessions.index(str(row.session_id))
        assert ("Paid twice" in str(row.status_reason)) == (net[1 - counted] > 0)
        sessions = [self.stripe.find("checkout.session", id) for id in self.sessions]
        assert sum(session["status"] == "open" for session in sessions) <= 1


@pytest.mark.parametrize("part", range(4))
def test_a_purchase_with_two_sessions_counts_one_payment(
    part: int, tables: None, monkeypatch: pytest.MonkeyPatch, frozen: Any
) -> None:
    sdk = InProcessHTTPClient(StripeSimulator())
    monkeypatch.setattr(stripe_client, "transport", lambda: sdk)
    stripe_client.client_with.cache_clear()

    @settings(
        max_examples=60,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(steps, min_size=3, max_size=9))
    def run(history: list[tuple[str, int]]) -> None:
        empty_tables()
        sdk.simulator = StripeSimulator(
            api_key=app_settings.settings().stripe_secret_key, clock=lambda: clock.now().timestamp()
        )
        world = World(sdk.simulator)
        for step in history:
            world.act(*step)
            purchase_fixtures.check_invariants()
        run_sweep()
        purchase_fixtures.check_invariants()
        world.check_final_state()

    logging.disable(logging.CRITICAL)
    try:
        with fast_moto():
            run()
    finally:
        logging.disable(logging.NOTSET)
        stripe_client.client_with.cache_clear()
