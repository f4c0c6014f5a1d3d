"""The sweep: what it heals, how it keeps to its time, and how it goes on."""

from datetime import timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.errors import PaymentProviderUnavailable
from chalicelib.services import sweep
from chalicelib.services.purchases import buy_licenses
from chalicelib.services.settlement import settle
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.resellers import Reseller
from infra.local.schedule import run_now
from infra.local.stripe_stand_in import StripeStandIn
from tests.support import books


@pytest.fixture
def reseller(tables: None) -> Reseller:
    return books.open_account()


def paid(stripe: StripeStandIn, *quantities: int) -> list[Purchase]:
    bought = [buy_licenses(books.read_account(), q, by="usr_b") for q in quantities]
    for purchase in bought:
        stripe.pay(purchase.session_id or "")
    return bought


def granted() -> int:
    return sum(row["licenses_granted"] for row in books.rows("purchases"))


def test_lost_webhooks_are_healed(reseller: Reseller, stripe: StripeStandIn) -> None:
    paid(stripe, 1, 2, 3)
    report = run_now("sweep-purchases")
    assert (report["settled"], report["licenses_moved"], report["failed"]) == (3, 6, 0)
    assert report["finished"]
    assert granted() == 6
    assert run_now("sweep-purchases")["settled"] == 0


@pytest.mark.parametrize("by", ["refund", "dispute", "won"])
def test_on_a_purchase_paid_long_ago(
    reseller: Reseller, stripe: StripeStandIn, frozen: Any, by: str
) -> None:
    (purchase,) = paid(stripe, 12)
    sweep.sweep()
    frozen.advance(timedelta(days=200))
    sweep.sweep()
    if by == "refund":
        stripe.refund(purchase.session_id or "", 4_000)
    else:
        dispute = stripe.open_dispute(purchase.session_id or "")
        if by == "won":
            sweep.sweep()
            assert granted() == 0
            stripe.win_dispute(dispute["id"])
    sweep.sweep()
    assert granted() == {"refund": 10, "dispute": 0, "won": 12}[by]


def test_a_long_silence(reseller: Reseller, stripe: StripeStandIn, frozen: Any) -> None:
    """As far back as Stripe keeps its events."""
    (purchase,) = paid(stripe, 12)
    settle(purchase)
    stripe.refund(purchase.session_id or "")
    frozen.advance(timedelta(days=28))
    sweep.sweep()
    assert granted() == 0


def test_it_goes_on_where_it_stopped(
    reseller: Reseller, stripe: StripeStandIn, monkeypatch: pytest.MonkeyPatch, frozen: Any
) -> None:
    for quantity in range(1, 13):
        paid(stripe, quantity)
        frozen.advance(timedelta(seconds=1))
    ticks = count()  # a clock that moves whenever somebody looks at it
    monkeypatch.setattr(sweep, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    seen = []
    for _ in range(20):
        finished = sweep.sweep(seconds=8).finished
        seen.append(granted())
        if finished:
            break
    assert finished
    assert seen[-1] == 78
    assert seen[0] < 78
    assert seen == sorted(seen)


def test_one_failure_does_not_stop_the_rest(reseller: Reseller, stripe: StripeStandIn) -> None:
    first, _ = paid(stripe, 1, 2)
    stripe.faults.fail(next=3, kind="500", path=f"/v1/checkout/sessions/{first.session_id}")
    report = sweep.sweep()
    assert (report.failed, granted()) == (1, 2)
    assert sweep.sweep().failed == 0
    assert granted() == 3


def test_a_failure_on_a_settled_purchase_is_not_forgotten(
    reseller: Reseller, stripe: StripeStandIn, frozen: Any
) -> None:
    (purchase,) = paid(stripe, 12)
    sweep.sweep()
    stripe.refund(purchase.session_id or "")
    stripe.faults.fail(next=3, kind="500", path=f"/v1/checkout/sessions/{purchase.session_id}")
    sweep.sweep()
    frozen.advance(timedelta(days=40))  # its event has left the window, and Stripe
    sweep.sweep()
    assert granted() == 0


def test_a_stripe_that_cannot_be_asked(
    reseller: Reseller, stripe: StripeStandIn, frozen: Any
) -> None:
    paid(stripe, 12)
    stripe.faults.fail(next=3, kind="500", path="/v1/events")
    with pytest.raises(PaymentProviderUnavailable):
        sweep.sweep()
    (purchase,) = books.rows("purchases")
    assert purchase["licenses_granted"] == 12  # by the sparse index, which needs no list
    stripe.refund(purchase["session_id"])
    sweep.sweep()
    assert granted() == 0


def test_anothers_sessions_are_left_alone(reseller: Reseller, stripe: StripeStandIn) -> None:
    (purchase,) = paid(stripe, 12)
    purchase.delete()
    report = sweep.sweep()
    assert report.unknown_sessions == 1
    session = stripe.find("checkout.session", purchase.session_id or "")
    stripe._account.change(session, metadata={**session["metadata"], "stage": "elsewhere"})
    assert sweep.sweep().unknown_sessions == 0
