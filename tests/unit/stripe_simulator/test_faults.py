"""To the SDK, injected faults look like network failures or errors from Stripe."""

from __future__ import annotations

import pytest
import stripe

from infra.local.stripe_simulator.faults import FaultKind
from tests.unit.stripe_simulator.shop import Shop


@pytest.mark.parametrize(
    ("kind", "error", "sessions_created"),
    [
        ("500", stripe.APIError, 0),
        ("429", stripe.RateLimitError, 0),
        ("drop_before", stripe.APIConnectionError, 0),
        ("drop_after", stripe.APIConnectionError, 1),
        ("timeout", stripe.APIConnectionError, 1),
    ],
)
def test_a_fault_that_outlasts_the_retries_raises(
    shop: Shop, kind: FaultKind, error: type[stripe.StripeError], sessions_created: int
) -> None:
    shop.simulator.faults.fail(next=3, kind=kind)
    with pytest.raises(error):
        shop.create_session()  # the SDK adds an idempotency key, so retries create one session
    assert len(shop.simulator.all("checkout.session")) == sessions_created


@pytest.mark.parametrize("kind", ["500", "drop_before", "drop_after", "timeout"])
def test_the_sdk_retries_after_a_temporary_fault(shop: Shop, kind: FaultKind) -> None:
    shop.simulator.faults.fail(next=2, kind=kind)
    shop.create_session()
    assert len(shop.simulator.all("checkout.session")) == 1


def test_a_fault_affects_only_its_method_and_path(shop: Shop) -> None:
    shop.simulator.faults.fail(next=3, kind="500", method="GET", path="/v1/checkout")
    session = shop.create_session()
    shop.stripe.v1.events.list()
    with pytest.raises(stripe.APIError):
        shop.retrieve(session.id)
    assert shop.retrieve(session.id).id == session.id


def test_faults_can_be_cleared(shop: Shop) -> None:
    shop.simulator.faults.fail(next=100, kind="500")
    shop.simulator.faults.clear()
    assert shop.create_session().status == "open"
