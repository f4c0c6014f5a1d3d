"""Refunds by an admin: so many licenses back, for what they are worth.

The intent is recorded on the purchase first, under the condition that none is under way; then
Stripe is asked, by an idempotency key that comes of the intent; then the purchase is settled,
which takes the licenses back and closes the intent in one transaction. Whatever stops it
halfway, the next request for the same or the sweep goes on with the intent as it was recorded.
"""

from chalicelib import clock
from chalicelib.domain.purchases import REFUNDABLE, Status
from chalicelib.domain.refunds import Paid, RefundQuote, refund_quote
from chalicelib.errors import Busy, InvalidRequest, VersionConflict
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.purchases.checkout import read_purchase
from chalicelib.services.purchases.settlement import settle
from chalicelib.services.refunds.execution import (
    RefundRefused,
    execute_refund,
    format_licenses,
    intent_of,
)
from chalicelib.services.settings import platform_settings
from chalicelib.storage.purchases import UNSETTLED, Purchase, RefundIntent, RefundState
from chalicelib.storage.rows import iso, new_id
from chalicelib.storage.transactions import Transaction

ATTEMPTS = 5
MOST_REFUNDS = 100  # of one purchase: they are kept on its row

WHY_NOT = {
    Status.PENDING: "It is not paid yet.",
    Status.PROCESSING: "Its payment is still under way.",
    Status.FAILED: "It was never paid.",
    Status.EXPIRED: "It was never paid.",
    Status.REFUNDED: "All of it has been refunded.",
    Status.DISPUTED: "It is disputed: the buyer's bank decides about the money.",
    Status.QUARANTINED: "It is quarantined: refund it in Stripe's dashboard.",
}


def quote_refund(purchase: Purchase, licenses: int) -> RefundQuote:
    """What a refund of so many licenses would pay back now; of the one that is under way, what
    it pays. Raises InvalidRequest, PaymentProviderUnavailable."""
    purchase = settle(purchase).purchase
    under_way = purchase.open_refund
    if under_way is None:
        return _quote(purchase, licenses)
    if under_way.licenses != licenses:
        raise _is_under_way(under_way)
    return RefundQuote(under_way.licenses, under_way.kept, under_way.amount)


def refund_licenses(
    purchase: Purchase,
    licenses: int,
    *,
    reason: str,
    by: str,
    amount: int | None = None,
    kept: int | None = None,
    once: IdempotentRequest = NO_KEY,
) -> Purchase:
    """Pay back so many licenses of a purchase and take them out of the pool, which may leave
    more in use than owned.

    amount, kept: what the admin was shown; refused where either would be another by now. While
    a refund is under way, the same again goes on with it, whoever asks and under whichever
    key; another is refused. Raises InvalidRequest, Busy, PaymentProviderUnavailable (the
    refund stays, and is gone on with).
    """
    if once.ref is not None:
        return _resume_keyed_refund(purchase, once)
    for _ in range(ATTEMPTS):
        purchase = settle(purchase, by=by).purchase
        under_way = purchase.open_refund
        if under_way is not None:
            if (under_way.licenses, under_way.reason) != (licenses, reason):
                raise _is_under_way(under_way)
            _check_quote_unchanged(under_way.amount, under_way.kept, amount, kept)
            _join_open_refund(under_way, once)
            return execute_refund(purchase, under_way, once)
        quote = _quote(purchase, licenses)
        _check_quote_unchanged(quote.amount, quote.kept, amount, kept)
        try:
            intent = _record_intent(purchase, quote, reason, by, once)
        except VersionConflict:
            purchase = read_purchase(purchase.reseller_id, purchase.id)
            continue
        return execute_refund(purchase, intent, once, is_new=True)
    raise Busy


def resume_refund(purchase: Purchase) -> Purchase:
    """Finish the refund that is under way, if there is one: carry it out, or give it up.
    Raises Busy, PaymentProviderUnavailable."""
    intent = purchase.open_refund
    if intent is None:
        return purchase
    try:
        return execute_refund(purchase, intent)
    except RefundRefused:
        return read_purchase(purchase.reseller_id, purchase.id)


def _resume_keyed_refund(purchase: Purchase, once: IdempotentRequest) -> Purchase:
    """The request that recorded this intent, or joined it, has come again."""
    intent = intent_of(purchase, str(once.ref))
    if intent.state == RefundState.REFUSED:
        raise RefundRefused.of("licenses", intent.note or "Refused.")
    if intent.state == RefundState.OPEN:
        return execute_refund(purchase, intent, once)
    return settle(purchase, once=once).purchase


def _is_under_way(intent: RefundIntent) -> InvalidRequest:
    return InvalidRequest.of(
        "purchase",
        f"A refund of {format_licenses(intent)} is under way ({intent.amount} cents, "
        f"“{intent.reason}”). Ask for the same again to go on with it, or wait until it is "
        "through.",
    )


def _check_quote_unchanged(
    amount: int, kept: int, shown_amount: int | None, shown_kept: int | None
) -> None:
    if shown_amount not in (None, amount):
        message = f"The refund would be {amount} cents now, not {shown_amount}."
        raise InvalidRequest.of("amount", message)
    if shown_kept not in (None, kept):
        message = f"The refund would leave {kept} licenses now, not {shown_kept}."
        raise InvalidRequest.of("kept", message)


def _quote(purchase: Purchase, licenses: int) -> RefundQuote:
    status = Status(purchase.status)
    if status not in REFUNDABLE:
        raise InvalidRequest.of("purchase", f"This purchase can't be refunded. {WHY_NOT[status]}")
    if purchase.status_reason:  # what it is worth does not hang on this payment alone
        message = f"This purchase can't be refunded here. {purchase.status_reason}"
        raise InvalidRequest.of("purchase", message)
    if not 1 <= licenses <= purchase.licenses_granted:
        most = purchase.licenses_granted
        raise InvalidRequest.of("licenses", f"1 to {most} licenses can be refunded.")
    if len(purchase.refunds or {}) >= MOST_REFUNDS:
        raise InvalidRequest.of("purchase", "It was refunded in too many parts already.")
    return refund_quote(
        Paid(
            licenses=purchase.licenses_granted,
            total=purchase.total,
            paid=purchase.amount_paid,
            refunded=purchase.amount_refunded,
            tiers=platform_settings.tiers_of(purchase.tiers),
        ),
        licenses,
    )


def _record_intent(
    purchase: Purchase, quote: RefundQuote, reason: str, by: str, once: IdempotentRequest
) -> RefundIntent:
    """Invariant: one refund under way. Condition: the purchase is as it was quoted from.
    Raises VersionConflict."""
    intent = RefundIntent(
        id=new_id("rfn"),
        licenses=quote.licenses,
        amount=quote.amount,
        reason=reason,
        by=by,
        at=iso(clock.now()),
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


def _join_open_refund(intent: RefundIntent, once: IdempotentRequest) -> None:
    """From here on this key means this refund, whoever finishes it; or the request, coming
    again when it is through, would make another. Condition: the key is free."""
    tx = Transaction()
    once.reserve(tx, intent.id)
    tx.commit()
    once.ref = intent.id if once.key else None
