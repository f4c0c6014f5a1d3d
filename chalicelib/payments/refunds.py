"""Create refunds in Stripe, and find the ones already created."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.domain.purchases import VOID_REFUNDS
from chalicelib.payments.client import client, stripe_errors
from chalicelib.payments.reports import metadata_value

if TYPE_CHECKING:
    from stripe.params import RefundCreateParams


def create_refund(
    payment_intent_id: str, amount: int, *, idempotency_key: str, metadata: dict[str, str]
) -> str:
    """Refund `amount` cents of a payment and return Stripe's refund ID.

    Repeating the call with the same key returns the same refund, but only for as long as Stripe
    remembers the key (a day). After that, call `read_payment_refunds` first.
    Raises PaymentProviderUnavailable and PaymentProviderRefused.
    """
    params: RefundCreateParams = {
        "payment_intent": payment_intent_id,
        "amount": amount,
        "reason": "requested_by_customer",
        "metadata": metadata,
    }
    with stripe_errors():
        return client().v1.refunds.create(params, {"idempotency_key": idempotency_key}).id


@dataclass(frozen=True, slots=True)
class PaymentRefunds:
    """A payment's refunds: one of our own refunds, and the total of all others.

    `stripe_id` is the Stripe ID of our refund, or None if Stripe never created it. `others` is the
    total of all other refunds in cents, excluding failed and canceled ones.
    """

    stripe_id: str | None
    others: int


def read_payment_refunds(payment_intent_id: str, refund_id: str) -> PaymentRefunds:
    """Find the refund whose metadata has this `refund_id`, and add up all other refunds.

    Stripe forgets idempotency keys after a day. This lookup prevents a refund that is resumed after
    that from being paid twice. Raises PaymentProviderUnavailable.
    """
    stripe_id, others = None, 0
    with stripe_errors():
        listing = client().v1.refunds.list({"payment_intent": payment_intent_id, "limit": 100})
        for refund in listing.auto_paging_iter():
            if metadata_value(refund.metadata, "refund_id") == refund_id:
                stripe_id = refund.id
            elif refund.status not in VOID_REFUNDS:
                others += refund.amount
    return PaymentRefunds(stripe_id, others)
