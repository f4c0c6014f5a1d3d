"""Webhook requests as Stripe sends them: the event as the body, and signatures over it."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence

from infra.local.stripe_simulator.account import Object


def signature(body: bytes, secrets: Sequence[str], timestamp: int) -> str:
    """One `v1` for each secret; there are two while a secret is being rolled."""
    payload = f"{timestamp}.".encode() + body
    digests = [hmac.new(s.encode(), payload, hashlib.sha256).hexdigest() for s in secrets]
    return ",".join([f"t={timestamp}", *(f"v1={digest}" for digest in digests)])


def signed(event: Object, secrets: Sequence[str], timestamp: int) -> tuple[dict[str, str], bytes]:
    body = json.dumps(event, indent=2).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signature(body, secrets, timestamp),
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    return headers, body
