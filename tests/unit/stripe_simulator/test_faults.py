"""Injected faults reach the SDK as what a bad network or a bad day at Stripe would be."""

from __future__ import annotations

import pytest
import stripe

from infra.local.stripe_simulator.faults import FaultKind
from tests.unit.stripe_simulator.merchant import Shop


@pytest.mark.parametrize(
    ("kind", "error", "happened"),
    [
        ("500", stripe.APIError, 0),
        ("429", stripe.RateLimitError, 0),
        ("drop_before", stripe.APIConnectionError, 0),
        ("drop_after", stripe.APIConnectionError, 1),
        ("timeout", stripe.APIConnectionError, 1),
    ],
)
def test_a_fault_that_outlasts_the_retries(
    shop: Shop, kind: FaultKind, error: type[stripe.StripeError], happened: int
) -> None:
    shop.simulator.faults.fail(next=3, kind=kind)
    with pytest.raises(error):
        shop.checkout()  # the SDK gives each POST a key of its own, so it happens once at most
    assert len(shop.simulator.all("checkout.session")) == happened


@pytest.mark.parametrize("kind", ["500", "drop_before", "drop_after", "timeout"])
def test_a_passing_fault_is_retried_by_the_sdk(shop: Shop, kind: FaultKind) -> None:
    shop.simulator.faults.fail(next=2, kind=kind)
    shop.checkout()
    assert len(shop.simulator.all("checkout.session")) == 1


def test_a_fault_strikes_what_it_is_aimed_at(shop: Shop) -> None:
    shop.simulator.faults.fail(next=3, kind="500", method="GET", path="/v1/checkout")
    session = shop.checkout()
    shop.stripe.v1.events.list()
    with pytest.raises(stripe.APIError):
        shop.look(session.id)
    assert shop.look(session.id).id == session.id


def test_faults_can_be_called_off(shop: Shop) -> None:
    shop.simulator.faults.fail(next=100, kind="500")
    shop.simulator.faults.clear()
    assert shop.checkout().status == "open"
