"""A purchase with more than one session in Stripe: one counts, and all of them are tracked."""

from typing import Any

import pytest
from pynamodb.models import Model

from chalicelib.services.purchases.settlement import settle
from chalicelib.services.reconciliation.stripe_view import worth_now
from chalicelib.services.stripe_sync.sweep import run_sweep
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.transactions import Transaction
from infra.local.stripe_simulator import StripeSimulator
from tests.support import purchase_fixtures
from tests.support.purchase_fixtures import buy, reload


@pytest.fixture
def reseller(tables: None) -> Reseller:
    return purchase_fixtures.create_reseller()


def lose_the_session(purchase: Purchase) -> str:
    """Make the row look as if Stripe's response had been lost, and return the lost session's ID."""
    tx = Transaction()
    lost = purchase.session_id or ""
    attempt = (purchase.checkout_attempt or 0) + 1
    tx.change(purchase, session_id=None, checkout_url=None, checkout_attempt=attempt)
    tx.commit()
    return lost


def buy_with_a_lost_session() -> tuple[str, Purchase]:
    lost = lose_the_session(buy())
    return lost, buy()


def test_a_paid_session_missing_from_the_row_counts(
    reseller: Reseller, stripe: StripeSimulator
) -> None:
    lost, purchase = buy_with_a_lost_session()
    stripe.pay(lost)
    run_sweep()
    row = reload(purchase)
    assert (row.status, row.session_id, row.licenses_granted) == ("paid", lost, 12)
    assert stripe.find("checkout.session", purchase.session_id or "")["status"] == "expired"
    purchase_fixtures.check_invariants()


def test_two_paid_sessions_count_once_and_are_reported(
    reseller: Reseller, stripe: StripeSimulator
) -> None:
    lost, purchase = buy_with_a_lost_session()
    stripe.pay(lost)
    stripe.pay(purchase.session_id or "")
    run_sweep()
    row = reload(purchase)
    assert (row.status, row.licenses_granted) == ("paid", 12)
    assert "Paid twice" in (row.status_reason or "")
    stripe.refund(row.session_id or "")
    run_sweep()
    row = reload(purchase)
    assert (row.status, row.licenses_granted) == ("paid", 12)
    assert row.status_reason is None
    stripe.refund(row.session_id or "")
    run_sweep()
    assert reload(purchase).licenses_granted == 0
    purchase_fixtures.check_invariants()


def test_three_paid_sessions_are_all_tracked(
    reseller: Reseller, stripe: StripeSimulator, frozen: Any
) -> None:
    """After the other two sessions are refunded, the remaining paid session counts."""
    purchase = buy()
    sessions = []
    for _ in range(3):
        sessions.append(purchase.session_id or "")
        stripe.pay(purchase.session_id or "")
        if len(sessions) < 3:
            lose_the_session(purchase)
            purchase = buy()
    run_sweep()
    assert "Paid 3 times" in (reload(purchase).status_reason or "")
    purchase_fixtures.check_invariants()
    for left in (2, 1):
        row = reload(purchase)
        assert (row.status, row.licenses_granted) == ("paid", 12)
        stripe.refund(row.session_id or "")
        row = settle(row).purchase
        assert ("Paid twice" in (row.status_reason or "")) == (left > 1)
    stripe.refund(reload(purchase).session_id or "")
    row = settle(reload(purchase)).purchase
    assert (row.status, row.licenses_granted) == ("refunded", 0)
    purchase_fixtures.check_invariants()


def test_a_dry_run_expires_no_session(reseller: Reseller, stripe: StripeSimulator) -> None:
    """A dry run of reconciliation only reads.

    Settling the purchase expires the extra open session.
    """
    lost, purchase = buy_with_a_lost_session()
    stripe.pay(lost)
    Model.update(purchase, [Purchase.other_sessions.add({lost})])
    is_open = stripe.find("checkout.session", purchase.session_id or "")
    view = worth_now(reload(purchase), 0)
    assert (view.status, view.worth) == ("paid", 12)
    session = stripe.find("checkout.session", is_open["id"])
    assert session["status"] == "open"
    settle(reload(purchase))
    assert stripe.find("checkout.session", is_open["id"])["status"] == "expired"
    assert reload(purchase).session_id == lost
