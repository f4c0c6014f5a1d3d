"""What a purchase is worth: how many licenses the money behind it pays for *now*.

`assess` is a pure function of the quote and of what Stripe says this moment. It knows no
events, so their order, repetition and loss cannot matter.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from chalicelib.domain.statements import Money

# Stripe closes a session after 24 hours at most, counted from its own creation, and wants it
# open for 30 minutes at least: a purchase that a crash left without one can be given one until
# RESUMABLE has passed, and never afterwards.
CHECKOUT_LIFETIME = timedelta(hours=23)
RESUMABLE = timedelta(hours=22)


class Status(StrEnum):
    PENDING = "pending"  # checkout open, nothing paid
    PROCESSING = "processing"  # a delayed payment is under way
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    DISPUTED = "disputed"  # the bank holds or has taken the money
    FAILED = "failed"  # a delayed payment did not come
    EXPIRED = "expired"  # checkout closed unpaid
    QUARANTINED = "quarantined"  # paid, but not as quoted: for a person to judge


UNPAID = frozenset({Status.PENDING, Status.PROCESSING, Status.FAILED, Status.EXPIRED})
REFUNDABLE = frozenset({Status.PAID, Status.PARTIALLY_REFUNDED})

# Stripe's dispute states in which the funds are not ours. An inquiry (`warning_*`) takes
# none; a dispute that was won has given them back. One that was prevented never became a
# chargeback: it was blocked, or the buyer was paid at once, which only its money tells.
OPEN_DISPUTES = frozenset(
    {"needs_response", "under_review", "appeal_needs_response", "appeal_under_review"}
)
HOLDING_DISPUTES = OPEN_DISPUTES | {"lost"}
PREVENTED = "prevented"
# A refund in these states did not, in the end, move money.
VOID_REFUNDS = frozenset({"failed", "canceled"})


@dataclass(frozen=True, slots=True)
class Quoted:
    """What was asked of Stripe. total: integer cents.

    returned: licenses that were given back for no money, since those that were kept cost as
    much as all of them did; Stripe has no refund that could tell of it. accepted: cents that a
    person lets pay for it, though they are not what was quoted.
    """

    quantity: int
    total: int
    currency: str
    livemode: bool
    returned: int = 0
    accepted: int | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """licenses: how many the refund gives back, where it says so; None for one made in
    Stripe's dashboard without a word. intent: whose it is, where it was made here."""

    id: str
    amount: int
    status: str
    licenses: int | None = None
    intent: str | None = None


@dataclass(frozen=True, slots=True)
class Dispute:
    """balance: what it has done to ours so far; negative where it took money."""

    id: str
    amount: int
    status: str
    balance: int = 0

    @property
    def holds_funds(self) -> bool:
        taken = self.status == PREVENTED and self.balance < 0
        return taken or self.status in HOLDING_DISPUTES


@dataclass(frozen=True, slots=True)
class PaymentFacts:
    """What Stripe says of one Checkout Session. Amounts: integer cents.

    session_status: open, complete, expired. payment_status: paid, unpaid,
    no_payment_required. payment_failed: a delayed payment was declined in the end.
    amount_subtotal is before discounts and tax, amount_total what the buyer pays,
    amount_received what came of it; None where there was nothing to pay.
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
        """An open checkout that a promotion has made free is not paid: nobody took it yet."""
        settled = self.payment_status in ("paid", "no_payment_required")
        return settled and self.session_status == "complete"

    @property
    def live_refunds(self) -> tuple[Refund, ...]:
        return tuple(refund for refund in self.refunds if refund.status not in VOID_REFUNDS)

    @property
    def amount_refunded(self) -> int:
        return sum(refund.amount for refund in self.live_refunds)

    @property
    def money(self) -> Money:
        """What the payment has done to our balance. A dispute can be about a part of it, or
        about what was paid back already."""
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
    """worth: licenses. reason: why it is quarantined, or why its money is not as simple as
    the quote.

    awaited: more is to come, so the sweep looks again and again; at what is settled, or waits
    for a person, it looks when Stripe has an event of it.
    """

    status: Status
    worth: int
    reason: str | None = None
    awaited: bool = False


def assess(quoted: Quoted, facts: PaymentFacts) -> Assessment:
    """What the purchase is and what it is worth, by what Stripe says now."""
    if not facts.paid:
        status = _unpaid_status(facts)
        return Assessment(status, 0, awaited=status in (Status.PENDING, Status.PROCESSING))
    if facts.disputed:
        return Assessment(Status.DISPUTED, 0, awaited=facts.dispute_open)
    if facts.fully_refunded:
        return Assessment(Status.REFUNDED, 0)
    facts, excess = without_excess(quoted, facts)
    if reason := payment_deviation(quoted, facts):
        return Assessment(Status.QUARANTINED, 0, reason)
    reason = EXCESS.format(excess) if excess else None
    if not facts.amount_refunded and not quoted.returned:
        return Assessment(Status.PAID, quoted.quantity, reason)
    kept = max(0, quoted.quantity - quoted.returned - licenses_refunded(quoted, facts))
    return Assessment(Status.PARTIALLY_REFUNDED if kept else Status.REFUNDED, kept, reason)


def _unpaid_status(facts: PaymentFacts) -> Status:
    if facts.session_status == "expired":
        return Status.EXPIRED
    if facts.session_status == "open":
        return Status.PENDING
    return Status.FAILED if facts.payment_failed else Status.PROCESSING


EXCESS = (
    "{} cents more than quoted were paid, and have been paid back. "
    "Refund more of it in Stripe's dashboard."
)


def without_excess(quoted: Quoted, facts: PaymentFacts) -> tuple[PaymentFacts, int]:
    """The facts as if what was paid beyond the quote had never been, and how much that is, once
    it has been paid back by refunds that give no license back. Else the facts as they are."""
    excess = left = facts.amount_subtotal - quoted.total
    if (
        excess <= 0
        or facts.money.gross == quoted.accepted
        or facts.amount_subtotal != facts.amount_total
    ):
        return facts, 0
    refunds = []
    for refund in sorted(facts.live_refunds, key=lambda r: r.licenses is None):  # goodwill first
        taken = 0 if refund.licenses else min(left, refund.amount)
        left -= taken
        refunds.append(replace(refund, amount=refund.amount - taken))
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


def payment_deviation(quoted: Quoted, facts: PaymentFacts) -> str | None:
    """What was paid otherwise than quoted, in a sentence; None where nothing was, or where
    somebody accepted just that.

    A discount is a promotion that the company itself gave in Stripe, so the quote is held
    against the amount before it.
    """
    if facts.livemode != quoted.livemode:
        return "Paid in Stripe's test mode." if quoted.livemode else "Paid in Stripe's live mode."
    if facts.currency != quoted.currency:
        return f"Paid in {facts.currency}, quoted in {quoted.currency}."
    if facts.money.gross == quoted.accepted:
        return None
    if facts.quantity != quoted.quantity:
        return f"Paid for {facts.quantity} licenses, quoted for {quoted.quantity}."
    if facts.amount_subtotal != quoted.total:
        return f"The amount was {facts.amount_subtotal} cents, the quote {quoted.total} cents."
    if facts.amount_total != facts.amount_subtotal - facts.amount_discount + facts.amount_tax:
        return "The amounts of the checkout do not add up."
    if (facts.amount_received or 0) != facts.amount_total:
        return f"{facts.amount_received or 0} cents of {facts.amount_total} cents were received."
    return None


def licenses_refunded(quoted: Quoted, facts: PaymentFacts) -> int:
    """Refunds made here say how many licenses they give back; the money of the others buys
    back as many whole licenses as it paid for (refunded // unit amount, by what was paid)."""
    said = sum(r.licenses for r in facts.live_refunds if r.licenses is not None)
    other_money = sum(r.amount for r in facts.live_refunds if r.licenses is None)
    if not other_money:
        return said
    return said + other_money * quoted.quantity // facts.money.gross
