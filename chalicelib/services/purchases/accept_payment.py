"""Accept a quarantined payment: an admin accepts the amount paid instead of the amount quoted."""

from chalicelib.domain.actors import Actor
from chalicelib.domain.purchases import Status
from chalicelib.errors import InvalidRequest
from chalicelib.services.core import audit
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.purchases.checkout import read_purchase
from chalicelib.services.purchases.settlement import settle
from chalicelib.storage import retries
from chalicelib.storage.audit import AuditAction
from chalicelib.storage.purchases import UNSETTLED, Purchase
from chalicelib.storage.transactions import Transaction


def can_accept(purchase: Purchase) -> bool:
    """Return whether the purchase is quarantined and we hold money for it in its currency."""
    held = purchase.amount_paid - purchase.amount_refunded
    return purchase.status == Status.QUARANTINED and held > 0


def accept_as_paid(
    purchase: Purchase, *, reason: str, by: Actor, once: IdempotentRequest = NO_KEY
) -> Purchase:
    """Grant the quoted licenses for the amount that was actually paid.

    This takes two transactions: the first writes the decision and its audit entry, and the second
    settles the purchase. Invariant: the decision covers exactly this amount. If a different amount
    is captured later, the purchase is quarantined again. Condition for the first write: the
    purchase is unchanged since it was settled. After a crash between the two, the purchase is
    settled by the sweep or by a retry of the request. A retry without an idempotency key finds that
    the payment was already accepted and only settles again.
    Raises InvalidRequest (nothing to accept), Busy, and PaymentProviderUnavailable.
    """
    if once.ref is not None:
        return settle(purchase, by=by, once=once).purchase

    def decide(current: Purchase) -> Purchase:
        if can_accept(current):
            _write_decision(current, reason, by, once)
        elif current.accepted != current.amount_paid:
            raise InvalidRequest.of("purchase", _refusal_message(current))
        return current

    def read() -> Purchase:
        return settle(read_purchase(purchase.reseller_id, purchase.id), by=by).purchase

    decided = retries.act_on_current(read, decide)
    return settle(decided, by=by, once=once).purchase


def _write_decision(purchase: Purchase, reason: str, by: Actor, once: IdempotentRequest) -> None:
    tx = Transaction()
    audit.record(
        tx,
        actor=by,
        action=AuditAction.PURCHASE_ACCEPTED,
        target=purchase.id,
        reseller_id=purchase.reseller_id,
        before={"accepted": purchase.accepted, "status_reason": purchase.reasons or None},
        after={"accepted": purchase.amount_paid},
        reason=reason,
    )
    tx.change(purchase, accepted=purchase.amount_paid, unsettled=UNSETTLED)
    once.reserve(tx, purchase.id)
    tx.commit()
    once.ref = purchase.id if once.key else None


def _refusal_message(purchase: Purchase) -> str:
    if purchase.status != Status.QUARANTINED:
        return "This purchase has no payment waiting to be accepted."
    return "This purchase has no money in its own currency that could be accepted."
