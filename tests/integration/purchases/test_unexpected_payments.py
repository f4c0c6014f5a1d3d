"""Payments that are not one payment of what was quoted: twice, too much, another's."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import InvalidRequest, PaymentProviderRefused
from chalicelib.payments import reports
from chalicelib.services.purchases.checkout import buy_licenses, read_purchase
from chalicelib.services.purchases.settlement import settle
from chalicelib.services.refunds.refund_requests import refund_licenses
from chalicelib.services.stripe_sync.sweep import run_sweep
from chalicelib.storage.purchases import Purchase
from infra.local import table_edits
from infra.local.stripe_simulator import StripeSimulator
from tests.conftest import TestClock
from tests.support import purchase_fixtures

Paid = tuple[Purchase, str, str]


@pytest.fixture
def paid_twice(tables: None, stripe: StripeSimulator) -> Paid:
    """With its two sessions: the row's own comes first, then the other."""
    purchase = buy_licenses(purchase_fixtures.create_reseller(), 10, by="usr_buyer")
    first = str(purchase.session_id)
    table_edits.edit(purchase, session_id=None, checkout_url=None, checkout_attempt=1)
    second = str(buy_licenses(purchase_fixtures.read_reseller(), 10, by="usr_buyer").session_id)
    assert first != second
    stripe.pay(first)
    stripe.pay(second)
    run_sweep()
    row = read_purchase(purchase.reseller_id, purchase.id)
    assert (row.status, row.licenses_granted) == ("paid", 10)
    own = str(row.session_id)
    return row, own, second if own == first else first


def settled(purchase: Purchase) -> Purchase:
    return settle(read_purchase(purchase.reseller_id, purchase.id)).purchase


def test_paid_twice_is_not_refunded_here(paid_twice: Paid, stripe: StripeSimulator) -> None:
    row, _, other = paid_twice
    with pytest.raises(InvalidRequest) as refused:
        refund_licenses(row, 4, reason="Too many", by="usr_admin")
    said = refused.value.errors[0].message
    assert other in said
    assert "Stripe's dashboard" in said
    assert stripe.all("refund") == []
    stripe.refund(other)
    done = refund_licenses(settled(row), 4, reason="Too many", by="usr_admin")
    assert (done.licenses_granted, done.amount_refunded) == (6, 5_000)
    purchase_fixtures.check_invariants()


def test_the_payment_that_counts_keeps_counting(paid_twice: Paid, stripe: StripeSimulator) -> None:
    row, own, other = paid_twice
    stripe.refund(own, 8_000)
    now = settled(row)
    assert (now.session_id, now.status_reason) == (own, row.status_reason)
    assert (now.status, now.licenses_granted) == ("partially_refunded", 6)
    assert now.amount_refunded == 8_000
    stripe.refund(own)
    now = settled(row)
    assert (now.session_id, now.status, now.licenses_granted) == (other, "paid", 10)
    assert now.status_reason is None
    purchase_fixtures.check_invariants()


def test_anothers_money_is_in_anothers_books(tables: None, stripe: StripeSimulator) -> None:
    account = purchase_fixtures.create_reseller()
    one = buy_licenses(account, 10, by="usr_buyer")
    stripe.pay(str(one.session_id))
    settled(one)
    copied = one.id[:-1] + ("0" if one.id[-1] != "0" else "1")
    table_edits.duplicate(read_purchase(one.reseller_id, one.id), id=copied)
    table_edits.edit(Purchase(one.reseller_id, copied), licenses_granted=0)
    copy = settled(Purchase(one.reseller_id, copied))
    assert (copy.status, copy.licenses_granted) == ("quarantined", 0)
    assert (copy.amount_paid, copy.amount_refunded) == (0, 0)
    assert settled(one).amount_paid == 20_000


def test_prevented_by_paying_the_buyer(tables: None, stripe: StripeSimulator) -> None:
    """As Visa's rapid dispute resolution does: no chargeback, and no money either."""
    purchase = buy_licenses(purchase_fixtures.create_reseller(), 10, by="usr_buyer")
    stripe.pay(str(purchase.session_id))
    assert settled(purchase).licenses_granted == 10
    inquiry = stripe.open_dispute(str(purchase.session_id), inquiry=True)
    stripe.prevent_dispute(inquiry["id"])
    assert settled(purchase).licenses_granted == 10
    resolved = stripe.open_dispute(str(purchase.session_id))
    stripe.prevent_dispute(resolved["id"])
    row = settled(purchase)
    assert (row.status, row.licenses_granted) == ("disputed", 0)
    assert row.unsettled is None
    purchase_fixtures.check_invariants()


def test_too_much_was_paid(
    tables: None, stripe: StripeSimulator, frozen: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quarantine waits for a person, not for the sweep; paying the excess back ends it."""
    asked: list[str] = []
    report = reports.fetch_session

    def watched(session_id: str) -> Any:
        asked.append(session_id)
        return report(session_id)

    monkeypatch.setattr(reports, "fetch_session", watched)
    purchase = buy_licenses(purchase_fixtures.create_reseller(), 10, by="usr_buyer")
    table_edits.edit(purchase, total=15_000)
    stripe.pay(str(purchase.session_id))
    run_sweep()
    assert read_purchase(purchase.reseller_id, purchase.id).status == "quarantined"
    frozen.advance(timedelta(hours=1))
    run_sweep()
    asked.clear()
    for _ in range(4):
        frozen.advance(timedelta(minutes=15))
        run_sweep()
    assert asked == []
    stripe.refund(str(purchase.session_id), 5_000)
    run_sweep()
    row = read_purchase(purchase.reseller_id, purchase.id)
    assert (row.status, row.licenses_granted) == ("paid", 10)
    assert (row.amount_paid, row.amount_refunded) == (20_000, 5_000)
    with pytest.raises(InvalidRequest) as refused:
        refund_licenses(row, 4, reason="Too many", by="usr_admin")
    assert "Stripe's dashboard" in refused.value.errors[0].message
    stripe.refund(str(purchase.session_id), 6_000)
    assert settled(row).licenses_granted == 6
    purchase_fixtures.check_invariants()


def test_a_checkout_that_was_not_looked_at_is_asked_for_by_the_same_name(
    tables: None, stripe: StripeSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our key of Stripe's was wrong: two who ask anew, one of them slow, get one session."""
    account = purchase_fixtures.create_reseller()
    with monkeypatch.context() as wrong:
        wrong.setattr(stripe, "_api_key", "sk_test_another")
        with pytest.raises(PaymentProviderRefused):
            buy_licenses(account, 10, by="usr_buyer")
    (row,) = purchase_fixtures.rows("purchases")
    assert row["checkout_attempt"] == 0
    assert buy_licenses(account, 10, by="usr_buyer").id == row["id"]
