"""What Stripe says a purchase is and is worth, looked at only."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.domain.purchases import Quoted, Status, assess
from chalicelib.errors import PaymentProviderUnavailable
from chalicelib.settings import settings
from chalicelib.storage.purchases import Purchase

if TYPE_CHECKING:
    from chalicelib.payments.checkout import SessionOwner

NOT_THERE = "resource_missing"


@dataclass(frozen=True, slots=True)
class View:
    """foreign: its session was made for another purchase, or Stripe has no such session."""

    status: str
    worth: int
    foreign: bool = False


def worth_now(purchase: Purchase) -> View | None:
    """None for a purchase without a session. Raises PaymentProviderUnavailable."""
    if purchase.session_id is None:
        return None
    from chalicelib.payments.checkout import report

    try:
        found = report(purchase.session_id)
    except PaymentProviderUnavailable as error:
        if getattr(error.__cause__, "code", None) == NOT_THERE:
            return View(Status.QUARANTINED, 0, foreign=True)
        raise
    if found.purchase_id != purchase.id:
        return View(Status.QUARANTINED, 0, foreign=True)
    quoted = Quoted(purchase.quantity, purchase.total, purchase.currency, settings().livemode)
    now = assess(quoted, found.facts)
    return View(now.status, now.worth)


@dataclass(frozen=True, slots=True)
class SeenSession:
    """amount: integer cents paid."""

    paid: bool
    is_open: bool
    amount: int
    quantity: int


def session(session_id: str) -> SeenSession | None:
    """Raises PaymentProviderUnavailable."""
    from chalicelib.payments.checkout import report

    facts = report(session_id).facts
    is_open = facts.session_status == "open"
    return SeenSession(facts.paid, is_open, facts.amount_total, facts.quantity)


def our_sessions(start: datetime) -> Iterator["SessionOwner"]:
    """Those since then that were made for a purchase. Raises PaymentProviderUnavailable."""
    from chalicelib.payments.checkout import sessions_since

    for owner in sessions_since(start):
        if owner.purchase_id and owner.reseller_id:
            yield owner
