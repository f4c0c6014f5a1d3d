"""Refunds that Tenantry makes."""

from typing import Any

from chalicelib.payments.client import client, stripe_errors
from chalicelib.payments.reports import get


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


def find_refund(payment_intent_id: str, refund_id: str) -> str | None:
    """Stripe's id of the refund whose metadata says it is `refund_id`, if it was made.

    Stripe forgets idempotency keys after a day; this is what keeps a refund that is taken up
    again later from being made twice. Raises PaymentProviderUnavailable.
    """
    with stripe_errors():
        listing = client().v1.refunds.list({"payment_intent": payment_intent_id, "limit": 100})
        for made in listing.auto_paging_iter():
            if get(made.metadata, "refund_id") == refund_id:
                return made.id
    return None
