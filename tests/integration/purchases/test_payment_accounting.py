"""The books hold every dollar that Stripe holds of a purchase, and no license without one."""

from datetime import UTC, datetime, timedelta

import pytest

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

EVER = Period(datetime(2000, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC))


@pytest.fixture
def purchase(tables: None, stripe: StripeSimulator) -> Purchase:
    """10 licenses at 20.00, to be paid."""
    return buy_licenses(purchase_fixtures.create_reseller(), 10, by="usr_buyer")


def own(purchase: Purchase) -> str:
    return str(again(purchase).session_id)


def again(purchase: Purchase) -> Purchase:
    return read_purchase(purchase.reseller_id, purchase.id)


def settled(purchase: Purchase) -> Purchase:
    return settle(again(purchase)).purchase


def with_another_session(purchase: Purchase) -> tuple[str, str]:
    """The first, whose answer was lost; and the one that the row knows."""
    lost = own(purchase)
    table_edits.edit(again(purchase), session_id=None, checkout_url=None, checkout_attempt=1)
    return lost, str(buy_licenses(purchase_fixtures.read_reseller(), 10, by="usr_buyer").session_id)


def money() -> Money:
    return build_statement(purchase_fixtures.read_reseller(), EVER).money.get("usd", Money())


def test_the_second_payment_is_booked_and_so_is_its_way_back(
    purchase: Purchase, stripe: StripeSimulator, frozen: TestClock
) -> None:
    first, second = with_another_session(purchase)
    stripe.pay(first)
    stripe.pay(second)
    run_sweep()
    assert "Paid twice" in str(again(purchase).status_reason)
    assert money() == Money(40_000, 0, 0)
    frozen.advance(timedelta(days=40))
    before = again(purchase).bookings
    stripe.refund(second if own(purchase) == first else first)
    run_sweep()
    assert again(purchase).status_reason is None
    assert money() == Money(40_000, 20_000, 0)
    after = again(purchase).bookings
    assert {at: after[at] for at in before} == before, "what was booked stays as it is"
    lines = [
        cells for cells in statement_lines(purchase_fixtures.read_reseller(), EVER) if cells[4]
    ]
    assert sum(int(str(cells[2])) for cells in lines) == 10
    purchase_fixtures.check_invariants()


def test_which_session_counts_does_not_move_the_books(
    purchase: Purchase, stripe: StripeSimulator
) -> None:
    first, second = with_another_session(purchase)
    stripe.pay(first)
    stripe.pay(second)
    run_sweep()
    stripe.refund(own(purchase), 8_000)
    assert settled(purchase).licenses_granted == 6
    assert money() == Money(40_000, 8_000, 0)
    stripe.refund(own(purchase))
    assert settled(purchase).licenses_granted == 10
    assert money() == Money(40_000, 20_000, 0)


def test_a_dispute_holds_what_it_is_about(purchase: Purchase, stripe: StripeSimulator) -> None:
    """The bank took 50.00 of 200.00: no license counts meanwhile, and the rest is ours."""
    stripe.pay(own(purchase))
    settled(purchase)
    dispute = stripe.open_dispute(own(purchase), amount=5_000)
    row = settled(purchase)
    assert (row.status, row.licenses_granted) == ("disputed", 0)
    assert money() == Money(20_000, 0, 5_000)
    stripe.lose_dispute(dispute["id"])
    settled(purchase)
    assert money() == Money(20_000, 0, 5_000)
    purchase_fixtures.check_invariants()


def test_both_payments_are_disputed_money(purchase: Purchase, stripe: StripeSimulator) -> None:
    first, second = with_another_session(purchase)
    stripe.pay(first)
    stripe.pay(second)
    run_sweep()
    disputed = own(purchase)
    dispute = stripe.open_dispute(disputed)
    row = settled(purchase)
    assert (row.status, row.licenses_granted) == ("paid", 10)
    assert row.status_reason is None
    assert money() == Money(40_000, 0, 20_000)
    stripe.win_dispute(dispute["id"])
    row = settled(purchase)
    assert disputed in str(row.status_reason)
    assert money() == Money(40_000, 0, 0)
    purchase_fixtures.check_invariants()


def test_other_money_is_not_booked_as_ours(purchase: Purchase, stripe: StripeSimulator) -> None:
    stripe.pay(own(purchase))
    table_edits.edit(again(purchase), currency="eur")
    row = settled(purchase)
    assert (row.status, row.amount_paid) == ("quarantined", 0)
    assert build_statement(purchase_fixtures.read_reseller(), EVER).money == {}


def test_a_free_checkout_is_nothing_to_pay_back(
    purchase: Purchase, stripe: StripeSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paid with one session and promoted to nothing with another: there is no money twice, so
    it is refunded here, and the free one gives no license when the money has gone back."""
    monkeypatch.setenv("STRIPE_PROMOTION_CODES", "on")
    free, paid = with_another_session(purchase)
    stripe.pay(paid)
    assert settled(purchase).licenses_granted == 10
    stripe.pay_nothing(free)
    run_sweep()
    row = again(purchase)
    assert (row.session_id, row.licenses_granted) == (paid, 10)
    assert row.status_reason is None
    row = refund_licenses(row, 10, reason="All", by="usr_admin")
    assert (row.status, row.licenses_granted, row.session_id) == ("refunded", 0, paid)
    purchase_fixtures.check_invariants()


def test_what_was_paid_otherwise_too_is_money_that_should_go_back(
    purchase: Purchase, stripe: StripeSimulator
) -> None:
    first, second = with_another_session(purchase)
    table_edits.edit(again(purchase), total=15_000)
    stripe.pay(first)
    stripe.pay(second)
    run_sweep()
    row = again(purchase)
    assert (row.status, row.licenses_granted) == ("quarantined", 0)
    assert "The amount was 20000 cents" in str(row.status_reason)
    assert "Paid twice" in str(row.status_reason)
    stripe.refund(own(purchase))
    row = settled(purchase)
    assert (row.status, row.amount_paid, row.amount_refunded) == ("quarantined", 20_000, 0)
    assert "Paid twice" not in str(row.status_reason)
    row = accept_as_paid(row, reason="Agreed", by="usr_admin")
    assert (row.status, row.licenses_granted) == ("paid", 10)
    purchase_fixtures.check_invariants()


def test_while_a_bank_is_asked_nobody_pays_elsewhere(
    purchase: Purchase, stripe: StripeSimulator
) -> None:
    lost, known = with_another_session(purchase)
    stripe.pay_later(lost)
    run_sweep()
    row = again(purchase)
    assert (row.status, row.session_id) == ("processing", lost)
    assert stripe.find("checkout.session", known)["status"] == "expired"
    stripe.bank_confirms(lost)
    run_sweep()
    assert (again(purchase).status, again(purchase).licenses_granted) == ("paid", 10)
    purchase_fixtures.check_invariants()


def test_anothers_session_does_not_hide_its_own(
    purchase: Purchase, stripe: StripeSimulator
) -> None:
    other = buy_licenses(purchase_fixtures.read_reseller(), 20, by="usr_buyer")
    stripe.pay(str(other.session_id))
    settled(other)
    table_edits.edit(again(purchase), other_sessions={str(other.session_id)})
    row = settled(purchase)
    assert row.status == "pending"
    assert row.other_sessions is None
    assert stripe.find("checkout.session", own(purchase))["status"] == "open"
    stripe.pay(own(purchase))
    assert settled(purchase).licenses_granted == 10
    assert money() == Money(60_000, 0, 0)
    purchase_fixtures.check_invariants()


def entries(purchase: Purchase) -> list[LedgerEntry]:
    found = LedgerEntry.query(purchase.reseller_id)
    return [entry for entry in found if entry.ref == purchase.id]


def test_what_another_refunded_is_not_said_to_be_the_admins(
    purchase: Purchase, stripe: StripeSimulator
) -> None:
    stripe.pay(own(purchase))
    settled(purchase)
    stripe.faults.fail(next=3, kind="500", method="POST", path="/v1/refunds")
    with pytest.raises(PaymentProviderUnavailable):
        refund_licenses(again(purchase), 5, reason="Too many", by="usr_admin")
    stripe.refund(own(purchase), 10_000)
    assert settled(purchase).licenses_granted == 5
    taken = entries(purchase)[-1]
    assert (taken.actor, taken.count_change) == ("stripe", -5)
    assert taken.reason is None


def test_whoever_sees_it_first_the_admins_refund_is_the_admins(
    purchase: Purchase, stripe: StripeSimulator
) -> None:
    stripe.pay(own(purchase))
    settled(purchase)
    stripe.faults.fail(next=3, kind="drop_after", method="POST", path="/v1/refunds")
    with pytest.raises(PaymentProviderUnavailable):
        refund_licenses(again(purchase), 5, reason="Too many", by="usr_admin")
    assert settled(purchase).licenses_granted == 5
    taken = entries(purchase)[-1]
    assert (taken.actor, taken.reason) == ("usr_admin", "Too many")
    run_sweep()
    row = again(purchase)
    assert [(r.state, r.stripe_id) for r in row.refund_list] == [
        ("done", made["id"]) for made in stripe.all("refund")
    ]
