"""Webhook requests as Stripe sends them: the event as JSON, signed with the endpoint's secrets."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence

from infra.local.stripe_simulator.account import Object


def signature(body: bytes, secrets: Sequence[str], timestamp: int) -> str:
    """Return a Stripe-Signature header with one `v1` per secret (two during a rotation)."""
    payload = f"{timestamp}.".encode() + body
    digests = [hmac.new(s.encode(), payload, hashlib.sha256).hexdigest() for s in secrets]
    return ",".join([f"t={timestamp}", *(f"v1={digest}" for digest in digests)])


def signed_request(
    event: Object, secrets: Sequence[str], timestamp: int
) -> tuple[dict[str, str], bytes]:
    """Return the headers and body of the webhook request for an event."""
    body = json.dumps(event, indent=2).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signature(body, secrets, timestamp),
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    return headers, body
