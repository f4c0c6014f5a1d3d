"""Refunds by an admin: so many licenses back, for what they are worth.

The intent is recorded on the purchase first, under the condition that none is under way; then
Stripe is asked, by an idempotency key that comes of the intent; then the purchase is settled,
which takes the licenses back and closes the intent in one transaction. Whatever stops it
halfway, the next request or the sweep goes on with the intent as it was recorded.
"""

from dataclasses import replace

from chalicelib import clock
from chalicelib.domain.purchases import REFUNDABLE, Status
from chalicelib.domain.refunds import Paid, RefundQuote, refund_quote
from chalicelib.errors import (
    Busy,
    InvalidRequest,
    NotFound,
    PaymentProviderRefused,
    VersionConflict,
)
from chalicelib.services import platform
from chalicelib.services.idempotency import UNKEYED, Once
from chalicelib.services.purchases import read_purchase
from chalicelib.services.settlement import settle
from chalicelib.storage.purchases import UNSETTLED, Purchase, Refund, RefundState
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
    """What a refund of so many licenses would pay back now. Raises InvalidRequest,
    PaymentProviderUnavailable."""
    return _quote(settle(purchase).purchase, licenses)


def refund_licenses(
    purchase: Purchase,
    licenses: int,
    *,
    reason: str,
    by: str,
    amount: int | None = None,
    once: Once = UNKEYED,
) -> Purchase:
    """Pay back so many licenses of a purchase and take them out of the pool, which may leave
    more in use than owned.

    amount: what the admin was shown; refused where it would be another by now. Raises
    InvalidRequest, Busy, PaymentProviderUnavailable (the refund stays, and is gone on with).
    """
    if once.ref is not None:
        return _go_on(purchase, once)
    for _ in range(ATTEMPTS):
        purchase = settle(purchase, by=by).purchase
        under_way = purchase.open_refund
        if under_way is not None:
            repeated = once.key is None and _is_same(under_way, licenses, reason, by)
            purchase = _carry_out(purchase, under_way)
            if repeated:
                return purchase
            continue
        quote = _quote(purchase, licenses)
        if amount is not None and amount != quote.amount:
            message = f"The refund would be {quote.amount} cents now, not {amount}."
            raise InvalidRequest.of("amount", message)
        try:
            refund = _intend(purchase, quote, reason, by, once)
        except VersionConflict:
            purchase = read_purchase(purchase.reseller_id, purchase.id)
            continue
        return _carry_out(purchase, refund, once, is_new=True)
    raise Busy


def go_on(purchase: Purchase) -> Purchase:
    """Finish the refund that is under way, if there is one. Raises as refund_licenses."""
    refund = purchase.open_refund
    return purchase if refund is None else _carry_out(purchase, refund)


def _go_on(purchase: Purchase, once: Once) -> Purchase:
    """The request that recorded this intent has come again."""
    refund = next((r for r in purchase.refund_list if r.id == once.ref), None)
    if refund is None:
        raise NotFound("refund")
    if refund.state == RefundState.REFUSED:
        raise InvalidRequest.of("licenses", refund.note or "Refused.")
    if refund.state == RefundState.DONE:
        return settle(purchase, once=once).purchase
    return _carry_out(purchase, refund, once)


def _is_same(refund: Refund, licenses: int, reason: str, by: str) -> bool:
    return (refund.licenses, refund.reason, refund.by) == (licenses, reason, by)


def _quote(purchase: Purchase, licenses: int) -> RefundQuote:
    status = Status(purchase.status)
    if status not in REFUNDABLE:
        raise InvalidRequest.of("purchase", f"This purchase can't be refunded. {WHY_NOT[status]}")
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
            tiers=platform.tiers_of(purchase.tiers),
        ),
        licenses,
    )


def _intend(purchase: Purchase, quote: RefundQuote, reason: str, by: str, once: Once) -> Refund:
    """Invariant: one refund under way. Condition: the purchase is as it was quoted from.
    Raises VersionConflict."""
    refund = Refund(
        id=new_id("rfn"),
        licenses=quote.licenses,
        amount=quote.amount,
        reason=reason,
        by=by,
        at=iso(clock.now()),
    )
    tx = Transaction()
    tx.change(purchase, refunds=purchase.with_refund(refund), unsettled=UNSETTLED)
    once.reserve(tx, refund.id)
    tx.commit()
    once.ref = refund.id if once.key else None
    return refund


def _carry_out(
    purchase: Purchase, refund: Refund, once: Once = UNKEYED, *, is_new: bool = False
) -> Purchase:
    try:
        _pay_back(purchase, refund, is_new=is_new)
    except PaymentProviderRefused as refused:
        _note_refusal(purchase, refund, refused)
        if refused.permanent:
            raise InvalidRequest.of("licenses", str(refused)) from refused
        raise
    done = replace(refund, state=RefundState.DONE)
    settled = settle(
        purchase, by=refund.by, once=once, also=lambda row: {"refunds": row.with_refund(done)}
    )
    return settled.purchase


def _pay_back(purchase: Purchase, refund: Refund, *, is_new: bool) -> None:
    """Ask Stripe, unless it has paid already or there is nothing to pay."""
    if refund.amount == 0 or purchase.payment_intent_id is None:
        return
    from chalicelib.payments import refunds

    payment = purchase.payment_intent_id
    if not is_new and refunds.find_refund(payment, refund.id):
        return
    refunds.refund(
        payment,
        refund.amount,
        name=f"{refund.id}-{refund.attempt}",
        metadata={
            "purchase_id": purchase.id,
            "reseller_id": purchase.reseller_id,
            "refund_id": refund.id,
            "licenses": str(refund.licenses),
        },
    )


def _note_refusal(purchase: Purchase, refund: Refund, refused: PaymentProviderRefused) -> None:
    """For good: the refund is over. For now: Stripe repeats the answer under the same key, so
    the next attempt gets another. Losing the note costs one more such answer."""
    state = RefundState.REFUSED if refused.permanent else RefundState.OPEN
    noted = replace(refund, state=state, attempt=refund.attempt + 1, note=str(refused))
    for _ in range(ATTEMPTS):
        tx = Transaction()
        tx.change(purchase, refunds=purchase.with_refund(noted))
        try:
            return tx.commit()
        except VersionConflict:
            purchase = read_purchase(purchase.reseller_id, purchase.id)
    raise Busy
