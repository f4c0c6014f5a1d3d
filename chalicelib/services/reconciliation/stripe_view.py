"""What Stripe says a purchase is and is worth, looked at only."""

from dataclasses import dataclass

from chalicelib.domain.purchases import Quoted, Status, assess
from chalicelib.errors import PaymentProviderUnavailable
from chalicelib.settings import settings
from chalicelib.storage.purchases import Purchase

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
