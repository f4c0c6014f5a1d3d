"""Execute a refund: have Stripe pay it, or give up on it.

An interrupted refund is resumed as recorded, for up to 24 hours and only if no other money from
that payment has moved since. If the outcome is uncertain, we don't pay; an admin can request the
refund again.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib import clock
from chalicelib.domain.actors import Actor
from chalicelib.domain.messages import Sentences
from chalicelib.domain.wording import text_of
from chalicelib.errors import (
    FieldError,
    InvalidRequest,
    NotFound,
    PaymentProviderRefused,
    PaymentProviderUnavailable,
)
from chalicelib.observability import Metric, count, logger
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.purchases.checkout import read_purchase
from chalicelib.services.purchases.settlement import settle
from chalicelib.storage import retries
from chalicelib.storage.purchases import Purchase, RefundIntent, RefundState
from chalicelib.storage.transactions import Transaction

# How long an interrupted refund can be resumed. After that, the admin has probably found another
# solution.
RESUMED_FOR = timedelta(hours=24)
TOO_LATE = "Stripe did not make this refund within a day. Request it again if it is still needed."
OTHER_REFUND_MADE = (
    "Other money from this payment was refunded in the meantime, so this refund was not made. "
    "Request it again if it is still needed."
)


class RefundNotPossible(InvalidRequest):
    """The refund can't be made as requested. `why` is the message for `field`, as sentences."""

    def __init__(self, field: str, why: Sentences) -> None:
        super().__init__([FieldError(field, text_of(why))])
        self.field = field
        self.why = why


class RefundRefused(InvalidRequest):
    """The refund was closed without moving any money."""


def execute_refund(
    purchase: Purchase,
    intent: RefundIntent,
    once: IdempotentRequest = NO_KEY,
    *,
    is_new: bool = False,
) -> Purchase:
    """Have Stripe pay an open refund. Then settle, which takes back licenses and closes the refund.

    Invariant: Stripe pays an intent at most once. The idempotency key comes from the intent, and
    unless the intent is new, its refund is first looked up in Stripe by its metadata. If the call
    is repeated, for example after a crash, it finds any refund that Stripe has issued and only
    settles. If Stripe's response is lost, the intent stays open, and the sweep resumes it.
    Raises RefundRefused (closed without paying), Busy, and PaymentProviderUnavailable (the
    intent stays open).
    """
    try:
        stripe_id = _pay(purchase, intent, is_new=is_new)
        done = replace(intent, state=RefundState.DONE, stripe_id=stripe_id)
        return settle(
            purchase,
            by=Actor(intent.by),
            once=once,
            extra_columns=lambda row: {"refunds": row.with_refund(done)},
        ).purchase
    except RefundRefused as refused:
        _give_up(purchase, intent, refused.errors[0].message)
        raise
    except PaymentProviderUnavailable as failure:
        raise _still_open_error(intent, failure) from failure


def _pay(purchase: Purchase, intent: RefundIntent, *, is_new: bool) -> str | None:
    """Return the ID of the Stripe refund, issued now or earlier, or None if nothing is to be paid.

    If the first attempt did not issue the refund, a later attempt does so only if the payment is
    still in the state that the quote was based on. Raises RefundRefused and
    PaymentProviderUnavailable.
    """
    payment = intent.payment_intent_id or purchase.payment_intent_id
    if intent.amount == 0 or payment is None:
        return None
    from chalicelib.payments import refunds

    if not is_new:
        made = refunds.read_payment_refunds(payment, intent.id)
        if made.stripe_id is not None:
            return made.stripe_id
        if made.others != intent.refunded_before:
            raise RefundRefused.of("licenses", OTHER_REFUND_MADE)
        if clock.now() - datetime.fromisoformat(intent.at) > RESUMED_FOR:
            raise RefundRefused.of("licenses", TOO_LATE)
    try:
        return refunds.create_refund(
            payment,
            intent.amount,
            idempotency_key=f"{intent.id}-{intent.attempt}",
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
        # If Stripe stored this error under the key, it would return it again, so the next attempt
        # uses a new key. (If the new key can't be saved, the next attempt gets the same error
        # once more.) Otherwise the key must not change: a slow concurrent request may still use
        # it, and with two keys Stripe could pay twice.
        attempt = intent.attempt + refused.key_consumed
        _save_intent(purchase, replace(intent, attempt=attempt, note=str(refused)))
        raise


def _give_up(purchase: Purchase, intent: RefundIntent, reason: str) -> None:
    """Close the refund as refused, unless a concurrent call has closed it already.

    An admin expects this money to be paid, so this logs an error and emits a metric.
    """
    refused = replace(intent, state=RefundState.REFUSED, note=reason)

    def close(row: Purchase) -> dict[str, object]:
        is_open = get_refund_intent(row, intent.id).state == RefundState.OPEN
        return {"refunds": row.with_refund(refused)} if is_open else {}

    settle(purchase, by=Actor(intent.by), extra_columns=close)
    count(Metric.REFUNDS_GIVEN_UP)
    logger.error(
        "Refund given up",
        extra={"purchase_id": purchase.id, "refund_id": intent.id, "reason": reason},
    )


def _save_intent(purchase: Purchase, intent: RefundIntent) -> None:
    """Save an open intent; do nothing if it was closed in the meantime.

    Condition: the purchase is unchanged since it was read; otherwise, it is re-read. Raises Busy.
    """

    def save(current: Purchase) -> None:
        if get_refund_intent(current, intent.id).state == RefundState.OPEN:
            tx = Transaction()
            tx.change(current, refunds=current.with_refund(intent))
            tx.commit()

    retries.act_on_current(
        lambda: read_purchase(purchase.reseller_id, purchase.id), save, first=purchase
    )


def get_refund_intent(purchase: Purchase, intent_id: str) -> RefundIntent:
    """Return one of the purchase's refunds. Raises NotFound."""
    intent = next((r for r in purchase.refund_list if r.id == intent_id), None)
    if intent is None:
        raise NotFound("refund")
    return intent


def _still_open_error(
    intent: RefundIntent, failure: PaymentProviderUnavailable
) -> PaymentProviderUnavailable:
    cause = "The payment provider could not be reached."
    if isinstance(failure, PaymentProviderRefused):
        cause = str(failure)
    return PaymentProviderUnavailable(
        f"{cause} The refund of {format_licenses(intent)} stays open and is retried every "
        "15 minutes for a day. Don't issue it in Stripe's dashboard as well."
    )


def format_licenses(intent: RefundIntent) -> str:
    """Return "1 license" or "5 licenses"."""
    return "1 license" if intent.licenses == 1 else f"{intent.licenses} licenses"
