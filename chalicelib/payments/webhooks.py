"""What Stripe's signed messages say, once their signature is verified."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import stripe

from chalicelib import clock
from chalicelib.settings import settings

TOLERANCE_SECONDS = 300  # Stripe's own recommendation for the age of a signature

# The events that can change what a purchase is worth.
HANDLED = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "checkout.session.expired",
        "charge.refunded",
        "refund.created",
        "refund.updated",
        "refund.failed",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
    }
)


class SignatureRefused(Exception):
    """The message is not Stripe's, or not of now."""


class Unreadable(Exception):
    """Signed, but not an event as this endpoint was set up to receive them."""


@dataclass(frozen=True, slots=True)
class StripeMessage:
    """at: when it happened. object_id: what it is about. The rest are the ways from it to a
    purchase: what we wrote into the metadata, the session itself, or the payment."""

    id: str
    type: str
    livemode: bool
    at: datetime
    object_id: str
    purchase_id: str | None
    reseller_id: str | None
    session_id: str | None
    payment_intent_id: str | None


def verify(payload: bytes, signature: str) -> StripeMessage:
    """The message, if one of our secrets signed these very bytes, within five minutes of now
    (the SDK refuses the past alone). Raises SignatureRefused, Unreadable."""
    items = (item.partition("=") for item in signature.split(","))
    signed_at = next((value for name, _, value in items if name == "t"), "")
    if not re.fullmatch(r"[0-9]{1,12}", signed_at) or not signature.isascii():
        raise SignatureRefused
    if int(signed_at) > clock.now().timestamp() + TOLERANCE_SECONDS:
        raise SignatureRefused
    for secret in settings().stripe_webhook_secrets:
        try:
            stripe.WebhookSignature.verify_header(payload, signature, secret, TOLERANCE_SECONDS)
        except (stripe.SignatureVerificationError, UnicodeDecodeError):
            continue
        return _parse(payload)
    raise SignatureRefused


def _parse(payload: bytes) -> StripeMessage:
    try:
        message = message_of(json.loads(payload))
    except (ValueError, RecursionError):
        message = None
    if message is None:
        raise Unreadable
    return message


def message_of(event: Any) -> StripeMessage | None:
    """None for what is not an event with its object, such as one of Stripe's thin events."""
    try:
        thing = event["data"]["object"]
        metadata = thing.get("metadata") or {}
        return StripeMessage(
            id=event["id"],
            type=event["type"],
            livemode=event["livemode"],
            at=datetime.fromtimestamp(event["created"], UTC),
            object_id=str(thing.get("id") or ""),
            purchase_id=metadata.get("purchase_id"),
            reseller_id=metadata.get("reseller_id"),
            session_id=thing["id"] if thing.get("object") == "checkout.session" else None,
            payment_intent_id=_id(thing.get("payment_intent")),
        )
    except (KeyError, TypeError, AttributeError):
        return None


def _id(value: Any) -> str | None:
    """An id, or that of the object put in its place."""
    found: str | None = value["id"] if isinstance(value, dict) else value
    return found
