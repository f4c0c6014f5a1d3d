"""A payment that is not as quoted: let it count, by an admin's word."""

from chalicelib.domain.purchases import Status
from chalicelib.errors import Busy, InvalidRequest, VersionConflict
from chalicelib.services.core import audit
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.purchases.settlement import settle
from chalicelib.storage.purchases import UNSETTLED, Purchase
from chalicelib.storage.transactions import Transaction

ATTEMPTS = 5


def can_accept(purchase: Purchase) -> bool:
    """Whether it is money of ours, in the currency of the quote, that waits for a word."""
    left = purchase.amount_paid - purchase.amount_refunded
    return purchase.status == Status.QUARANTINED and left > 0


def accept_as_paid(
    purchase: Purchase, *, reason: str, by: str, once: IdempotentRequest = NO_KEY
) -> Purchase:
    """Give what was quoted for what was paid.

    The word is written first, with its line in the audit, and then the purchase is settled.
    Invariant: it is about this very amount; money that comes or is captured otherwise waits
    anew. Condition: the purchase is as Stripe was seen to say. After a crash between the two
    the sweep goes on, and so does the same request; without a key, a repeat finds it accepted.
    Raises InvalidRequest, Busy, PaymentProviderUnavailable.
    """
    if once.ref is not None:
        return settle(purchase, by=by, once=once).purchase
    for _ in range(ATTEMPTS):
        purchase = settle(purchase, by=by).purchase
        if not can_accept(purchase):
            if purchase.accepted != purchase.amount_paid:
                raise InvalidRequest.of("purchase", _refusal_reason(purchase))
            return settle(purchase, by=by, once=once).purchase
        try:
            _accept(purchase, reason, by, once)
        except VersionConflict:
            continue
        return settle(purchase, by=by, once=once).purchase
    raise Busy


def _accept(purchase: Purchase, reason: str, by: str, once: IdempotentRequest) -> None:
    tx = Transaction()
    audit.record(
        tx,
        actor=by,
        action="purchase.accepted",
        target=purchase.id,
        reseller_id=purchase.reseller_id,
        before={"accepted": purchase.accepted, "status_reason": purchase.status_reason},
        after={"accepted": purchase.amount_paid},
        reason=reason,
    )
    tx.change(purchase, accepted=purchase.amount_paid, unsettled=UNSETTLED)
    once.reserve(tx, purchase.id)
    tx.commit()
    once.ref = purchase.id if once.key else None


def _refusal_reason(purchase: Purchase) -> str:
    if purchase.status != Status.QUARANTINED:
        return "Nothing of this purchase waits to be accepted."
    return "There is no money of this purchase, in its currency, that could be accepted."
