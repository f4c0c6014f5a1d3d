"""Table purchases: one row per purchase, which is paid through a Stripe Checkout Session."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

from pynamodb.attributes import UnicodeAttribute, UnicodeSetAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.domain.messages import Sentences
from chalicelib.domain.purchases import Status
from chalicelib.domain.statements import Money
from chalicelib.domain.wording import text_of
from chalicelib.storage.messages import read_sentences, with_sentences
from chalicelib.storage.reads import batch_get, iterate_index, iterate_partition
from chalicelib.storage.rows import Document, Integer, Row, Timestamp, from_stored, iso

UNSETTLED = "unsettled"


class UnsettledPurchases(GlobalSecondaryIndex["Purchase"]):
    """The purchases the sweep must check again. Settled purchases are removed from the index."""

    class Meta:
        index_name = "unsettled"
        projection = KeysOnlyProjection()

    unsettled = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)


class PurchasesByMonth(GlobalSecondaryIndex["Purchase"]):
    """All purchases by month of creation (`2026-11`), for the list that admins see."""

    class Meta:
        index_name = "by-month"
        projection = KeysOnlyProjection()

    month = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)


class Purchase(Row):
    """One purchase. All amounts of money are integer cents.

    `licenses_granted` is how many licenses the purchase has added to the pool, and `credited_at` is
    when it first added any.
    `bookings` holds the changes to the purchase's amounts, keyed by the time they were booked.
    Their sums are the current amounts. A booking never changes later, so a closed period stays
    closed.
    `refunds` holds the refunds that admins requested, by ID: see RefundIntent.
    `checkout_attempt` counts how often Stripe refused to open the purchase's session.
    `other_sessions` are further sessions to check: they were also paid, or they could not be
    checked when they were discovered.
    `messages` holds `status_reason` as messages: see storage/messages.py.
    `accepted` is an amount that an admin accepted as full payment although it differs from the
    quote.
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
    messages = Document(null=True)
    licenses_granted = Integer(default=0)
    amount_paid = Integer(default=0)
    amount_refunded = Integer(default=0)
    paid_at = Timestamp(null=True)
    credited_at = Timestamp(null=True)
    bookings = Document(default=dict)
    expires_at = Timestamp()
    created_by = UnicodeAttribute()
    checkout_url = UnicodeAttribute(null=True)
    checkout_attempt = Integer(default=0)
    refunds = Document(default=dict)
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
    def reasons(self) -> Sentences:
        """Why the purchase is quarantined, or what else a person should know about it."""
        return read_sentences(self.messages, "status_reason", self.status_reason)

    def reason_columns(self, reasons: Sentences) -> dict[str, object]:
        """Return the columns that hold these reasons. They stay as they are if the reasons do."""
        if reasons == self.reasons:
            return {"status_reason": self.status_reason, "messages": self.messages}
        return {
            "status_reason": text_of(reasons) or None,
            "messages": with_sentences(self.messages, {"status_reason": reasons}),
        }

    @property
    def paid_elsewhere(self) -> int:
        """Cents that were paid for the purchase, and not refunded, outside its own session.

        This is 0 while the purchase is disputed, since nobody is asked to refund anything then.
        """
        if self.status == Status.DISPUTED:
            return 0
        booked = Money.total(money for _, money in self.money_moves)
        return max(0, booked.net - self.amount_paid + self.amount_refunded)

    @property
    def open_refund(self) -> "RefundIntent | None":
        """The refund in progress. There is at most one."""
        return next((r for r in self.refund_list if r.state == RefundState.OPEN), None)

    @property
    def unknown_refund(self) -> "RefundIntent | None":
        """A refund in a state this release doesn't know, which means it might be in progress."""
        return next((r for r in self.refund_list if not r.is_known), None)

    @property
    def returned(self) -> int:
        """The number of licenses returned without a refund: see Quoted in domain/purchases.py."""
        free = (r for r in self.refund_list if r.amount == 0 and r.is_known)
        return sum(r.licenses for r in free if r.state != RefundState.REFUSED)

    @property
    def maybe_returned(self) -> int:
        """The number of licenses possibly returned without a refund: its state is unknown."""
        return sum(r.licenses for r in self.refund_list if r.amount == 0 and not r.is_known)

    @property
    def refund_list(self) -> "list[RefundIntent]":
        """The refunds, oldest first."""
        return [
            # An entry without a state must never count as open.
            from_stored(RefundIntent, {"state": "", **entry}, id=id)
            for id, entry in sorted(self.refunds.items())
        ]

    @property
    def money_moves(self) -> list[tuple[str, Money]]:
        """The bookings, each with its time (ISO 8601 UTC)."""
        return [(at, from_stored(Money, cents)) for at, cents in self.bookings.items()]

    def bookings_for(self, target: Money, at: datetime) -> dict[str, dict[str, int]]:
        """Return the `bookings` column with an entry added that makes its sums equal `target`."""
        bookings: dict[str, dict[str, int]] = dict(self.bookings)
        already = asdict(Money.total(money for _, money in self.money_moves))
        missing = {name: cents - already[name] for name, cents in asdict(target).items()}
        if any(missing.values()):
            same_time = bookings.get(iso(at), {})
            added = {name: cents + same_time.get(name, 0) for name, cents in missing.items()}
            bookings[iso(at)] = {**same_time, **added}
        return bookings

    def with_refund(self, intent: "RefundIntent") -> dict[str, object]:
        """Return the `refunds` column with this refund added or updated."""
        entry = {name: getattr(intent, name) for name in RefundIntent.__slots__ if name != "id"}
        return {**self.refunds, intent.id: {**self.refunds.get(intent.id, {}), **entry}}


class RefundState(StrEnum):
    OPEN = "open"  # requested; Stripe may or may not have received it
    DONE = "done"
    FAILED = "failed"  # issued, but the money came back later, and so did the licenses
    REFUSED = "refused"  # permanently, by Stripe or by us; `note` says why


REFUND_STATES = frozenset(RefundState)


@dataclass(frozen=True, slots=True)
class RefundIntent:
    """A refund that an admin requested. `amount` is in integer cents, and `at` is in ISO 8601.

    `kept` is how many licenses the reseller keeps.
    `payment_intent_id` is the payment the refund was quoted from, and `refunded_before` is how many
    cents of that payment had already been refunded.
    `attempt` counts the errors that Stripe would repeat for the same idempotency key.
    `stripe_id` is the ID of the resulting refund in Stripe.
    """

    id: str
    licenses: int
    amount: int
    reason: str
    by: str
    at: str
    state: str
    kept: int = 0
    payment_intent_id: str | None = None
    refunded_before: int = 0
    attempt: int = 0
    note: str | None = None
    stripe_id: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether this release knows the refund's state."""
        return self.state in REFUND_STATES


def checkout_claim(reseller_id: str, quantity: int) -> str:
    """Return the name of the claim that allows one open checkout per reseller and quantity."""
    return f"checkout:{reseller_id}:{quantity}"


def unsettled_keys(after: str | None) -> Iterator[tuple[str, str]]:
    """Yield the reseller ID and ID of each unsettled purchase, oldest first.

    `after` is the ID to start after, or None to start with the oldest.
    """
    beyond = Purchase.id > after if after else None
    for keys in iterate_index(Purchase.unsettled_index, UNSETTLED, beyond):
        yield keys.reseller_id, keys.id


def unsettled_of(reseller_id: str) -> Iterator[Purchase]:
    """Yield a reseller's unsettled purchases, newest first."""
    return iterate_partition(
        Purchase,
        reseller_id,
        filter_condition=Purchase.unsettled == UNSETTLED,
        scan_index_forward=False,
    )


def purchase_of_month(month: str, purchase_id: str) -> Purchase | None:
    """Return a purchase by its ID alone, provided that it was created in this month."""
    has_id = Purchase.id == purchase_id
    found = batch_get(Purchase, list(iterate_index(Purchase.by_month, month, has_id, limit=1)))
    return found[0] if found else None


def has_purchases(month: str) -> bool:
    return any(iterate_index(Purchase.by_month, month, limit=1))
