"""Refunds by an admin: so many licenses back, for what they are worth.

The intent is recorded on the purchase first, under the condition that none is under way; then
Stripe is asked, by an idempotency key that comes of the intent; then the purchase is settled,
which takes the licenses back and closes the intent in one transaction. Whatever stops it
halfway, the next request for the same or the sweep goes on with the intent as it was recorded:
for a day, and only while no other money of that payment has moved. What nobody can be sure of
any more is not paid out; a person may ask for it anew.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib import clock
from chalicelib.domain.purchases import REFUNDABLE, Status
from chalicelib.domain.refunds import Paid, RefundQuote, refund_quote
from chalicelib.errors import (
    Busy,
    InvalidRequest,
    NotFound,
    PaymentProviderRefused,
    PaymentProviderUnavailable,
    VersionConflict,
)
from chalicelib.observability import count, logger
from chalicelib.services import platform
from chalicelib.services.idempotency import UNKEYED, Once
from chalicelib.services.purchases import read_purchase
from chalicelib.services.settlement import settle
from chalicelib.storage.purchases import UNSETTLED, Purchase, RefundIntent, RefundState
from chalicelib.storage.rows import iso, new_id
from chalicelib.storage.transactions import Transaction

ATTEMPTS = 5
MOST_REFUNDS = 100  # of one purchase: they are kept on its row
# How long an intent is gone on with. Later, whoever wanted it has seen to it otherwise.
TRIED_FOR = timedelta(hours=24)
TOO_LATE = "Stripe did not make it within a day. Ask again if it is still wanted."
MOVED_MEANWHILE = (
    "Money of this payment was refunded elsewhere meanwhile, so this refund was not made. "
    "Ask again if it is still wanted."
)

WHY_NOT = {
    Status.PENDING: "It is not paid yet.",
    Status.PROCESSING: "Its payment is still under way.",
    Status.FAILED: "It was never paid.",
    Status.EXPIRED: "It was never paid.",
    Status.REFUNDED: "All of it has been refunded.",
    Status.DISPUTED: "It is disputed: the buyer's bank decides about the money.",
    Status.QUARANTINED: "It is quarantined: refund it in Stripe's dashboard.",
}


class RefundRefused(InvalidRequest):
    """The refund is over, and no money moved."""


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
    once: Once = UNKEYED,
) -> Purchase:
    """Pay back so many licenses of a purchase and take them out of the pool, which may leave
    more in use than owned.

    amount, kept: what the admin was shown; refused where either would be another by now. While
    a refund is under way, the same again goes on with it, whoever asks and under whichever
    key; another is refused. Raises InvalidRequest, Busy, PaymentProviderUnavailable (the
    refund stays, and is gone on with).
    """
    if once.ref is not None:
        return _go_on(purchase, once)
    for _ in range(ATTEMPTS):
        purchase = settle(purchase, by=by).purchase
        under_way = purchase.open_refund
        if under_way is not None:
            if (under_way.licenses, under_way.reason) != (licenses, reason):
                raise _is_under_way(under_way)
            _must_be_as_shown(under_way.amount, under_way.kept, amount, kept)
            _join(under_way, once)
            return _carry_out(purchase, under_way, once)
        quote = _quote(purchase, licenses)
        _must_be_as_shown(quote.amount, quote.kept, amount, kept)
        try:
            intent = _intend(purchase, quote, reason, by, once)
        except VersionConflict:
            purchase = read_purchase(purchase.reseller_id, purchase.id)
            continue
        return _carry_out(purchase, intent, once, is_new=True)
    raise Busy


def go_on(purchase: Purchase) -> Purchase:
    """Finish the refund that is under way, if there is one: carry it out, or give it up.
    Raises Busy, PaymentProviderUnavailable."""
    intent = purchase.open_refund
    if intent is None:
        return purchase
    try:
        return _carry_out(purchase, intent)
    except RefundRefused:
        return read_purchase(purchase.reseller_id, purchase.id)


def _go_on(purchase: Purchase, once: Once) -> Purchase:
    """The request that recorded this intent, or joined it, has come again."""
    intent = _find(purchase, str(once.ref))
    if intent.state == RefundState.REFUSED:
        raise RefundRefused.of("licenses", intent.note or "Refused.")
    if intent.state == RefundState.OPEN:
        return _carry_out(purchase, intent, once)
    return settle(purchase, once=once).purchase


def _find(purchase: Purchase, intent_id: str) -> RefundIntent:
    intent = next((r for r in purchase.refund_list if r.id == intent_id), None)
    if intent is None:
        raise NotFound("refund")
    return intent


def _is_under_way(intent: RefundIntent) -> InvalidRequest:
    return InvalidRequest.of(
        "purchase",
        f"A refund of {_licenses(intent)} is under way ({intent.amount} cents, “{intent.reason}”). "
        "Ask for the same again to go on with it, or wait until it is through.",
    )


def _licenses(intent: RefundIntent) -> str:
    return "1 license" if intent.licenses == 1 else f"{intent.licenses} licenses"


def _must_be_as_shown(
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
            tiers=platform.tiers_of(purchase.tiers),
        ),
        licenses,
    )


def _intend(
    purchase: Purchase, quote: RefundQuote, reason: str, by: str, once: Once
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
        refunded_before=purchase.amount_refunded,
    )
    tx = Transaction()
    tx.change(purchase, refunds=purchase.with_refund(intent), unsettled=UNSETTLED)
    once.reserve(tx, intent.id)
    tx.commit()
    once.ref = intent.id if once.key else None
    return intent


def _join(intent: RefundIntent, once: Once) -> None:
    """From here on this key means this refund, whoever finishes it; or the request, coming
    again when it is through, would make another. Condition: the key is free."""
    tx = Transaction()
    once.reserve(tx, intent.id)
    tx.commit()
    once.ref = intent.id if once.key else None


def _carry_out(
    purchase: Purchase, intent: RefundIntent, once: Once = UNKEYED, *, is_new: bool = False
) -> Purchase:
    """Have Stripe pay, then settle, which closes the intent. Coming twice, or after a crash
    anywhere, it finds at Stripe what was paid. Raises RefundRefused, Busy,
    PaymentProviderUnavailable (the intent stays open)."""
    try:
        stripe_id = _pay_back(purchase, intent, is_new=is_new)
        done = replace(intent, state=RefundState.DONE, stripe_id=stripe_id)
        return settle(
            purchase, by=intent.by, once=once, also=lambda row: {"refunds": row.with_refund(done)}
        ).purchase
    except RefundRefused as refused:
        _give_up(purchase, intent, refused.errors[0].message)
        raise
    except PaymentProviderUnavailable as failure:
        raise _stays_open(intent, failure) from failure


def _pay_back(purchase: Purchase, intent: RefundIntent, *, is_new: bool) -> str | None:
    """Stripe's id of the refund, made now or found; None where there is nothing to pay.

    What was not made at the first attempt is made later only upon the very payment that it was
    quoted from. Raises RefundRefused, PaymentProviderUnavailable.
    """
    if intent.amount == 0 or purchase.payment_intent_id is None:
        return None
    from chalicelib.payments import refunds

    payment = purchase.payment_intent_id
    if not is_new:
        made = refunds.refunds_made(payment, intent.id)
        if made.stripe_id is not None:
            return made.stripe_id
        if made.others != intent.refunded_before:
            raise RefundRefused.of("licenses", MOVED_MEANWHILE)
        if clock.now() - datetime.fromisoformat(intent.at) > TRIED_FOR:
            raise RefundRefused.of("licenses", TOO_LATE)
    try:
        return refunds.refund(
            payment,
            intent.amount,
            name=f"{intent.id}-{intent.attempt}",
            metadata={
                "purchase_id": purchase.id,
                "reseller_id": purchase.reseller_id,
                "refund_id": intent.id,
                "licenses": str(intent.licenses),
            },
        )
    except PaymentProviderRefused as refused:
        if refused.permanent:
            raise RefundRefused.of("licenses", str(refused)) from refused
        # Stripe repeats its answer under the same key, so the next attempt gets another.
        # Losing this note costs one more such answer.
        _note(purchase, replace(intent, attempt=intent.attempt + 1, note=str(refused)))
        raise


def _give_up(purchase: Purchase, intent: RefundIntent, why: str) -> None:
    """Money that an admin was told of does not go out: somebody must hear of it. What another
    has closed meanwhile stays as that one says."""
    refused = replace(intent, state=RefundState.REFUSED, note=why)

    def close(row: Purchase) -> dict[str, Any]:
        is_open = _find(row, intent.id).state == RefundState.OPEN
        return {"refunds": row.with_refund(refused)} if is_open else {}

    settle(purchase, by=intent.by, also=close)
    count("RefundsGivenUp")
    logger.error(
        "A refund is given up",
        extra={"purchase_id": purchase.id, "refund_id": intent.id, "reason": why},
    )


def _note(purchase: Purchase, noted: RefundIntent) -> None:
    """Condition: the purchase is as it was read, and the intent open."""
    for _ in range(ATTEMPTS):
        if _find(purchase, noted.id).state != RefundState.OPEN:
            return None
        tx = Transaction()
        tx.change(purchase, refunds=purchase.with_refund(noted))
        try:
            return tx.commit()
        except VersionConflict:
            purchase = read_purchase(purchase.reseller_id, purchase.id)
    raise Busy


def _stays_open(
    intent: RefundIntent, failure: PaymentProviderUnavailable
) -> PaymentProviderUnavailable:
    said = "The payment provider could not be reached."
    if isinstance(failure, PaymentProviderRefused):
        said = str(failure)
    return PaymentProviderUnavailable(
        f"{said} The refund of {_licenses(intent)} stays open: it is tried again every few "
        "minutes, for a day. Please don't make it in Stripe's dashboard as well."
    )
