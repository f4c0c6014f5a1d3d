"""What Stripe reports about a purchase. This module only reads; it never changes a row."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.domain.purchases import STATUSES, UNPAID, Status
from chalicelib.domain.reconciliation import PurchaseFacts, purchase_finding
from chalicelib.errors import PaymentProviderRefused
from chalicelib.services.purchases.stripe_sessions import read_sessions
from chalicelib.settings import settings
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import get

if TYPE_CHECKING:
    from chalicelib.payments.listings import SessionOwner

RESOURCE_MISSING = "resource_missing"


@dataclass(frozen=True, slots=True)
class StripeView:
    """A purchase's status and worth in licenses according to Stripe.

    `wrong_session` is true if the purchase's session belongs to another purchase or doesn't exist.
    """

    status: str
    worth: int
    wrong_session: bool = False


def worth_now(purchase: Purchase, credited: int) -> StripeView:
    """Return the purchase's current status and worth according to Stripe.

    If the purchase has no session, Stripe can't be queried. Its worth is then what the ledger
    credits, since nothing more can have been paid, and a status that only a later release knows is
    accepted.
    Raises PaymentProviderUnavailable.
    """
    try:
        snapshot = read_sessions(purchase)
    except PaymentProviderRefused as refusal:
        if refusal.provider_code == RESOURCE_MISSING:
            return StripeView(Status.QUARANTINED, 0, wrong_session=True)
        raise
    if snapshot is None:
        plausible = credited or purchase.status not in STATUSES - UNPAID
        return StripeView(purchase.status if plausible else Status.PENDING, credited)
    wrong_session = snapshot.report.purchase_id != purchase.id
    return StripeView(snapshot.assessment.status, snapshot.assessment.worth, wrong_session)


def compare_with_stripe(facts: PurchaseFacts) -> PurchaseFacts | None:
    """Return the facts with Stripe's view added.

    Return None if the purchase has changed since the snapshot, because whatever changed it has just
    checked Stripe. Raises PaymentProviderUnavailable.
    """
    purchase = get(Purchase, facts.reseller_id, facts.id)
    if purchase is None:
        return None
    if (purchase.status, purchase.licenses_granted or 0) != (facts.status, facts.granted):
        return None
    view = worth_now(purchase, facts.credited)
    compared = replace(
        facts, worth=view.worth, stripe_status=view.status, wrong_session=view.wrong_session
    )
    return None if purchase_finding(compared) is not None and _has_changed(purchase) else compared


def _has_changed(purchase: Purchase) -> bool:
    again = get(Purchase, purchase.reseller_id, purchase.id)
    return again is None or again.version != purchase.version


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """The state of a Checkout Session. `amount` is what was paid, in integer cents."""

    paid: bool
    is_open: bool
    amount: int
    quantity: int

    @property
    def is_relevant(self) -> bool:
        """Whether the session was paid or can still be paid."""
        return self.paid or self.is_open


def read_session(session_id: str) -> SessionSummary:
    """Fetch the session from Stripe. Raises PaymentProviderUnavailable."""
    from chalicelib.payments.reports import fetch_session

    facts = fetch_session(session_id).facts
    is_open = facts.session_status == "open"
    return SessionSummary(facts.paid, is_open, facts.amount_total, facts.quantity)


def list_own_sessions(
    start: datetime, end: datetime, after: str | None
) -> tuple[list["SessionOwner"], str | None]:
    """Return a page of the sessions created in [start, end], newest first.

    Only sessions that this installation created for a purchase are included. The second value
    is the ID of the session to continue after, or None on the last page. Raises
    PaymentProviderUnavailable.
    """
    from chalicelib.payments.listings import sessions_page

    owners, next_after = sessions_page(start, end, after)
    own_stages = (None, settings().table_prefix)
    own = [o for o in owners if o.stage in own_stages and o.purchase_id and o.reseller_id]
    return own, next_after
