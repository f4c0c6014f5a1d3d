"""Carrying a refund out: Stripe is asked to pay, or the refund is given up.

Whatever stopped an intent halfway, it is gone on with as it was recorded: for a day, and only
while no other money of that payment has moved. What nobody can be sure of any more is not paid
out; a person may ask for it anew.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib import clock
from chalicelib.errors import (
    Busy,
    InvalidRequest,
    NotFound,
    PaymentProviderRefused,
    PaymentProviderUnavailable,
    VersionConflict,
)
from chalicelib.observability import count, logger
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.purchases.checkout import read_purchase
from chalicelib.services.purchases.settlement import settle
from chalicelib.storage.purchases import Purchase, RefundIntent, RefundState
from chalicelib.storage.transactions import Transaction

ATTEMPTS = 5
# How long an intent is gone on with. Later, whoever wanted it has seen to it otherwise.
TRIED_FOR = timedelta(hours=24)
TOO_LATE = "Stripe did not make it within a day. Ask again if it is still wanted."
MOVED_MEANWHILE = (
    "Money of this payment was refunded elsewhere meanwhile, so this refund was not made. "
    "Ask again if it is still wanted."
)


class RefundRefused(InvalidRequest):
    """The refund is over, and no money moved."""


def execute_refund(
    purchase: Purchase,
    intent: RefundIntent,
    once: IdempotentRequest = NO_KEY,
    *,
    is_new: bool = False,
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
    payment = intent.payment_intent_id or purchase.payment_intent_id
    if intent.amount == 0 or payment is None:
        return None
    from chalicelib.payments import refunds

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
        # Stripe repeats the answers that it remembers under the same key, so the next attempt
        # gets another; losing this note costs one more such answer. After any other, a new key
        # could make twice what somebody who is slow still asks for by the old one.
        attempt = intent.attempt + refused.remembered
        _save_intent(purchase, replace(intent, attempt=attempt, note=str(refused)))
        raise


def _give_up(purchase: Purchase, intent: RefundIntent, why: str) -> None:
    """Money that an admin was told of does not go out: somebody must hear of it. What another
    has closed meanwhile stays as that one says."""
    refused = replace(intent, state=RefundState.REFUSED, note=why)

    def close(row: Purchase) -> dict[str, Any]:
        is_open = intent_of(row, intent.id).state == RefundState.OPEN
        return {"refunds": row.with_refund(refused)} if is_open else {}

    settle(purchase, by=intent.by, also=close)
    count("RefundsGivenUp")
    logger.error(
        "A refund is given up",
        extra={"purchase_id": purchase.id, "refund_id": intent.id, "reason": why},
    )


def _save_intent(purchase: Purchase, noted: RefundIntent) -> None:
    """Condition: the purchase is as it was read, and the intent open."""
    for _ in range(ATTEMPTS):
        if intent_of(purchase, noted.id).state != RefundState.OPEN:
            return None
        tx = Transaction()
        tx.change(purchase, refunds=purchase.with_refund(noted))
        try:
            return tx.commit()
        except VersionConflict:
            purchase = read_purchase(purchase.reseller_id, purchase.id)
    raise Busy


def intent_of(purchase: Purchase, intent_id: str) -> RefundIntent:
    """Raises NotFound."""
    intent = next((r for r in purchase.refund_list if r.id == intent_id), None)
    if intent is None:
        raise NotFound("refund")
    return intent


def _stays_open(
    intent: RefundIntent, failure: PaymentProviderUnavailable
) -> PaymentProviderUnavailable:
    said = "The payment provider could not be reached."
    if isinstance(failure, PaymentProviderRefused):
        said = str(failure)
    return PaymentProviderUnavailable(
        f"{said} The refund of {format_licenses(intent)} stays open: it is tried again every few "
        "minutes, for a day. Please don't make it in Stripe's dashboard as well."
    )


def format_licenses(intent: RefundIntent) -> str:
    return "1 license" if intent.licenses == 1 else f"{intent.licenses} licenses"
