"""What a purchase is worth: the number of licenses that its payment currently covers.

`assess` is a pure function of the quote and of Stripe's current state. It knows nothing about
events, so their order, duplication, or loss cannot change the result.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from chalicelib.domain.messages import MessageCode, Sentences, say
from chalicelib.domain.statements import Money

# Stripe closes a session at most 24 hours after creating it, and requires it to stay open for at
# least 30 minutes. If a crash left a purchase without a session, a session can still be created
# within RESUMABLE_FOR.
CHECKOUT_LIFETIME = timedelta(hours=23)
RESUMABLE_FOR = timedelta(hours=22)


class Status(StrEnum):
    PENDING = "pending"  # the checkout is open, and nothing has been paid
    PROCESSING = "processing"  # a delayed payment is in progress
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    DISPUTED = "disputed"  # the bank holds or has taken the money
    FAILED = "failed"  # a delayed payment failed
    EXPIRED = "expired"  # the checkout closed without payment
    QUARANTINED = "quarantined"  # paid, but not as quoted; an admin has to decide what to do


STATUSES = frozenset(Status)
UNPAID = frozenset({Status.PENDING, Status.PROCESSING, Status.FAILED, Status.EXPIRED})
REFUNDABLE = frozenset({Status.PAID, Status.PARTIALLY_REFUNDED})

# Dispute statuses in which we don't have the funds. An inquiry (`warning_*`) withdraws nothing, and
# in a dispute that we won, the money has been returned. A prevented dispute never became a
# chargeback: either it was blocked, or the buyer was refunded right away. Only the dispute's
# balance shows which.
OPEN_DISPUTES = frozenset(
    {"needs_response", "under_review", "appeal_needs_response", "appeal_under_review"}
)
HOLDING_DISPUTES = OPEN_DISPUTES | {"lost"}
PREVENTED = "prevented"
# Refunds in these statuses ended without moving money.
VOID_REFUNDS = frozenset({"failed", "canceled"})


@dataclass(frozen=True, slots=True)
class Quoted:
    """The checkout that was requested from Stripe. Amounts are integer cents.

    `returned` is the number of licenses returned without a refund, because the remaining ones cost
    as much as all of them did; Stripe has no record of such returns. `accepted` is an amount that
    an admin accepted as full payment although it differs from the quote.
    """

    quantity: int
    total: int
    currency: str
    livemode: bool
    returned: int = 0
    accepted: int | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund of the payment.

    `licenses` is the number of licenses it takes back, or None if no number is given (as for
    refunds issued in Stripe's dashboard). `intent` is the ID of our refund request, if there is
    one.
    """

    id: str
    amount: int
    status: str
    licenses: int | None = None
    intent: str | None = None


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute over the payment.

    `balance` is the dispute's effect on our balance so far; it is negative if money was withdrawn.
    """

    id: str
    amount: int
    status: str
    balance: int = 0

    @property
    def holds_funds(self) -> bool:
        withdrawn = self.status == PREVENTED and self.balance < 0
        return withdrawn or self.status in HOLDING_DISPUTES


@dataclass(frozen=True, slots=True)
class PaymentFacts:
    """The state of one Checkout Session in Stripe. Amounts are integer cents.

    `session_status` is open, complete, or expired. `payment_status` is paid, unpaid, or
    no_payment_required. `payment_failed` means that a delayed payment was declined.
    `amount_subtotal` excludes discounts and tax, `amount_total` is what the buyer pays, and
    `amount_received` is what has arrived (None if there was nothing to pay).
    """

    session_status: str
    payment_status: str
    currency: str
    livemode: bool
    quantity: int
    amount_subtotal: int
    amount_discount: int
    amount_tax: int
    amount_total: int
    amount_received: int | None = None
    payment_failed: bool = False
    refunds: tuple[Refund, ...] = ()
    disputes: tuple[Dispute, ...] = ()

    @property
    def paid(self) -> bool:
        """Whether the buyer completed the checkout and paid any amount due.

        A promotion can make a checkout free while it is still open: it is not paid yet.
        """
        settled = self.payment_status in ("paid", "no_payment_required")
        return settled and self.session_status == "complete"

    @property
    def effective_refunds(self) -> tuple[Refund, ...]:
        return tuple(refund for refund in self.refunds if refund.status not in VOID_REFUNDS)

    @property
    def amount_refunded(self) -> int:
        return sum(refund.amount for refund in self.effective_refunds)

    @property
    def money(self) -> Money:
        """The payment's effect on our balance.

        A dispute can cover only part of the payment, or money that was already refunded.
        """
        held = sum(dispute.amount for dispute in self.disputes if dispute.holds_funds)
        return Money(self.amount_received or 0 if self.paid else 0, self.amount_refunded, held)

    @property
    def fully_refunded(self) -> bool:
        return 0 < self.money.gross <= self.amount_refunded

    @property
    def disputed(self) -> bool:
        return any(dispute.holds_funds for dispute in self.disputes)

    @property
    def dispute_open(self) -> bool:
        return any(dispute.status in OPEN_DISPUTES for dispute in self.disputes)


@dataclass(frozen=True, slots=True)
class Assessment:
    """A purchase's status and its worth in licenses.

    `reasons` say why the purchase is quarantined, or how its payment differs from the quote.
    `awaited` means that Stripe's state is expected to change, so the sweep re-checks the purchase
    on every run. Any other purchase is re-checked only when Stripe has an event for it.
    `status` is a Status. For a purchase without a session, it can also be a stored status that only
    a later release knows.
    """

    status: str
    worth: int
    reasons: Sentences = ()
    awaited: bool = False


def assess(quoted: Quoted, facts: PaymentFacts) -> Assessment:
    """Return the purchase's status and worth, given Stripe's current state."""
    if not facts.paid:
        status = _unpaid_status(facts)
        return Assessment(status, 0, awaited=status in (Status.PENDING, Status.PROCESSING))
    if facts.disputed:
        return Assessment(Status.DISPUTED, 0, awaited=facts.dispute_open)
    if facts.fully_refunded:
        return Assessment(Status.REFUNDED, 0)
    facts, excess = exclude_excess(quoted, facts)
    if mismatch := payment_mismatch(quoted, facts):
        return Assessment(Status.QUARANTINED, 0, mismatch)
    reasons = say(MessageCode.EXCESS_REFUNDED, excess=excess) if excess else ()
    if not facts.amount_refunded and not quoted.returned:
        return Assessment(Status.PAID, quoted.quantity, reasons)
    kept = max(0, quoted.quantity - quoted.returned - licenses_refunded(quoted, facts))
    return Assessment(Status.PARTIALLY_REFUNDED if kept else Status.REFUNDED, kept, reasons)


def _unpaid_status(facts: PaymentFacts) -> Status:
    if facts.session_status == "expired":
        return Status.EXPIRED
    if facts.session_status == "open":
        return Status.PENDING
    return Status.FAILED if facts.payment_failed else Status.PROCESSING


def exclude_excess(quoted: Quoted, facts: PaymentFacts) -> tuple[PaymentFacts, int]:
    """Subtract an overpayment that has been refunded; return the adjusted facts and the excess.

    A refund that takes licenses back doesn't count toward the excess. Return the facts unchanged
    and 0 if the other refunds don't cover the whole excess, if an admin accepted the amount paid,
    or if there is a discount or tax.
    """
    excess = left = facts.amount_subtotal - quoted.total
    if (
        excess <= 0
        or facts.money.gross == quoted.accepted
        or facts.amount_subtotal != facts.amount_total
    ):
        return facts, 0
    refunds = []
    # Refunds that take back 0 licenses (goodwill) come first.
    for refund in sorted(facts.effective_refunds, key=lambda r: r.licenses is None):
        covered = 0 if refund.licenses else min(left, refund.amount)
        left -= covered
        refunds.append(replace(refund, amount=refund.amount - covered))
    if left:
        return facts, 0
    as_quoted = replace(
        facts,
        amount_subtotal=quoted.total,
        amount_total=quoted.total,
        amount_received=(facts.amount_received or 0) - excess,
        refunds=tuple(refunds),
    )
    return as_quoted, excess


def payment_mismatch(quoted: Quoted, facts: PaymentFacts) -> Sentences:
    """Return how the payment differs from the quote, or nothing if it matches or was accepted.

    The quote is compared with the amount before discounts, because discounts come from promotions
    that the company itself set up in Stripe.
    """
    if facts.livemode != quoted.livemode:
        if quoted.livemode:
            return say(MessageCode.PAID_IN_TEST_MODE)
        return say(MessageCode.PAID_IN_LIVE_MODE)
    if facts.currency != quoted.currency:
        return say(MessageCode.OTHER_CURRENCY, paid=facts.currency, quoted=quoted.currency)
    if facts.money.gross == quoted.accepted:
        return ()
    if facts.quantity != quoted.quantity:
        return say(MessageCode.OTHER_QUANTITY, paid=facts.quantity, quoted=quoted.quantity)
    if facts.amount_subtotal != quoted.total:
        return say(MessageCode.OTHER_AMOUNT, paid=facts.amount_subtotal, quoted=quoted.total)
    if facts.amount_total != facts.amount_subtotal - facts.amount_discount + facts.amount_tax:
        return say(MessageCode.AMOUNTS_INCONSISTENT)
    received = facts.amount_received or 0
    if received != facts.amount_total:
        return say(MessageCode.RECEIVED_OTHER_AMOUNT, received=received, due=facts.amount_total)
    return ()


def licenses_refunded(quoted: Quoted, facts: PaymentFacts) -> int:
    """Return how many licenses the refunds take back.

    Refunds requested here specify the number. Any other refund takes back as many whole licenses as
    its amount paid for (amount // unit price actually paid).
    """
    stated = sum(r.licenses for r in facts.effective_refunds if r.licenses is not None)
    other_money = sum(r.amount for r in facts.effective_refunds if r.licenses is None)
    if not other_money:
        return stated
    return stated + other_money * quoted.quantity // facts.money.gross
