"""The books match the money in Stripe, and no license is granted without payment."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.actors import Actor
from chalicelib.domain.statements import Money, Period
from chalicelib.errors import PaymentProviderUnavailable
from chalicelib.services.purchases.accept_payment import accept_as_paid
from chalicelib.services.purchases.checkout import buy_licenses, read_purchase
from chalicelib.services.purchases.settlement import settle
from chalicelib.services.refunds.refund_requests import refund_licenses
from chalicelib.services.reporting.statements import build_statement, statement_lines
from chalicelib.services.stripe_sync.sweep import run_sweep
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.purchases import Purchase
from infra.local import table_edits
from infra.local.stripe_simulator import StripeSimulator
from tests.conftest import TestClock
from tests.support import purchase_fixtures

ALL_TIME = Period(datetime(2000, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC))


@pytest.fixture
def purchase(tables: None, stripe: StripeSimulator) -> Purchase:
    """A pending purchase of 10 licenses at 20.00 each."""
    return buy_licenses(purchase_fixtures.create_reseller(), 10, by=Actor("usr_buyer"))


def current_session(purchase: Purchase) -> str:
    return str(reread(purchase).session_id)


def reread(purchase: Purchase) -> Purchase:
    return read_purchase(purchase.reseller_id, purchase.id)


def settled(purchase: Purchase) -> Purchase:
    return settle(reread(purchase)).purchase


def with_another_session(purchase: Purchase) -> tuple[str, str]:
    """Return the IDs of the lost first session and the second session, which is on the row."""
    lost = current_session(purchase)
    table_edits.edit(reread(purchase), session_id=None, checkout_url=None, checkout_attempt=1)
    return lost, str(
        buy_licenses(purchase_fixtures.read_reseller(), 10, by=Actor("usr_buyer")).session_id
    )


def booked_money() -> Money:
    return build_statement(purchase_fixtures.read_reseller(), ALL_TIME).money.get("usd", Money())


def test_a_second_payment_and_its_refund_are_booked(
    purchase: Purchase, stripe: StripeSimulator, frozen: TestClock
) -> None:
    first, second = with_another_session(purchase)
    stripe.pay(first)
    stripe.pay(second)
    run_sweep()
    assert "Paid twice" in str(reread(purchase).status_reason)
    assert booked_money() == Money(40_000, 0, 0)
    frozen.advance(timedelta(days=40))
    before = reread(purchase).bookings
    stripe.refund(second if current_session(purchase) == first else first)
    run_sweep()
    assert reread(purchase).status_reason is None
    assert booked_money() == Money(40_000, 20_000, 0)
    after = reread(purchase).bookings
    assert {at: after[at] for at in before} == before, "earlier bookings must not change"
    lines = [
        cells for cells in statement_lines(purchase_fixtures.read_reseller(), ALL_TIME) if cells[4]
    ]
    assert sum(int(str(cells[2])) for cells in lines) == 10
    purchase_fixtures.check_invariants()


def test_the_books_do_not_depend_on_which_session_counts(
    purchase: Purchase, stripe: StripeSimulator
) -> None:
    first, second = with_another_session(purchase)
    stripe.pay(first)
    stripe.pay(second)
    run_sweep()
    stripe.refund(current_session(purchase), 8_000)
    assert settled(purchase).licenses_granted == 6
    assert booked_money() == Money(40_000, 8_000, 0)
    stripe.refund(current_session(purchase))
    assert settled(purchase).licenses_granted == 10
    assert booked_money() == Money(40_000, 20_000, 0)


def test_a_partial_dispute_holds_only_its_amount(
    purchase: Purchase, stripe: StripeSimulator
) -> None:
    """The bank withdrew 50.00 of 200.00.

    Until the dispute ends, no license counts, but the remaining 150.00 is still booked.
    """
    stripe.pay(current_session(purchase))
    settled(purchase)
    dispute = stripe.open_dispute(current_session(purchase), amount=5_000)
    row = settled(purchase)
    assert (row.status, row.licenses_granted) == ("disputed", 0)
    assert booked_money() == Money(20_000, 0, 5_000)
    stripe.lose_dispute(dispute["id"])
    settled(purchase)
    assert booked_money() == Money(20_000, 0, 5_000)
    purchase_fixtures.check_invariants()


def test_if_one_of_two_payments_is_disputed_the_other_counts(
    purchase: Purchase, stripe: StripeSimulator
) -> None:
    first, second = with_another_session(purchase)
    stripe.pay(first)
    stripe.pay(second)
    run_sweep()
    disputed = current_session(purchase)
    dispute = stripe.open_dispute(disputed)
    row = settled(purchase)
    assert (row.status, row.licenses_granted) == ("paid", 10)
    assert row.status_reason is None
    assert booked_money() == Money(40_000, 0, 20_000)
    stripe.win_dispute(dispute["id"])
    row = settled(purchase)
    assert disputed in str(row.status_reason)
    assert booked_money() == Money(40_000, 0, 0)
    purchase_fixtures.check_invariants()


def test_a_payment_in_another_currency_is_not_booked(
    purchase: Purchase, stripe: StripeSimulator
) -> None:
    stripe.pay(current_session(purchase))
    table_edits.edit(reread(purchase), currency="eur")
    row = settled(purchase)
    assert (row.status, row.amount_paid) == ("quarantined", 0)
    assert build_statement(purchase_fixtures.read_reseller(), ALL_TIME).money == {}


def test_a_free_checkout_is_not_a_second_payment(
    purchase: Purchase, stripe: StripeSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One session is paid, and a promotion makes the other free.

    No money was paid twice, so the purchase can be refunded through the service. The free session
    then grants no licenses.
    """
    monkeypatch.setenv("STRIPE_PROMOTION_CODES", "on")
    free, paid = with_another_session(purchase)
    stripe.pay(paid)
    assert settled(purchase).licenses_granted == 10
    stripe.pay_nothing(free)
    run_sweep()
    row = reread(purchase)
    assert (row.session_id, row.licenses_granted) == (paid, 10)
    assert row.status_reason is None
    row = refund_licenses(row, 10, reason="All", by=Actor("usr_admin"))
    assert (row.status, row.licenses_granted, row.session_id) == ("refunded", 0, paid)
    purchase_fixtures.check_invariants()


def test_a_quarantined_purchase_paid_twice_states_both_reasons(
    purchase: Purchase, stripe: StripeSimulator
) -> None:
    first, second = with_another_session(purchase)
    table_edits.edit(reread(purchase), total=15_000)
    stripe.pay(first)
    stripe.pay(second)
    run_sweep()
    row = reread(purchase)
    assert (row.status, row.licenses_granted) == ("quarantined", 0)
    assert "The amount was 20000 cents" in str(row.status_reason)
    assert "Paid twice" in str(row.status_reason)
    stripe.refund(current_session(purchase))
    row = settled(purchase)
    assert (row.status, row.amount_paid, row.amount_refunded) == ("quarantined", 20_000, 0)
    assert "Paid twice" not in str(row.status_reason)
    row = accept_as_paid(row, reason="Agreed", by=Actor("usr_admin"))
    assert (row.status, row.licenses_granted) == ("paid", 10)
    purchase_fixtures.check_invariants()


def test_other_sessions_expire_while_a_delayed_payment_is_processed(
    purchase: Purchase, stripe: StripeSimulator
) -> None:
    lost, known = with_another_session(purchase)
    stripe.pay_later(lost)
    run_sweep()
    row = reread(purchase)
    assert (row.status, row.session_id) == ("processing", lost)
    assert stripe.find("checkout.session", known)["status"] == "expired"
    stripe.bank_confirms(lost)
    run_sweep()
    assert (reread(purchase).status, reread(purchase).licenses_granted) == ("paid", 10)
    purchase_fixtures.check_invariants()


def test_the_session_of_another_purchase_does_not_hide_its_own(
    purchase: Purchase, stripe: StripeSimulator
) -> None:
    other = buy_licenses(purchase_fixtures.read_reseller(), 20, by=Actor("usr_buyer"))
    stripe.pay(str(other.session_id))
    settled(other)
    table_edits.edit(reread(purchase), other_sessions={str(other.session_id)})
    row = settled(purchase)
    assert row.status == "pending"
    assert row.other_sessions is None
    assert stripe.find("checkout.session", current_session(purchase))["status"] == "open"
    stripe.pay(current_session(purchase))
    assert settled(purchase).licenses_granted == 10
    assert booked_money() == Money(60_000, 0, 0)
    purchase_fixtures.check_invariants()


def ledger_entries(purchase: Purchase) -> list[LedgerEntry]:
    found = LedgerEntry.query(purchase.reseller_id)
    return [entry for entry in found if entry.ref == purchase.id]


def test_a_dashboard_refund_is_not_attributed_to_the_admin(
    purchase: Purchase, stripe: StripeSimulator
) -> None:
    stripe.pay(current_session(purchase))
    settled(purchase)
    stripe.faults.fail(next=3, kind="500", method="POST", path="/v1/refunds")
    with pytest.raises(PaymentProviderUnavailable):
        refund_licenses(reread(purchase), 5, reason="Too many", by=Actor("usr_admin"))
    stripe.refund(current_session(purchase), 10_000)
    assert settled(purchase).licenses_granted == 5
    taken = ledger_entries(purchase)[-1]
    assert (taken.actor, taken.count_change) == ("stripe", -5)
    assert taken.reason is None


def test_an_admins_refund_is_attributed_to_the_admin_by_any_caller(
    purchase: Purchase, stripe: StripeSimulator
) -> None:
    stripe.pay(current_session(purchase))
    settled(purchase)
    stripe.faults.fail(next=3, kind="drop_after", method="POST", path="/v1/refunds")
    with pytest.raises(PaymentProviderUnavailable):
        refund_licenses(reread(purchase), 5, reason="Too many", by=Actor("usr_admin"))
    assert settled(purchase).licenses_granted == 5
    taken = ledger_entries(purchase)[-1]
    assert (taken.actor, taken.reason) == ("usr_admin", "Too many")
    run_sweep()
    row = reread(purchase)
    assert [(r.state, r.stripe_id) for r in row.refund_list] == [
        ("done", made["id"]) for made in stripe.all("refund")
    ]
