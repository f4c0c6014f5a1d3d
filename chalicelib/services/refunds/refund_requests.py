"""Refunds requested by an admin: take licenses back and pay what they are worth.

1. Record the intent on the purchase, on the condition that no refund is in progress.
2. Ask Stripe to pay, with an idempotency key that comes from the intent.
3. Settle the purchase, which takes the licenses back and closes the intent in one transaction.

After a crash or an error in between, the sweep or a retry resumes the intent as it was recorded.
"""

from chalicelib import clock
from chalicelib.domain.actors import Actor
from chalicelib.domain.messages import MessageCode, say
from chalicelib.domain.purchases import REFUNDABLE, Status
from chalicelib.domain.refunds import PaidPurchase, RefundQuote, refund_quote
from chalicelib.errors import InvalidRequest
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.purchases.checkout import read_purchase
from chalicelib.services.purchases.settlement import settle
from chalicelib.services.refunds.execution import (
    RefundNotPossible,
    RefundRefused,
    execute_refund,
    format_licenses,
    get_refund_intent,
)
from chalicelib.services.settings import platform_settings
from chalicelib.storage import retries
from chalicelib.storage.purchases import UNSETTLED, Purchase, RefundIntent, RefundState
from chalicelib.storage.rows import iso, new_id
from chalicelib.storage.transactions import Transaction

MAX_REFUNDS = 100  # per purchase, because they are stored on its row

NOT_REFUNDABLE: dict[str, str] = {
    Status.PENDING: "It is not paid yet.",
    Status.PROCESSING: "Its payment is still being processed.",
    Status.FAILED: "It was never paid.",
    Status.EXPIRED: "It was never paid.",
    Status.REFUNDED: "It has already been fully refunded.",
    Status.DISPUTED: "It is disputed, and the buyer's bank decides who gets the money.",
    Status.QUARANTINED: "It is quarantined. Refund it in Stripe's dashboard.",
}


def quote_refund(purchase: Purchase, licenses: int) -> RefundQuote:
    """Return what a refund of this many licenses would pay now, without issuing it.

    If a refund of the same number of licenses is in progress, returns what that refund pays. Raises
    InvalidRequest (for example, another refund is in progress) and PaymentProviderUnavailable.
    """
    purchase = settle(purchase).purchase
    open_refund = purchase.open_refund
    if open_refund is None:
        return _quote(purchase, licenses)
    if open_refund.licenses != licenses:
        raise _in_progress_error(open_refund)
    return RefundQuote(open_refund.licenses, open_refund.kept, open_refund.amount)


def refund_licenses(
    purchase: Purchase,
    licenses: int,
    *,
    reason: str,
    by: Actor,
    amount: int | None = None,
    kept: int | None = None,
    once: IdempotentRequest = NO_KEY,
) -> Purchase:
    """Refund licenses from a purchase and take them out of the pool.

    The pool can become over-allocated. `amount` (cents) and `kept` (the licenses that stay) are
    what the admin was shown; the request is refused if either has changed since.

    Invariant: a purchase has at most one refund in progress, and Stripe pays each one once.
    Condition for recording it: the purchase is unchanged since the quote.
    While a refund is in progress, a request with the same licenses and reason resumes it, no matter
    who sends the request or with which key; any other refund is refused. The same key always refers
    to the same refund, even after the refund is done. After a crash or a lost response, the
    recorded intent stays open, and the sweep or the next request resumes it. Raises InvalidRequest,
    Busy, and PaymentProviderUnavailable (the intent stays open).
    """
    if once.ref is not None:
        return _resume_keyed_refund(purchase, once)

    def join_or_record(current: Purchase) -> tuple[Purchase, RefundIntent, bool]:
        open_refund = current.open_refund
        if open_refund is not None:
            if (open_refund.licenses, open_refund.reason) != (licenses, reason):
                raise _in_progress_error(open_refund)
            _check_quote_unchanged(open_refund.amount, open_refund.kept, amount, kept)
            _bind_key(open_refund, once)
            return current, open_refund, False
        quote = _quote(current, licenses)
        _check_quote_unchanged(quote.amount, quote.kept, amount, kept)
        return current, _record_intent(current, quote, reason, by, once), True

    def read() -> Purchase:
        return settle(read_purchase(purchase.reseller_id, purchase.id), by=by).purchase

    current, intent, is_new = retries.act_on_current(read, join_or_record)
    return execute_refund(current, intent, once, is_new=is_new)


def resume_refund(purchase: Purchase) -> Purchase:
    """Finish the refund in progress, if there is one: execute it or give up on it.

    Raises Busy and PaymentProviderUnavailable.
    """
    intent = purchase.open_refund
    if intent is None:
        return purchase
    try:
        return execute_refund(purchase, intent)
    except RefundRefused:
        return read_purchase(purchase.reseller_id, purchase.id)


def _resume_keyed_refund(purchase: Purchase, once: IdempotentRequest) -> Purchase:
    """Continue a retried request whose key is bound to a refund, whatever the refund's state."""
    purchase = read_purchase(purchase.reseller_id, purchase.id)  # the caller's may be older
    intent = get_refund_intent(purchase, str(once.ref))
    if intent.state == RefundState.REFUSED:
        raise RefundRefused.of("licenses", intent.note or "The refund was refused.")
    if intent.state == RefundState.OPEN:
        return execute_refund(purchase, intent, once)
    return settle(purchase, once=once).purchase


def _in_progress_error(intent: RefundIntent) -> RefundNotPossible:
    return RefundNotPossible(
        "purchase",
        say(
            MessageCode.REFUND_IN_PROGRESS,
            licenses=intent.licenses,
            amount=intent.amount,
            reason=intent.reason,
        ),
    )


def _check_quote_unchanged(
    amount: int, kept: int, shown_amount: int | None, shown_kept: int | None
) -> None:
    if shown_amount is not None and shown_amount != amount:
        why = say(MessageCode.REFUND_AMOUNT_CHANGED, amount=amount, shown=shown_amount)
        raise RefundNotPossible("amount", why)
    if shown_kept is not None and shown_kept != kept:
        why = say(MessageCode.REFUND_KEPT_CHANGED, kept=kept, shown=shown_kept)
        raise RefundNotPossible("kept", why)


def _quote(purchase: Purchase, licenses: int) -> RefundQuote:
    if purchase.status not in REFUNDABLE:
        cause = NOT_REFUNDABLE.get(purchase.status, f"Its status is “{purchase.status}”.")
        raise InvalidRequest.of("purchase", f"This purchase can't be refunded. {cause}")
    if (unknown := purchase.unknown_refund) is not None:
        message = f"A refund of {format_licenses(unknown)} has the state “{unknown.state}”."
        raise InvalidRequest.of("purchase", f"This purchase can't be refunded now. {message}")
    if purchase.reasons:  # the worth does not depend on this payment alone
        why = say(MessageCode.NOT_REFUNDABLE_HERE) + purchase.reasons
        raise RefundNotPossible("purchase", why)
    if not 1 <= licenses <= purchase.licenses_granted:
        message = f"You can refund between 1 and {purchase.licenses_granted} licenses."
        raise InvalidRequest.of("licenses", message)
    if len(purchase.refunds or {}) >= MAX_REFUNDS:
        message = f"This purchase already has {MAX_REFUNDS} refunds, the maximum."
        raise InvalidRequest.of("purchase", message)
    return refund_quote(
        PaidPurchase(
            licenses=purchase.licenses_granted,
            total=purchase.total,
            paid=purchase.amount_paid,
            refunded=purchase.amount_refunded,
            tiers=platform_settings.tiers_of(purchase.tiers),
        ),
        licenses,
    )


def _record_intent(
    purchase: Purchase, quote: RefundQuote, reason: str, by: Actor, once: IdempotentRequest
) -> RefundIntent:
    """Record the intent on the purchase, and bind the key to it, in one transaction.

    Invariant: a purchase has at most one refund in progress. Condition: the purchase is unchanged
    since the quote. Raises VersionConflict.
    """
    intent = RefundIntent(
        id=new_id("rfn"),
        licenses=quote.licenses,
        amount=quote.amount,
        reason=reason,
        by=by.id,
        at=iso(clock.now()),
        state=RefundState.OPEN,
        kept=quote.kept,
        payment_intent_id=purchase.payment_intent_id,
        refunded_before=purchase.amount_refunded,
    )
    tx = Transaction()
    tx.change(purchase, refunds=purchase.with_refund(intent), unsettled=UNSETTLED)
    once.reserve(tx, intent.id)
    tx.commit()
    once.ref = intent.id if once.key else None
    return intent


def _bind_key(intent: RefundIntent, once: IdempotentRequest) -> None:
    """Bind the request's key to a refund that another request recorded.

    Otherwise, retrying this request after that refund is done would start a second refund.
    Condition: the key is unused.
    """
    tx = Transaction()
    once.reserve(tx, intent.id)
    tx.commit()
    once.ref = intent.id if once.key else None
