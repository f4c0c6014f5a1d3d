"""Checkout Sessions: opening one, and closing it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib.errors import PaymentProviderRefused
from chalicelib.payments.client import client, stripe_errors


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """What a Checkout Session is asked for. unit_amount: integer cents.

    stage: of the installation, which may share its Stripe account with others.
    """

    purchase_id: str
    reseller_id: str
    stage: str
    quantity: int
    unit_amount: int
    currency: str
    product_name: str
    customer_id: str | None
    customer_email: str | None
    promotion_codes: bool
    expires_at: datetime
    success_url: str
    cancel_url: str


@dataclass(frozen=True, slots=True)
class OpenCheckout:
    session_id: str
    url: str
    expires_at: datetime


def open_checkout(order: CheckoutRequest, *, idempotency_key: str) -> OpenCheckout:
    """Open a session; the same order under the same key gets the same one again.

    Raises PaymentProviderUnavailable, PaymentProviderRefused.
    """
    with stripe_errors():
        session = client().v1.checkout.sessions.create(
            _params(order), {"idempotency_key": idempotency_key}
        )
    if session.url is None:
        raise PaymentProviderRefused(
            f"session {session.id} is {session.status}", why="session_closed", permanent=False
        )
    return OpenCheckout(session.id, session.url, datetime.fromtimestamp(session.expires_at, UTC))


def _params(order: CheckoutRequest) -> Any:
    metadata = {
        "purchase_id": order.purchase_id,
        "reseller_id": order.reseller_id,
        "stage": order.stage,
    }
    params: dict[str, Any] = {
        "mode": "payment",
        "client_reference_id": order.purchase_id,
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "invoice_creation": {"enabled": True, "invoice_data": {"metadata": metadata}},
        # Paid in the currency of the quote, or it would not be what was quoted.
        "adaptive_pricing": {"enabled": False},
        "line_items": [
            {
                "quantity": order.quantity,
                "price_data": {
                    "currency": order.currency,
                    "unit_amount": order.unit_amount,
                    "product_data": {"name": order.product_name},
                },
            }
        ],
        "expires_at": int(order.expires_at.timestamp()),
        "success_url": order.success_url,
        "cancel_url": order.cancel_url,
    }
    if order.promotion_codes:
        params["allow_promotion_codes"] = True
    if order.customer_id:
        params["customer"] = order.customer_id
    else:
        params["customer_creation"] = "always"
        if order.customer_email:
            params["customer_email"] = order.customer_email
    return params


def expire_checkout(session_id: str) -> None:
    """Close a session that nobody should pay any more; one that is closed already stays as it
    is, paid or not. Raises PaymentProviderUnavailable."""
    try:
        with stripe_errors():
            client().v1.checkout.sessions.expire(session_id)
    except PaymentProviderRefused as refused:
        if not refused.permanent:
            raise
