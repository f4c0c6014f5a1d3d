"""What Stripe says a purchase is and is worth, looked at only."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.domain.purchases import UNPAID, Status
from chalicelib.domain.reconciliation import PurchaseFacts, purchase_finding
from chalicelib.errors import PaymentProviderRefused
from chalicelib.services.purchases.stripe_sessions import read_sessions
from chalicelib.settings import settings
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import get

if TYPE_CHECKING:
    from chalicelib.payments.listings import SessionOwner

NOT_THERE = "resource_missing"


@dataclass(frozen=True, slots=True)
class StripeView:
    """foreign: its session was made for another purchase, or Stripe has no such session."""

    status: str
    worth: int
    foreign: bool = False


def worth_now(purchase: Purchase, credited: int) -> StripeView:
    """Without a session Stripe cannot be asked: what the ledger credits stands, and more than
    that cannot have been paid. Raises PaymentProviderUnavailable."""
    try:
        seen = read_sessions(purchase)
    except PaymentProviderRefused as refusal:
        if refusal.why == NOT_THERE:
            return StripeView(Status.QUARANTINED, 0, foreign=True)
        raise
    if seen is None:
        plausible = credited or purchase.status in UNPAID
        return StripeView(purchase.status if plausible else Status.PENDING, credited)
    foreign = seen.report.purchase_id != purchase.id
    return StripeView(seen.assessment.status, seen.assessment.worth, foreign)


def compare_with_stripe(facts: PurchaseFacts) -> PurchaseFacts | None:
    """With what Stripe says of it. None where it has moved since it was counted: whoever moved
    it has just asked Stripe. Raises PaymentProviderUnavailable."""
    purchase = get(Purchase, facts.reseller_id, facts.id)
    if purchase is None:
        return None
    if (purchase.status, purchase.licenses_granted or 0) != (facts.status, facts.granted):
        return None
    view = worth_now(purchase, facts.credited)
    seen = replace(facts, worth=view.worth, true_status=view.status, foreign=view.foreign)
    return None if purchase_finding(seen) is not None and _moved(purchase) else seen


def _moved(purchase: Purchase) -> bool:
    again = get(Purchase, purchase.reseller_id, purchase.id)
    return again is None or again.version != purchase.version


@dataclass(frozen=True, slots=True)
class SeenSession:
    """amount: integer cents paid."""

    paid: bool
    is_open: bool
    amount: int
    quantity: int

    @property
    def matters(self) -> bool:
        """One that closed unpaid concerns nobody."""
        return self.paid or self.is_open


def session(session_id: str) -> SeenSession:
    """Raises PaymentProviderUnavailable."""
    from chalicelib.payments.reports import fetch_session

    facts = fetch_session(session_id).facts
    is_open = facts.session_status == "open"
    return SeenSession(facts.paid, is_open, facts.amount_total, facts.quantity)


def our_sessions(
    start: datetime, end: datetime, after: str | None
) -> tuple[list["SessionOwner"], str | None]:
    """A page of the sessions made in [start, end], newest first: those that this installation
    made for a purchase, and the session to go on after. Raises PaymentProviderUnavailable."""
    from chalicelib.payments.listings import sessions_page

    owners, next_after = sessions_page(start, end, after)
    ours = (None, settings().table_prefix)
    kept = [o for o in owners if o.stage in ours and o.purchase_id and o.reseller_id]
    return kept, next_after
