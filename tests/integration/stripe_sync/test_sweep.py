"""The sweep: what it recovers, how it keeps to its time limit, and how it resumes."""

from datetime import timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from pynamodb.models import Model

from chalicelib import clock
from chalicelib.payments import listings, reports
from chalicelib.payments.checkout import CheckoutRequest, open_checkout
from chalicelib.services.purchases.settlement import settle
from chalicelib.services.stripe_sync import sweep
from chalicelib.storage.reads import get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.stripe_events import PROGRESS, SweepProgress
from infra.local.schedule import run_now
from infra.local.stripe_simulator import StripeSimulator
from tests.support import purchase_fixtures
from tests.support.purchase_fixtures import buy, pay_unnoticed, total_granted


@pytest.fixture
def reseller(tables: None) -> Reseller:
    return purchase_fixtures.create_reseller()


def test_purchases_with_lost_webhooks_are_settled(
    reseller: Reseller, stripe: StripeSimulator
) -> None:
    pay_unnoticed(stripe, 1, 2, 3)
    report = run_now("sweep-purchases")
    assert (report["settled"], report["licenses_moved"], report["failed"]) == (3, 6, 0)
    assert report["finished"]
    assert total_granted() == 6
    assert run_now("sweep-purchases")["settled"] == 0


@pytest.mark.parametrize("by", ["refund", "dispute", "won"])
def test_a_lost_webhook_of_an_old_purchase_is_recovered(
    reseller: Reseller, stripe: StripeSimulator, frozen: Any, by: str
) -> None:
    (purchase,) = pay_unnoticed(stripe, 12)
    sweep.run_sweep()
    frozen.advance(timedelta(days=200))
    sweep.run_sweep()
    if by == "refund":
        stripe.refund(purchase.session_id or "", 4_000)
    else:
        dispute = stripe.open_dispute(purchase.session_id or "")
        if by == "won":
            sweep.run_sweep()
            assert total_granted() == 0
            stripe.win_dispute(dispute["id"])
    sweep.run_sweep()
    assert total_granted() == {"refund": 10, "dispute": 0, "won": 12}[by]


def test_events_are_recovered_after_a_long_outage(
    reseller: Reseller, stripe: StripeSimulator, frozen: Any
) -> None:
    """The sweep goes back as far as Stripe keeps events."""
    (purchase,) = pay_unnoticed(stripe, 12)
    settle(purchase)
    stripe.refund(purchase.session_id or "")
    frozen.advance(timedelta(days=28))
    sweep.run_sweep()
    assert total_granted() == 0


@pytest.mark.parametrize("by", ["Stripe's lists", "the index"])
def test_the_next_run_resumes_where_time_ran_out(
    reseller: Reseller,
    stripe: StripeSimulator,
    monkeypatch: pytest.MonkeyPatch,
    frozen: Any,
    by: str,
) -> None:
    purchase_fixtures.record_recent_sweep()
    for quantity in range(1, 13):
        if by == "the index":
            (purchase,) = pay_unnoticed(stripe, quantity, how=stripe.pay_later)
            settle(purchase)
            stripe.bank_confirms(purchase.session_id or "")
        else:
            pay_unnoticed(stripe, quantity)
        frozen.advance(timedelta(seconds=1))
    if by == "the index":
        frozen.advance(timedelta(minutes=10))
        purchase_fixtures.record_recent_sweep()
    handle = Mock(side_effect=stripe.handle)  # each call to Stripe takes a second
    monkeypatch.setattr(stripe, "handle", handle)
    monkeypatch.setattr(sweep, "time", SimpleNamespace(monotonic=lambda: handle.call_count))
    seen = []
    for _ in range(20):
        finished = sweep.run_sweep(seconds=8).finished
        seen.append(total_granted())
        if finished:
            break
    assert finished
    assert seen[-1] == 78
    assert seen[0] < 78
    assert seen == sorted(seen)


def test_an_open_checkout_is_skipped_until_it_expires(
    reseller: Reseller, stripe: StripeSimulator, monkeypatch: pytest.MonkeyPatch, frozen: Any
) -> None:
    """A payment creates an event in Stripe, so the sweep doesn't need to fetch open checkouts."""
    for quantity in (1, 2, 3):
        buy(quantity)
    fetch = Mock(side_effect=reports.fetch_session)
    monkeypatch.setattr(reports, "fetch_session", fetch)
    for _ in range(24 * 4):
        sweep.run_sweep()
        frozen.advance(timedelta(minutes=15))
    assert [row["status"] for row in purchase_fixtures.rows("purchases")] == ["expired"] * 3
    assert fetch.call_count <= 3 * 4


def test_a_long_first_window_is_processed_in_slices(
    reseller: Reseller, stripe: StripeSimulator, monkeypatch: pytest.MonkeyPatch, frozen: Any
) -> None:
    """The Stripe account is busy, and the function is killed in every run."""

    class Killed(BaseException):
        pass

    monkeypatch.setattr(sweep, "MAX_LISTED", 16)
    monkeypatch.setattr(listings, "PAGE", 4)
    for number in range(120):
        foreign_session(number)
        frozen.advance(timedelta(minutes=5 if 40 < number < 100 else 90))
    (waiting,) = pay_unnoticed(stripe, 12, how=stripe.pay_later)
    settle(waiting)
    stripe.bank_confirms(waiting.session_id or "")
    pay_unnoticed(stripe, 3)
    calls, handle = count(), stripe.handle

    def limited(*request: Any) -> Any:
        if next(calls) > 40:
            raise Killed
        return handle(*request)

    monkeypatch.setattr(stripe, "handle", limited)
    reached = []
    for sweeps in range(30):
        calls = count()
        try:
            finished = sweep.run_sweep().finished
        except Killed:
            finished = False
        progress = get(SweepProgress, PROGRESS)
        assert progress is not None
        assert progress.seen_until is not None
        reached.append(progress.seen_until)
        print(sweeps, progress.seen_until, clock.now(), finished, total_granted())
        if finished:
            break
        if sweeps == 0:
            assert total_granted() == 12  # the index comes first
    assert finished
    assert len(reached) > 2
    assert reached == sorted(set(reached))
    assert total_granted() == 15


def foreign_session(number: int) -> None:
    """Open a session for another product in the same Stripe account."""
    order = CheckoutRequest(
        purchase_id=f"order_{number}",
        reseller_id="",
        stage="elsewhere",
        quantity=1,
        unit_amount=1_000,
        currency="usd",
        product_name="Another product",
        customer_id=None,
        customer_email=None,
        promotion_codes=False,
        expires_at=clock.now() + timedelta(hours=1),
        success_url="https://elsewhere.example/",
        cancel_url="https://elsewhere.example/",
    )
    open_checkout(order, idempotency_key=f"elsewhere-{number}")


def test_sessions_of_another_installation_are_ignored(
    reseller: Reseller, stripe: StripeSimulator
) -> None:
    (purchase,) = pay_unnoticed(stripe, 12)
    Model.delete(purchase)
    report = sweep.run_sweep()
    assert report.unknown_sessions == 1
    session = stripe.find("checkout.session", purchase.session_id or "")
    stripe._account.change(session, metadata={**session["metadata"], "stage": "elsewhere"})
    assert sweep.run_sweep().unknown_sessions == 0
