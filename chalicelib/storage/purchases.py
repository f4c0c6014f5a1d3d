"""Table purchases: one row per Checkout."""

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pynamodb.attributes import UnicodeAttribute, UnicodeSetAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.domain.purchases import Status
from chalicelib.domain.statements import Money
from chalicelib.storage.rows import Document, Integer, Row, Timestamp, iso

UNSETTLED = "unsettled"


class UnsettledPurchases(GlobalSecondaryIndex["Purchase"]):
    """The purchases that the sweep must look at again; settled ones leave it."""

    class Meta:
        index_name = "unsettled"
        projection = KeysOnlyProjection()

    unsettled = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)


class PurchasesByMonth(GlobalSecondaryIndex["Purchase"]):
    """Everyone's purchases, a month of creation (`2026-11`) at a time, for the admin."""

    class Meta:
        index_name = "by-month"
        projection = KeysOnlyProjection()

    month = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)


class Purchase(Row):
    """Money is integer cents. licenses_granted is what the pool has been given for it so far.

    refunds: those that an admin made, by id; see RefundIntent. credited_at: when the pool was first
    given licenses for it. bookings: what its money did, by the moment it was booked: their sums
    are what it is now, and none changes later, so that closed books stay closed.
    checkout_attempt: how often Stripe refused to open its session. other_sessions: what else
    must be looked at, since it was paid too, or could not be looked at when it came to light.
    accepted: cents that somebody lets pay for it, though it was quoted otherwise.
    """

    noun = "purchases"

    reseller_id = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)
    quantity = Integer()
    unit_amount = Integer()
    total = Integer()
    currency = UnicodeAttribute()
    tiers_version = Integer()
    tiers = Document()
    status = UnicodeAttribute()
    status_reason = UnicodeAttribute(null=True)
    licenses_granted = Integer(default_for_new=0)
    amount_paid = Integer(default_for_new=0)
    amount_refunded = Integer(default_for_new=0)
    paid_at = Timestamp(null=True)
    credited_at = Timestamp(null=True)
    bookings = Document(default_for_new=dict)
    expires_at = Timestamp()
    created_by = UnicodeAttribute()
    checkout_url = UnicodeAttribute(null=True)
    checkout_attempt = Integer(default_for_new=0)
    refunds = Document(default_for_new=dict)
    other_sessions = UnicodeSetAttribute(null=True)
    accepted = Integer(null=True)
    session_id = UnicodeAttribute(null=True)
    payment_intent_id = UnicodeAttribute(null=True)
    receipt_url = UnicodeAttribute(null=True)
    invoice_url = UnicodeAttribute(null=True)
    unsettled = UnicodeAttribute(null=True)
    month = UnicodeAttribute()

    unsettled_index = UnsettledPurchases()
    by_month = PurchasesByMonth()

    @property
    def paid_elsewhere(self) -> int:
        """Cents that Stripe holds of it on other checkouts than the one that counts. While that
        one is disputed, nobody is asked to pay anything back."""
        if self.status == Status.DISPUTED:
            return 0
        booked = Money.total(money for _, money in self.money_moves)
        return max(0, booked.net - self.amount_paid + self.amount_refunded)

    @property
    def open_refund(self) -> "RefundIntent | None":
        """The one that is under way; there is one at a time."""
        return next((r for r in self.refund_list if r.state == RefundState.OPEN), None)

    @property
    def returned(self) -> int:
        """Licenses given back for no money: see domain/purchases.py."""
        free = (r for r in self.refund_list if r.amount == 0)
        return sum(r.licenses for r in free if r.state != RefundState.REFUSED)

    @property
    def refund_list(self) -> "list[RefundIntent]":
        """Oldest first."""
        columns = sorted((self.refunds or {}).items())
        return [RefundIntent(id=id, **values) for id, values in columns]

    @property
    def money_moves(self) -> list[tuple[str, Money]]:
        """What was booked, each with its moment (ISO 8601 UTC)."""
        return [(at, Money(**cents)) for at, cents in (self.bookings or {}).items()]

    def booked(self, wanted: Money, at: datetime) -> dict[str, Any]:
        """The column `bookings` with what it lacks for its sums to be what is wanted."""
        bookings: dict[str, Any] = dict(self.bookings or {})
        already = asdict(Money.total(money for _, money in self.money_moves))
        lacking = {name: cents - already[name] for name, cents in asdict(wanted).items()}
        if any(lacking.values()):
            same = bookings.get(iso(at), {})
            bookings[iso(at)] = {n: cents + same.get(n, 0) for n, cents in lacking.items()}
        return bookings

    def with_refund(self, intent: "RefundIntent") -> dict[str, Any]:
        """The column `refunds` with this one added or replaced."""
        columns = {name: getattr(intent, name) for name in RefundIntent.__slots__ if name != "id"}
        return {**(self.refunds or {}), intent.id: columns}


class RefundState(StrEnum):
    OPEN = "open"  # intended; Stripe may or may not have been asked
    DONE = "done"
    FAILED = "failed"  # made, but the money came back later; so did the licenses
    REFUSED = "refused"  # for good, by Stripe or by us; `note` says why


@dataclass(frozen=True, slots=True)
class RefundIntent:
    """One refund that an admin wants. amount: integer cents. at: ISO 8601.

    kept: the licenses that stay. payment_intent_id, refunded_before: the payment that it was
    quoted from, and the cents of it that had gone back already. attempt: how often Stripe
    answered it with an error, which it would repeat. stripe_id: the refund that came of it.
    """

    id: str
    licenses: int
    amount: int
    reason: str
    by: str
    at: str
    state: str = RefundState.OPEN
    kept: int = 0
    payment_intent_id: str | None = None
    refunded_before: int = 0
    attempt: int = 0
    note: str | None = None
    stripe_id: str | None = None


def checkout_claim(reseller_id: str, quantity: int) -> str:
    """One open checkout per reseller and quantity."""
    return f"checkout:{reseller_id}:{quantity}"
