"""Open and expire Stripe Checkout Sessions."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chalicelib.errors import PaymentProviderRefused
from chalicelib.payments.client import client, stripe_errors

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParams


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """The parameters of a new Checkout Session.

    `unit_amount` is in integer cents. `stage` names this installation, because several
    installations can share one Stripe account.
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

    As long as Stripe remembers the key, repeating the request with it returns the same session, so
    a retry after a lost response does not create a second session. Raises
    PaymentProviderUnavailable and PaymentProviderRefused. If the session that Stripe returns is
    already closed, the provider code is "session_closed".
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


def _params(request: CheckoutRequest) -> "SessionCreateParams":
    metadata = {
        "purchase_id": request.purchase_id,
        "reseller_id": request.reseller_id,
        "stage": request.stage,
    }
    params: SessionCreateParams = {
        "mode": "payment",
        "client_reference_id": request.purchase_id,
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "invoice_creation": {"enabled": True, "invoice_data": {"metadata": metadata}},
        # With adaptive pricing, the buyer could pay in a different currency than the quote's.
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

    If the session is already complete or expired, Stripe refuses. That refusal is ignored, so a
    repeated call is safe. Raises PaymentProviderUnavailable, or PaymentProviderRefused if a later
    attempt could succeed.
    """
    try:
        with stripe_errors():
            client().v1.checkout.sessions.expire(session_id)
    except PaymentProviderRefused as refused:
        if not refused.permanent:
            raise
