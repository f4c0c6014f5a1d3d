"""Verify Stripe's webhook signatures and parse its events."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import stripe

from chalicelib import clock
from chalicelib.settings import settings

TOLERANCE_SECONDS = 300  # the maximum signature age that Stripe recommends

# The event types that can affect a purchase. This is the only such list in the code: the webhook
# and the sweep use it, and tests/unit/test_runbook.py compares it with the runbook's list.
HANDLED_EVENTS = frozenset(
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


class InvalidSignature(Exception):
    """No configured secret produced this signature, or its timestamp is outside the tolerance."""


class MalformedEvent(Exception):
    """The signature is valid, but the body is not an event that includes its object."""


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """The parts of a Stripe event needed to find the affected purchase.

    `at` is when Stripe created the event, and `object_id` is the ID of the object that it concerns.
    `purchase_id` and `reseller_id` come from our metadata on that object. `session_id` is set if
    the object is a Checkout Session, and `payment_intent_id` if the object belongs to a payment.
    """

    id: str
    type: str
    livemode: bool
    at: datetime
    object_id: str
    purchase_id: str | None
    reseller_id: str | None
    session_id: str | None
    payment_intent_id: str | None


def verify_event(payload: bytes, signature: str) -> WebhookEvent:
    """Verify the signature of these exact bytes and return the event in them.

    Any configured secret is accepted, so secrets can be rotated. The signature's timestamp must
    be within five minutes of our clock in either direction; the SDK checks only its age.
    Raises InvalidSignature and MalformedEvent.
    """
    items = (item.partition("=") for item in signature.split(","))
    signed_at = next((value for name, _, value in items if name == "t"), "")
    if not re.fullmatch(r"[0-9]{1,12}", signed_at) or not signature.isascii():
        raise InvalidSignature
    if int(signed_at) > clock.now().timestamp() + TOLERANCE_SECONDS:
        raise InvalidSignature
    for secret in settings().stripe_webhook_secrets:
        try:
            stripe.WebhookSignature.verify_header(payload, signature, secret, TOLERANCE_SECONDS)
        except (stripe.SignatureVerificationError, UnicodeDecodeError):
            continue
        return _parse(payload)
    raise InvalidSignature


def _parse(payload: bytes) -> WebhookEvent:
    try:
        event = parse_event(json.loads(payload))
    except (ValueError, RecursionError):
        event = None
    if event is None:
        raise MalformedEvent
    return event


def parse_event(event: Any) -> WebhookEvent | None:  # Any: parsed JSON of any shape
    """Parse an event. Return None if it doesn't include its object, as in Stripe's thin events."""
    try:
        subject = event["data"]["object"]
        metadata = subject.get("metadata") or {}
        is_session = subject.get("object") == "checkout.session"
        return WebhookEvent(
            id=event["id"],
            type=event["type"],
            livemode=event["livemode"],
            at=datetime.fromtimestamp(event["created"], UTC),
            object_id=str(subject.get("id") or ""),
            purchase_id=metadata.get("purchase_id"),
            reseller_id=metadata.get("reseller_id"),
            session_id=subject["id"] if is_session else None,
            payment_intent_id=_id(subject.get("payment_intent")),
        )
    except (KeyError, TypeError, AttributeError):
        return None


def _id(value: object) -> str | None:
    """Return a referenced object's ID, whether or not Stripe expanded the reference."""
    found = value.get("id") if isinstance(value, dict) else value
    return None if found is None else str(found)
