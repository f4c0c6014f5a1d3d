"""The worth of a purchase, case by case.

Unless a case says otherwise, it is 12 licenses at 20.00.
"""

from dataclasses import replace

import pytest

from chalicelib.domain.messages import MessageCode, say
from chalicelib.domain.pricing import INITIAL_TIERS
from chalicelib.domain.purchases import (
    Dispute,
    PaymentFacts,
    Quoted,
    Refund,
    Status,
    assess,
)
from chalicelib.domain.refunds import PaidPurchase, refund_quote

QUOTED = Quoted(quantity=12, total=24_000, currency="usd", livemode=True)
PAID = PaymentFacts(
    session_status="complete",
    payment_status="paid",
    currency="usd",
    livemode=True,
    quantity=12,
    amount_subtotal=24_000,
    amount_discount=0,
    amount_tax=0,
    amount_total=24_000,
    amount_received=24_000,
)
UNPAID = replace(PAID, payment_status="unpaid", amount_received=0)
HALF_PRICE = replace(PAID, amount_discount=12_000, amount_total=12_000, amount_received=12_000)
FREE = replace(
    PAID,
    payment_status="no_payment_required",
    amount_discount=24_000,
    amount_total=0,
    amount_received=None,
)


def refunded(*amounts: int, facts: PaymentFacts = PAID, status: str = "succeeded") -> PaymentFacts:
    made = tuple(Refund(f"re_{n}", amount, status) for n, amount in enumerate(amounts))
    return replace(facts, refunds=facts.refunds + made)


def returned(licenses: int, amount: int, facts: PaymentFacts = PAID) -> PaymentFacts:
    return replace(facts, refunds=(*facts.refunds, Refund("re_t", amount, "succeeded", licenses)))


def disputed(*statuses: str, facts: PaymentFacts = PAID) -> PaymentFacts:
    opened = tuple(Dispute(f"dp_{n}", 24_000, status) for n, status in enumerate(statuses))
    return replace(facts, disputes=opened)


CASES = {
    # before payment
    "open": (replace(UNPAID, session_status="open"), Status.PENDING, 0, True),
    "open after a declined card": (
        replace(UNPAID, session_status="open", payment_failed=True),
        Status.PENDING,
        0,
        True,
    ),
    "expired": (replace(UNPAID, session_status="expired"), Status.EXPIRED, 0, False),
    "expired after a declined card": (
        replace(UNPAID, session_status="expired", payment_failed=True),
        Status.EXPIRED,
        0,
        False,
    ),
    "completed, payment in progress": (UNPAID, Status.PROCESSING, 0, True),
    "delayed payment declined": (replace(UNPAID, payment_failed=True), Status.FAILED, 0, False),
    # paid
    "paid": (PAID, Status.PAID, 12, False),
    "paid at half price": (HALF_PRICE, Status.PAID, 12, False),
    "free by a promotion": (FREE, Status.PAID, 12, False),
    "paid with tax": (
        replace(PAID, amount_tax=2_400, amount_total=26_400, amount_received=26_400),
        Status.PAID,
        12,
        False,
    ),
    "free by a promotion, still open": (
        replace(FREE, session_status="open"),
        Status.PENDING,
        0,
        True,
    ),
    "free by a promotion, expired": (
        replace(FREE, session_status="expired"),
        Status.EXPIRED,
        0,
        False,
    ),
    # refunds issued in Stripe's dashboard, which take back refunded // unit amount licenses
    "one cent": (refunded(1), Status.PARTIALLY_REFUNDED, 12, False),
    "one cent less than a license": (refunded(1_999), Status.PARTIALLY_REFUNDED, 12, False),
    "one license": (refunded(2_000), Status.PARTIALLY_REFUNDED, 11, False),
    "one license in two refunds": (refunded(1_000, 1_000), Status.PARTIALLY_REFUNDED, 11, False),
    "half": (refunded(12_000), Status.PARTIALLY_REFUNDED, 6, False),
    "all but one cent": (refunded(23_999), Status.PARTIALLY_REFUNDED, 1, False),
    "all": (refunded(24_000), Status.REFUNDED, 0, False),
    "all in three refunds": (refunded(20_000, 3_999, 1), Status.REFUNDED, 0, False),
    "half of a half-price order": (
        refunded(6_000, facts=HALF_PRICE),
        Status.PARTIALLY_REFUNDED,
        6,
        False,
    ),
    "all of a half-price order": (refunded(12_000, facts=HALF_PRICE), Status.REFUNDED, 0, False),
    "a pending refund counts": (
        refunded(2_000, status="pending"),
        Status.PARTIALLY_REFUNDED,
        11,
        False,
    ),
    "a failed refund does not count": (refunded(24_000, status="failed"), Status.PAID, 12, False),
    "a canceled refund does not count": (
        refunded(24_000, status="canceled"),
        Status.PAID,
        12,
        False,
    ),
    "one failed, one succeeded": (
        refunded(2_000, facts=refunded(24_000, status="failed")),
        Status.PARTIALLY_REFUNDED,
        11,
        False,
    ),
    # refunds that state how many licenses they take back
    "3 licenses returned": (returned(3, 1_500), Status.PARTIALLY_REFUNDED, 9, False),
    "0 licenses returned": (returned(0, 20_000), Status.PARTIALLY_REFUNDED, 12, False),
    "one that names licenses and one that does not": (
        refunded(4_000, facts=returned(3, 1_500)),
        Status.PARTIALLY_REFUNDED,
        7,
        False,
    ),
    "more licenses returned than bought": (returned(99, 100), Status.REFUNDED, 0, False),
    # disputes
    "inquiry": (disputed("warning_needs_response"), Status.PAID, 12, False),
    "inquiry under review": (disputed("warning_under_review"), Status.PAID, 12, False),
    "inquiry closed": (disputed("warning_closed"), Status.PAID, 12, False),
    "prevented": (disputed("prevented"), Status.PAID, 12, False),
    "prevented by refunding the buyer": (
        replace(PAID, disputes=(Dispute("dp_0", 24_000, "prevented", balance=-24_000),)),
        Status.DISPUTED,
        0,
        False,
    ),
    "disputed": (disputed("needs_response"), Status.DISPUTED, 0, True),
    "under review": (disputed("under_review"), Status.DISPUTED, 0, True),
    "appealed": (disputed("appeal_under_review"), Status.DISPUTED, 0, True),
    "won": (disputed("won"), Status.PAID, 12, False),
    "lost": (disputed("lost"), Status.DISPUTED, 0, False),
    "won, then disputed again": (disputed("needs_response", "won"), Status.DISPUTED, 0, True),
    "inquiry after a partial refund": (
        disputed("warning_needs_response", facts=refunded(4_000)),
        Status.PARTIALLY_REFUNDED,
        10,
        False,
    ),
    "dispute after a partial refund": (
        disputed("needs_response", facts=refunded(4_000)),
        Status.DISPUTED,
        0,
        True,
    ),
    "won after a partial refund": (
        disputed("won", facts=refunded(4_000)),
        Status.PARTIALLY_REFUNDED,
        10,
        False,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_status_and_worth(case: str) -> None:
    facts, status, worth, awaited = CASES[case]
    assessment = assess(QUOTED, facts)
    assert (assessment.status, assessment.worth, assessment.awaited) == (status, worth, awaited)
    assert assessment.reasons == ()


DEVIATIONS = {
    "test mode": (replace(PAID, livemode=False), say(MessageCode.PAID_IN_TEST_MODE)),
    "another currency": (
        replace(PAID, currency="eur"),
        say(MessageCode.OTHER_CURRENCY, paid="eur", quoted="usd"),
    ),
    "more licenses": (
        replace(PAID, quantity=120),
        say(MessageCode.OTHER_QUANTITY, paid=120, quoted=12),
    ),
    "another amount": (
        replace(PAID, amount_subtotal=12, amount_total=12, amount_received=12),
        say(MessageCode.OTHER_AMOUNT, paid=12, quoted=24_000),
    ),
    "amounts that do not add up": (
        replace(PAID, amount_total=10_000),
        say(MessageCode.AMOUNTS_INCONSISTENT),
    ),
    "partially captured": (
        replace(PAID, amount_received=8_000),
        say(MessageCode.RECEIVED_OTHER_AMOUNT, received=8_000, due=24_000),
    ),
    "paid without a payment": (
        replace(PAID, amount_received=None),
        say(MessageCode.RECEIVED_OTHER_AMOUNT, received=0, due=24_000),
    ),
}


@pytest.mark.parametrize("case", DEVIATIONS)
def test_a_payment_that_differs_from_the_quote_is_quarantined(case: str) -> None:
    facts, reasons = DEVIATIONS[case]
    assessment = assess(QUOTED, facts)
    assert (assessment.status, assessment.worth) == (Status.QUARANTINED, 0)
    assert not assessment.awaited
    assert assessment.reasons == reasons


# Of the 24000 quoted, 8000 were received, and an admin accepted them for all 12 licenses.
UNDERPAID = replace(PAID, amount_received=8_000)
ACCEPTED = {
    "unchanged": (UNDERPAID, Status.PAID, 12),
    "an eighth refunded": (refunded(1_000, facts=UNDERPAID), Status.PARTIALLY_REFUNDED, 11),
    "everything received refunded": (refunded(8_000, facts=UNDERPAID), Status.REFUNDED, 0),
    "different quantity, same amount": (replace(UNDERPAID, quantity=120), Status.PAID, 12),
    "more received": (replace(UNDERPAID, amount_received=9_000), Status.QUARANTINED, 0),
    "in another currency": (replace(UNDERPAID, currency="eur"), Status.QUARANTINED, 0),
    "in the other mode": (replace(UNDERPAID, livemode=False), Status.QUARANTINED, 0),
    "disputed": (disputed("lost", facts=UNDERPAID), Status.DISPUTED, 0),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_an_accepted_amount_counts_as_full_payment(case: str) -> None:
    facts, status, worth = ACCEPTED[case]
    assessment = assess(replace(QUOTED, accepted=8_000), facts)
    assert (assessment.status, assessment.worth) == (status, worth)


def test_an_accepted_overpayment_becomes_the_price() -> None:
    """A dashboard refund then takes back a share of the licenses, instead of reducing an excess."""
    accepted = replace(QUOTED, accepted=30_000)
    assert assess(accepted, refunded(2_500, facts=OVERPAYMENT)).worth == 11
    assert assess(accepted, refunded(6_000, facts=OVERPAYMENT)).worth == 10


def test_a_live_payment_for_a_test_quote_is_quarantined() -> None:
    assessment = assess(replace(QUOTED, livemode=False), PAID)
    assert assessment.reasons == say(MessageCode.PAID_IN_LIVE_MODE)


def test_a_full_refund_ends_a_quarantine() -> None:
    wrong = replace(PAID, quantity=120)
    assert assess(QUOTED, refunded(24_000, facts=wrong)).status == Status.REFUNDED


OVERPAYMENT = replace(PAID, amount_subtotal=30_000, amount_total=30_000, amount_received=30_000)

# The buyer paid 6000 more than quoted.
REFUNDED_EXCESS = {
    "part of the excess refunded": (refunded(5_999, facts=OVERPAYMENT), Status.QUARANTINED, 0),
    "excess refunded": (refunded(6_000, facts=OVERPAYMENT), Status.PAID, 12),
    "excess refunded in two refunds": (refunded(1_000, 5_000, facts=OVERPAYMENT), Status.PAID, 12),
    "excess refunded as goodwill": (returned(0, 6_000, OVERPAYMENT), Status.PAID, 12),
    "refund that names licenses": (returned(3, 6_000, OVERPAYMENT), Status.QUARANTINED, 0),
    "excess and 3 licenses refunded": (
        refunded(12_000, facts=OVERPAYMENT),
        Status.PARTIALLY_REFUNDED,
        9,
    ),
    "excess refunded, and 3 licenses by name": (
        returned(3, 1_500, refunded(6_000, facts=OVERPAYMENT)),
        Status.PARTIALLY_REFUNDED,
        9,
    ),
    "everything refunded": (refunded(30_000, facts=OVERPAYMENT), Status.REFUNDED, 0),
    "the refund failed": (
        refunded(6_000, facts=OVERPAYMENT, status="failed"),
        Status.QUARANTINED,
        0,
    ),
    "in another currency": (
        refunded(6_000, facts=replace(OVERPAYMENT, currency="eur")),
        Status.QUARANTINED,
        0,
    ),
    "with tax": (
        refunded(6_000, facts=replace(OVERPAYMENT, amount_tax=1, amount_total=30_001)),
        Status.QUARANTINED,
        0,
    ),
}


@pytest.mark.parametrize("case", REFUNDED_EXCESS)
def test_overpayment(case: str) -> None:
    facts, status, worth = REFUNDED_EXCESS[case]
    assessment = assess(QUOTED, facts)
    assert (assessment.status, assessment.worth) == (status, worth)
    assert not assessment.awaited
    if status in (Status.PAID, Status.PARTIALLY_REFUNDED):
        assert assessment.reasons == say(MessageCode.EXCESS_REFUNDED, excess=6_000)


def test_licenses_returned_without_a_refund() -> None:
    assert assess(replace(QUOTED, returned=3), PAID).worth == 9
    assert assess(replace(QUOTED, returned=3), refunded(2_000)).worth == 8
    all_returned = assess(replace(QUOTED, returned=12), FREE)
    assert (all_returned.status, all_returned.worth) == (Status.REFUNDED, 0)


# Columns: licenses now, price, paid, refunded so far, licenses returned, refund amount.
REFUNDS = {
    "one of one": (1, 2_500, 2_500, 0, 1, 2_500),
    "one of nine": (9, 22_500, 22_500, 0, 1, 2_500),
    "91 of 100": (100, 150_000, 150_000, 0, 91, 127_500),
    "50 of 100": (100, 150_000, 150_000, 0, 50, 62_500),
    "41 more after 50 of 100": (50, 150_000, 150_000, 62_500, 41, 65_000),
    "all of 100": (100, 150_000, 150_000, 0, 100, 150_000),
    "never below 0": (10, 20_000, 20_000, 0, 1, 0),
    "two of ten": (10, 20_000, 20_000, 0, 2, 0),
    "three of ten": (10, 20_000, 20_000, 0, 3, 2_500),
    "after a goodwill refund": (12, 24_000, 24_000, 1_000, 2, 3_000),
    "the rest after a goodwill refund": (12, 24_000, 24_000, 1_000, 12, 23_000),
    "at half price": (12, 24_000, 12_000, 0, 2, 2_000),
    "at half price, all": (12, 24_000, 12_000, 0, 12, 12_000),
    "at a third off, rounded in the seller's favor": (3, 7_500, 5_001, 0, 1, 1_667),
    "free": (12, 24_000, 0, 0, 5, 0),
    "free, all": (12, 24_000, 0, 0, 12, 0),
}


@pytest.mark.parametrize("case", REFUNDS)
def test_refund_amounts(case: str) -> None:
    licenses, total, paid, refunded_so_far, returning, amount = REFUNDS[case]
    quote = refund_quote(
        PaidPurchase(licenses, total, paid, refunded_so_far, INITIAL_TIERS), returning
    )
    assert (quote.amount, quote.kept) == (amount, licenses - returning)
