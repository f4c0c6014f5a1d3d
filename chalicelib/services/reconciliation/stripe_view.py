"""What Stripe says a purchase is and is worth, looked at only."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.domain.purchases import UNPAID, Status
from chalicelib.errors import PaymentProviderRefused
from chalicelib.services.checkout_sessions import look
from chalicelib.settings import settings
from chalicelib.storage.purchases import Purchase

if TYPE_CHECKING:
    from chalicelib.payments.listings import SessionOwner

NOT_THERE = "resource_missing"


@dataclass(frozen=True, slots=True)
class View:
    """foreign: its session was made for another purchase, or Stripe has no such session."""

    status: str
    worth: int
    foreign: bool = False


def worth_now(purchase: Purchase, credited: int) -> View:
    """Without a session Stripe cannot be asked: what the ledger credits stands, and what it
    does not cannot have been paid. Raises PaymentProviderUnavailable."""
    try:
        seen = look(purchase)
    except PaymentProviderRefused as refusal:
        if refusal.why == NOT_THERE:
            return View(Status.QUARANTINED, 0, foreign=True)
        raise
    if seen is None:
        plausible = credited or purchase.status in UNPAID
        return View(purchase.status if plausible else Status.PENDING, credited)
    foreign = seen.report.purchase_id != purchase.id
    return View(seen.assessment.status, seen.assessment.worth, foreign)


@dataclass(frozen=True, slots=True)
class SeenSession:
    """amount: integer cents paid."""

    paid: bool
    is_open: bool
    amount: int
    quantity: int


def session(session_id: str) -> SeenSession:
    """Raises PaymentProviderUnavailable."""
    from chalicelib.payments.reports import report

    facts = report(session_id).facts
    is_open = facts.session_status == "open"
    return SeenSession(facts.paid, is_open, facts.amount_total, facts.quantity)


def our_sessions(start: datetime, end: datetime) -> Iterator["SessionOwner"]:
    """Those that this installation made for a purchase. Raises PaymentProviderUnavailable."""
    from chalicelib.payments.listings import sessions_between

    for owner in sessions_between(start, end):
        ours = owner.stage in (None, settings().table_prefix)
        if ours and owner.purchase_id and owner.reseller_id:
            yield owner
