"""What Stripe's signed messages say, once their signature is verified."""

import json
import re
from dataclasses import dataclass
from typing import Any

import stripe

from chalicelib import clock
from chalicelib.settings import settings

TOLERANCE_SECONDS = 300  # Stripe's own recommendation for the age of a signature


class SignatureRefused(Exception):
    """The message is not Stripe's, or not of now."""


@dataclass(frozen=True, slots=True)
class StripeMessage:
    """object_id: what the event is about. The rest are the ways from it to a purchase:
    what we wrote into the session's metadata, the session itself, or the payment."""

    id: str
    type: str
    livemode: bool
    object_id: str
    purchase_id: str | None
    reseller_id: str | None
    session_id: str | None
    payment_intent_id: str | None


def verify(payload: bytes, signature: str) -> StripeMessage:
    """The message, if one of our secrets signed these very bytes, within five minutes of now
    (the SDK refuses the past alone). Raises SignatureRefused."""
    signed_at = re.search(r"(?:^|,)\s*t=(\d{1,12})(?:,|$)", signature)
    if not signed_at or int(signed_at[1]) > clock.now().timestamp() + TOLERANCE_SECONDS:
        raise SignatureRefused
    for secret in settings().stripe_webhook_secrets:
        try:
            stripe.WebhookSignature.verify_header(payload, signature, secret, TOLERANCE_SECONDS)
        except (stripe.SignatureVerificationError, UnicodeDecodeError):
            continue
        return _parse(payload)
    raise SignatureRefused


def _parse(payload: bytes) -> StripeMessage:
    event: dict[str, Any] = json.loads(payload)
    thing: dict[str, Any] = event["data"]["object"]
    is_session = thing["object"] == "checkout.session"
    metadata = thing.get("metadata") or {}
    return StripeMessage(
        id=event["id"],
        type=event["type"],
        livemode=event["livemode"],
        object_id=str(thing.get("id", "")),
        purchase_id=metadata.get("purchase_id"),
        reseller_id=metadata.get("reseller_id"),
        session_id=thing["id"] if is_session else None,
        payment_intent_id=thing.get("payment_intent"),
    )
