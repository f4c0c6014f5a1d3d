"""Refunds that Tenantry makes."""

from dataclasses import dataclass
from typing import Any

from chalicelib.domain.purchases import VOID_REFUNDS
from chalicelib.payments.client import client, stripe_errors
from chalicelib.payments.reports import metadata_value


def refund(payment_intent_id: str, amount: int, *, name: str, metadata: dict[str, str]) -> str:
    """Pay `amount` cents back; Stripe's id of the refund. `name` is the idempotency key.

    Raises PaymentProviderUnavailable, PaymentProviderRefused.
    """
    params: Any = {
        "payment_intent": payment_intent_id,
        "amount": amount,
        "reason": "requested_by_customer",
        "metadata": metadata,
    }
    with stripe_errors():
        return client().v1.refunds.create(params, {"idempotency_key": name}).id


@dataclass(frozen=True, slots=True)
class RefundsMade:
    """stripe_id: of the refund that was asked for, if it was made. others: the cents that all
    others have paid back."""

    stripe_id: str | None
    others: int


def refunds_made(payment_intent_id: str, refund_id: str) -> RefundsMade:
    """What was paid back of a payment: by the refund whose metadata says that it is
    `refund_id`, and by others.

    Stripe forgets idempotency keys after a day; this is what keeps a refund that is taken up
    again later from being made twice. Raises PaymentProviderUnavailable.
    """
    stripe_id, others = None, 0
    with stripe_errors():
        listing = client().v1.refunds.list({"payment_intent": payment_intent_id, "limit": 100})
        for made in listing.auto_paging_iter():
            if metadata_value(made.metadata, "refund_id") == refund_id:
                stripe_id = made.id
            elif made.status not in VOID_REFUNDS:
                others += made.amount
    return RefundsMade(stripe_id, others)
