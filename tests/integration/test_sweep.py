"""The sweep: what it heals, how it keeps to its time, and how it goes on."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from chalicelib import clock
from chalicelib.errors import Busy, PaymentProviderRefused, PaymentProviderUnavailable
from chalicelib.payments import listings, reports
from chalicelib.payments.checkout import Order, open_checkout
from chalicelib.services import sweep
from chalicelib.services.purchases import buy_licenses
from chalicelib.services.settlement import Settled, settle
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.stripe_events import PROGRESS, SweepProgress
from chalicelib.storage.transactions import Transaction
from infra.local import damage
from infra.local.schedule import run_now
from infra.local.stripe_stand_in import StripeStandIn
from tests.support import books


@pytest.fixture
def reseller(tables: None) -> Reseller:
    return books.open_account()


def buy(*quantities: int) -> list[Purchase]:
    return [buy_licenses(books.read_account(), q, by="usr_b") for q in quantities]


def paid(
    stripe: StripeStandIn, *quantities: int, how: Callable[[str], Any] | None = None
) -> list[Purchase]:
    bought = buy(*quantities)
    for purchase in bought:
        (how or stripe.pay)(purchase.session_id or "")
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


@pytest.mark.parametrize("by", ["Stripe's lists", "the index"])
def test_it_goes_on_where_it_stopped(
    reseller: Reseller, stripe: StripeStandIn, monkeypatch: pytest.MonkeyPatch, frozen: Any, by: str
) -> None:
    books.swept_just_now()
    for quantity in range(1, 13):
        if by == "the index":
            (purchase,) = paid(stripe, quantity, how=stripe.pay_later)
            settle(purchase)
            stripe.bank_confirms(purchase.session_id or "")
        else:
            paid(stripe, quantity)
        frozen.advance(timedelta(seconds=1))
    if by == "the index":
        frozen.advance(timedelta(minutes=10))
        books.swept_just_now()
    handle = Mock(side_effect=stripe.handle)  # a clock by which each call takes a second
    monkeypatch.setattr(stripe, "handle", handle)
    monkeypatch.setattr(sweep, "time", SimpleNamespace(monotonic=lambda: handle.call_count))
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


def test_a_session_that_its_row_never_learnt_survives_a_failure(
    reseller: Reseller, stripe: StripeStandIn, frozen: Any
) -> None:
    """The window moves on; nothing but the row can lead to the session again."""
    (purchase,) = paid(stripe, 12)
    damage.edit(purchase, session_id=None, checkout_url=None)
    stripe.faults.fail(next=3, kind="500", path=f"/v1/checkout/sessions/{purchase.session_id}")
    assert sweep.sweep().failed == 1
    frozen.advance(timedelta(days=40))
    assert sweep.sweep().licenses_moved == 12
    row = Purchase.get(purchase.reseller_id, purchase.id)
    assert (row.status, row.session_id) == ("paid", purchase.session_id)
    assert row.other_sessions is None


def test_a_failure_on_an_open_checkout_is_not_forgotten(
    reseller: Reseller, stripe: StripeStandIn, frozen: Any
) -> None:
    (purchase,) = paid(stripe, 12)
    stripe.faults.fail(next=3, kind="500", path=f"/v1/checkout/sessions/{purchase.session_id}")
    assert sweep.sweep().failed == 1
    frozen.advance(timedelta(minutes=15))  # its event has left the window
    sweep.sweep()
    assert granted() == 12


def test_a_row_that_vanishes_does_not_stop_the_rest(
    reseller: Reseller, stripe: StripeStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _, _ = paid(stripe, 1, 2, 3)

    def vanishing(purchase: Purchase, **asked: Any) -> Settled:
        if purchase.id == first.id:
            damage.remove(first)
        return settle(purchase, **asked)

    monkeypatch.setattr(sweep, "settle", vanishing)
    report = sweep.sweep()
    assert (report.failed, report.finished) == (1, True)
    assert [row["licenses_granted"] for row in books.rows("purchases")] == [2, 3]


def test_an_event_that_leads_nowhere_does_not_stop_the_rest(
    reseller: Reseller, stripe: StripeStandIn, monkeypatch: pytest.MonkeyPatch, frozen: Any
) -> None:
    """Stripe refuses to say, and always will, which session a payment came through."""
    elsewhere = paid(stripe, 1)[0]
    settle(elsewhere)
    stripe.open_dispute(elsewhere.session_id or "")
    frozen.advance(timedelta(seconds=1))
    paid(stripe, 12)
    refusal = PaymentProviderRefused("No such payment", why="resource_missing", permanent=True)
    monkeypatch.setattr(listings, "session_of_payment", Mock(side_effect=refusal))
    report = sweep.sweep()
    assert (report.finished, report.failed) == (True, 1)
    assert granted() == 12


def test_a_failure_that_cannot_be_put_down_keeps_the_window(
    reseller: Reseller, stripe: StripeStandIn, monkeypatch: pytest.MonkeyPatch, frozen: Any
) -> None:
    """Stripe and the database fail together: the next sweep lists the same once more."""
    (purchase,) = paid(stripe, 12)
    stripe.faults.fail(next=3, kind="500", path=f"/v1/checkout/sessions/{purchase.session_id}")
    with monkeypatch.context() as out_of_reach:
        busy = Mock(side_effect=Busy)
        out_of_reach.setattr(Transaction, "commit", busy)
        with pytest.raises(Busy):
            sweep.sweep()
    frozen.advance(timedelta(minutes=15))
    sweep.sweep()
    assert granted() == 12


def test_an_open_checkout_is_left_alone_until_it_closes(
    reseller: Reseller, stripe: StripeStandIn, monkeypatch: pytest.MonkeyPatch, frozen: Any
) -> None:
    """Payments show in Stripe's events; who only looks at the price costs next to nothing."""
    buy(1, 2, 3)
    look = Mock(side_effect=reports.report)
    monkeypatch.setattr(reports, "report", look)
    for _ in range(24 * 4):
        sweep.sweep()
        frozen.advance(timedelta(minutes=15))
    assert [row["status"] for row in books.rows("purchases")] == ["expired"] * 3
    assert look.call_count <= 3 * 4


def test_a_long_first_window_is_gone_through_in_parts(
    reseller: Reseller, stripe: StripeStandIn, monkeypatch: pytest.MonkeyPatch, frozen: Any
) -> None:
    """A busy Stripe account, shared with others; and a function that is killed every time."""

    class Killed(BaseException):
        pass

    monkeypatch.setattr(sweep, "MOST_LISTED", 16)
    monkeypatch.setattr(listings, "PAGE", 4)
    for number in range(120):
        foreign_session(number)
        frozen.advance(timedelta(minutes=5 if 40 < number < 100 else 90))
    (waiting,) = paid(stripe, 12, how=stripe.pay_later)
    settle(waiting)
    stripe.bank_confirms(waiting.session_id or "")
    paid(stripe, 3)
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
            finished = sweep.sweep().finished
        except Killed:
            finished = False
        progress = get(SweepProgress, PROGRESS)
        assert progress is not None
        assert progress.seen_until is not None
        reached.append(progress.seen_until)
        print(sweeps, progress.seen_until, clock.now(), finished, granted())
        if finished:
            break
        if sweeps == 0:
            assert granted() == 12  # what waits comes first
    assert finished
    assert len(reached) > 2
    assert reached == sorted(set(reached))
    assert granted() == 15


def foreign_session(number: int) -> None:
    """Another product's, in the same Stripe account."""
    order = Order(
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


def test_a_stripe_that_cannot_be_asked(
    reseller: Reseller, stripe: StripeStandIn, frozen: Any
) -> None:
    (bought,) = paid(stripe, 12, how=stripe.pay_later)
    settle(bought)
    stripe.bank_confirms(bought.session_id or "")
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
