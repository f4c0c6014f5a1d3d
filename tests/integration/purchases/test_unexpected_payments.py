"""Payments that differ from the quote: paid twice, too high, or for another purchase."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.actors import Actor
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
    """A purchase paid on two sessions. The session on the row comes before the other one."""
    purchase = buy_licenses(purchase_fixtures.create_reseller(), 10, by=Actor("usr_buyer"))
    first = str(purchase.session_id)
    table_edits.edit(purchase, session_id=None, checkout_url=None, checkout_attempt=1)
    second = str(
        buy_licenses(purchase_fixtures.read_reseller(), 10, by=Actor("usr_buyer")).session_id
    )
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


def test_a_purchase_paid_twice_is_first_refunded_in_the_dashboard(
    paid_twice: Paid, stripe: StripeSimulator
) -> None:
    row, _, other = paid_twice
    with pytest.raises(InvalidRequest) as refused:
        refund_licenses(row, 4, reason="Too many", by=Actor("usr_admin"))
    message = refused.value.errors[0].message
    assert other in message
    assert "Stripe's dashboard" in message
    assert stripe.all("refund") == []
    stripe.refund(other)
    done = refund_licenses(settled(row), 4, reason="Too many", by=Actor("usr_admin"))
    assert (done.licenses_granted, done.amount_refunded) == (6, 5_000)
    purchase_fixtures.check_invariants()


def test_the_session_that_counts_changes_only_after_a_full_refund(
    paid_twice: Paid, stripe: StripeSimulator
) -> None:
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


def test_a_copied_row_does_not_book_the_original_payment(
    tables: None, stripe: StripeSimulator
) -> None:
    account = purchase_fixtures.create_reseller()
    one = buy_licenses(account, 10, by=Actor("usr_buyer"))
    stripe.pay(str(one.session_id))
    settled(one)
    copied = one.id[:-1] + ("0" if one.id[-1] != "0" else "1")
    table_edits.duplicate(read_purchase(one.reseller_id, one.id), id=copied)
    table_edits.edit(Purchase(one.reseller_id, copied), licenses_granted=0)
    copy = settled(Purchase(one.reseller_id, copied))
    assert (copy.status, copy.licenses_granted) == ("quarantined", 0)
    assert (copy.amount_paid, copy.amount_refunded) == (0, 0)
    assert settled(one).amount_paid == 20_000


def test_a_dispute_prevented_by_paying_the_buyer_takes_back_the_licenses(
    tables: None, stripe: StripeSimulator
) -> None:
    """In Visa's Rapid Dispute Resolution, the money is gone without a chargeback."""
    purchase = buy_licenses(purchase_fixtures.create_reseller(), 10, by=Actor("usr_buyer"))
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


def test_an_overpaid_purchase_is_quarantined_until_the_excess_is_refunded(
    tables: None, stripe: StripeSimulator, frozen: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep skips a quarantined purchase. Refunding the excess ends the quarantine."""
    fetched: list[str] = []
    fetch = reports.fetch_session

    def watched(session_id: str) -> Any:
        fetched.append(session_id)
        return fetch(session_id)

    monkeypatch.setattr(reports, "fetch_session", watched)
    purchase = buy_licenses(purchase_fixtures.create_reseller(), 10, by=Actor("usr_buyer"))
    table_edits.edit(purchase, total=15_000)
    stripe.pay(str(purchase.session_id))
    run_sweep()
    assert read_purchase(purchase.reseller_id, purchase.id).status == "quarantined"
    frozen.advance(timedelta(hours=1))
    run_sweep()
    fetched.clear()
    for _ in range(4):
        frozen.advance(timedelta(minutes=15))
        run_sweep()
    assert fetched == []
    stripe.refund(str(purchase.session_id), 5_000)
    run_sweep()
    row = read_purchase(purchase.reseller_id, purchase.id)
    assert (row.status, row.licenses_granted) == ("paid", 10)
    assert (row.amount_paid, row.amount_refunded) == (20_000, 5_000)
    with pytest.raises(InvalidRequest) as refused:
        refund_licenses(row, 4, reason="Too many", by=Actor("usr_admin"))
    assert "Stripe's dashboard" in refused.value.errors[0].message
    stripe.refund(str(purchase.session_id), 6_000)
    assert settled(row).licenses_granted == 6
    purchase_fixtures.check_invariants()


def test_a_request_rejected_for_its_api_key_keeps_its_idempotency_key(
    tables: None, stripe: StripeSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stripe stored nothing under the idempotency key, so a retry and a slow concurrent request
    can both use it and get the same session."""
    account = purchase_fixtures.create_reseller()
    with monkeypatch.context() as wrong:
        wrong.setattr(stripe, "_api_key", "sk_test_another")
        with pytest.raises(PaymentProviderRefused):
            buy_licenses(account, 10, by=Actor("usr_buyer"))
    (row,) = purchase_fixtures.rows("purchases")
    assert row["checkout_attempt"] == 0
    assert buy_licenses(account, 10, by=Actor("usr_buyer")).id == row["id"]
