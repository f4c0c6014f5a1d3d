"""Open and expire Stripe Checkout Sessions."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib.errors import PaymentProviderRefused
from chalicelib.payments.client import client, stripe_errors


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """The parameters of a new Checkout Session.

    `unit_amount` is in integer cents. `stage` names this installation, because several can
    share one Stripe account.
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
class CheckoutSession:
    session_id: str
    url: str
    expires_at: datetime


def open_checkout(request: CheckoutRequest, *, idempotency_key: str) -> CheckoutSession:
    """Open a Checkout Session.

    Repeating the same request with the same key returns the same session for as long as Stripe
    remembers the key, so a retry after a lost reply does not create a second one.
    Raises PaymentProviderUnavailable and PaymentProviderRefused; the latter also if the session
    that Stripe returns is already closed (provider code "session_closed").
    """
    with stripe_errors():
        session = client().v1.checkout.sessions.create(
            _params(request), {"idempotency_key": idempotency_key}
        )
    if session.url is None:
        raise PaymentProviderRefused(
            f"session {session.id} is {session.status}",
            provider_code="session_closed",
            permanent=False,
        )
    return CheckoutSession(session.id, session.url, datetime.fromtimestamp(session.expires_at, UTC))


def _params(request: CheckoutRequest) -> Any:
    metadata = {
        "purchase_id": request.purchase_id,
        "reseller_id": request.reseller_id,
        "stage": request.stage,
    }
    params: dict[str, Any] = {
        "mode": "payment",
        "client_reference_id": request.purchase_id,
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "invoice_creation": {"enabled": True, "invoice_data": {"metadata": metadata}},
        # Otherwise the buyer could pay in another currency, which would not match the quote.
        "adaptive_pricing": {"enabled": False},
        "line_items": [
            {
                "quantity": request.quantity,
                "price_data": {
                    "currency": request.currency,
                    "unit_amount": request.unit_amount,
                    "product_data": {"name": request.product_name},
                },
            }
        ],
        "expires_at": int(request.expires_at.timestamp()),
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
    }
    if request.promotion_codes:
        params["allow_promotion_codes"] = True
    if request.customer_id:
        params["customer"] = request.customer_id
    else:
        params["customer_creation"] = "always"
        if request.customer_email:
            params["customer_email"] = request.customer_email
    return params


def expire_checkout(session_id: str) -> None:
    """Expire a session so that it can no longer be paid.

    A session that is already complete or expired stays as it is: Stripe refuses, and the refusal
    is ignored. So a repeated call is safe. Raises PaymentProviderUnavailable, and
    PaymentProviderRefused if a later attempt could succeed.
    """
    try:
        with stripe_errors():
            client().v1.checkout.sessions.expire(session_id)
    except PaymentProviderRefused as refused:
        if not refused.permanent:
            raise
