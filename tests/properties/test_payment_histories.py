"""Random payment histories, with webhook events lost, repeated, or out of order.

The pool, purchase, and ledger must agree with each other after every step, and with Stripe once the
sweep has run. The histories are split into parts so that they can run in parallel.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
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
from chalicelib.services.refunds import refund_requests
from chalicelib.services.stripe_sync.events import handle_event
from chalicelib.services.stripe_sync.sweep import run_sweep
from chalicelib.services.tenants import lifecycle
from chalicelib.storage.purchases import Purchase
from infra.local.stripe_simulator import InvalidAction, StripeSimulator
from infra.local.stripe_simulator.client import InProcessHTTPClient
from tests.support import purchase_fixtures
from tests.support.fast_moto import fast_moto
from tests.support.tables import empty_tables

PARTS = 10
HISTORIES = 205  # per part
QUANTITY = 12
UNIT = 2_000

BY_BUYER = ("pay", "pay", "pay", "pay_later", "pay_nothing", "decline_card", "expire")
BY_BANK = ("bank_confirms", "bank_declines", "refund_succeeds", "refund_fails", "refund_fails")
DISPUTE_ACTIONS = (
    "dispute_under_review",
    "win_dispute",
    "lose_dispute",
    "escalate_dispute",
    "close_inquiry",
)
Step = tuple[str, Any]

stripe_steps = st.one_of(
    st.tuples(st.sampled_from(BY_BUYER), st.none()),
    st.tuples(st.sampled_from(BY_BANK), st.none()),
    st.tuples(st.sampled_from(DISPUTE_ACTIONS), st.none()),
    st.tuples(st.just("refund"), st.sampled_from([None, 1, UNIT, 3 * UNIT - 1, 10 * UNIT])),
    st.tuples(st.just("refund_pending"), st.sampled_from([None, UNIT])),
    st.tuples(st.just("open_dispute"), st.sampled_from(["inquiry", None, UNIT])),
)
our_steps = st.one_of(
    st.tuples(st.just("admin_refund"), st.integers(1, QUANTITY)),
    st.tuples(st.just("unanswered_refund"), st.sampled_from(["500", "drop_before", "drop_after"])),
    st.tuples(st.just("view"), st.none()),
    st.tuples(st.just("create_tenant"), st.none()),
    st.tuples(st.just("wait"), st.sampled_from([1, 26])),
)
# Any earlier event can be delivered, any number of times or not at all.
deliveries = st.tuples(st.just("deliver"), st.integers(0, 20))
# Most histories start with a payment, since little can go wrong without one.
beginnings = st.sampled_from([[("pay", None)], [("pay_later", None), ("bank_confirms", None)], []])
histories = st.builds(
    lambda beginning, steps: beginning + steps,
    beginnings,
    st.lists(st.one_of(stripe_steps, stripe_steps, deliveries, deliveries, our_steps), max_size=9),
)


class World:
    """One purchase, in the tables and in Stripe."""

    def __init__(self, stripe: StripeSimulator, frozen: Any) -> None:
        self.stripe = stripe
        self.frozen = frozen
        purchase_fixtures.record_recent_sweep()
        self.purchase = checkout.buy_licenses(
            purchase_fixtures.create_reseller(), QUANTITY, by=Actor("usr_test")
        )
        assert self.purchase.session_id is not None
        self.session_id: str = self.purchase.session_id

    def act(self, step: Step) -> None:
        name, detail = step
        # A step that is not currently possible is refused and must have no effect.
        with suppress(InvalidAction, TenantryError):
            getattr(self, f"_{name}", self._act_at_stripe)(name, detail)

    def _act_at_stripe(self, name: str, _detail: None) -> None:
        target = self.session_id
        for noun in ("refund", "dispute"):
            if noun in name or (noun == "dispute" and name == "close_inquiry"):
                target = next((found["id"] for found in self.stripe.all(noun)), "none_1")
        getattr(self.stripe, name)(target)

    def _refund(self, _name: str, amount: int | None) -> None:
        self.stripe.refund(self.session_id, amount)

    def _refund_pending(self, _name: str, amount: int | None) -> None:
        self.stripe.refund(self.session_id, amount, pending=True)

    def _open_dispute(self, _name: str, subject: Any) -> None:
        """Dispute an amount or everything left (None), or open an inquiry ("inquiry")."""
        inquiry = subject == "inquiry"
        amount = None if inquiry else subject
        self.stripe.open_dispute(self.session_id, inquiry=inquiry, amount=amount)

    def _deliver(self, _name: str, number: int) -> None:
        events = self.stripe.events()
        message = parse_event(events[-1 - number % len(events)]) if events else None
        if message is not None:
            handle_event(message)

    def _view(self, _name: str, _detail: None) -> None:
        checkout.current_purchase(purchase_fixtures.RESELLER, self.purchase.id)

    def _admin_refund(self, _name: str, licenses: int) -> None:
        row = checkout.read_purchase(purchase_fixtures.RESELLER, self.purchase.id)
        refund_requests.refund_licenses(row, licenses, reason="Returned", by=Actor("usr_admin"))

    def _unanswered_refund(self, name: str, kind: Any) -> None:
        self.stripe.faults.fail(next=3, kind=kind, method="POST", path="/v1/refunds")
        try:
            self._admin_refund(name, 3)
        finally:
            self.stripe.faults.clear()

    def _create_tenant(self, _name: str, _detail: None) -> None:
        lifecycle.create_tenant(
            purchase_fixtures.RESELLER,
            name="Tenant",
            by=Actor("usr_test"),
        )

    def _wait(self, _name: str, hours: int) -> None:
        self.frozen.advance(timedelta(hours=hours))

    def check_final_state(self) -> None:
        (row,) = purchase_fixtures.rows("purchases")
        worth, refunded = purchase_fixtures.expected_grant(self.stripe, self.session_id, QUANTITY)
        returned = Purchase(refunds=row["refunds"]).returned
        if worth > 0 or row["status"] == "refunded":
            worth = max(0, worth - returned)
        assert (row["licenses_granted"], row["amount_refunded"]) == (worth, refunded)
        assert purchase_fixtures.booked_totals(row) == purchase_fixtures.expected_money(
            self.stripe, self.session_id
        )
        (reseller,) = purchase_fixtures.rows("resellers")
        assert reseller["license_count"] == worth
        refund_ids = [refund["metadata"].get("refund_id") for refund in self.stripe.all("refund")]
        for id, intent in row["refunds"].items():
            assert intent["state"] in ("done", "failed", "refused")
            assert refund_ids.count(id) == (intent["state"] != "refused" and intent["amount"] > 0)


@pytest.fixture(scope="module")
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    with fast_moto():
        yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def stripes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], StripeSimulator]]:
    """Return a function that replaces the client's simulator with a new one."""

    def new() -> StripeSimulator:
        sdk.simulator = StripeSimulator(
            api_key=app_settings.settings().stripe_secret_key, clock=lambda: clock.now().timestamp()
        )
        return sdk.simulator

    sdk = InProcessHTTPClient(StripeSimulator())
    monkeypatch.setattr(stripe_client, "transport", lambda: sdk)
    stripe_client.client_with.cache_clear()
    yield new
    stripe_client.client_with.cache_clear()


@pytest.mark.parametrize("part", range(PARTS))
def test_payment_histories_end_in_the_state_in_stripe(
    part: int, quiet: None, tables: None, stripes: Callable[[], StripeSimulator], frozen: Any
) -> None:
    @settings(
        max_examples=HISTORIES,
        deadline=None,
        database=None,
        # No shrinking: it would take minutes, and failing histories are short enough to read.
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(histories)
    def run(history: list[Step]) -> None:
        empty_tables()
        world = World(stripes(), frozen)
        for step in history:
            world.act(step)
            purchase_fixtures.check_invariants()
        run_sweep()
        purchase_fixtures.check_invariants()
        world.check_final_state()

    run()
