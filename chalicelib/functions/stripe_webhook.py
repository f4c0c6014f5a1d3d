"""Stripe's webhook, behind a Lambda Function URL.

2xx means: what the message told of is in the database. Anything else makes Stripe deliver it
again. The bytes that were signed are verified untouched, before anything else is done.
"""

import base64
import binascii
import json
from typing import Any

from chalice.app import Blueprint

from chalicelib.observability import count, invocation, request_id_of
from chalicelib.settings import settings

MAX_BYTES = 256 * 1024

blueprint = Blueprint(__name__)


@blueprint.lambda_function(name="stripe-webhook")
def stripe_webhook(event: Any, context: object) -> dict[str, Any]:
    """One message from Stripe, as a Function URL event (payload format 2.0)."""
    try:
        with invocation("Webhook", request_id_of(context)) as line:
            answer = _answer(event, line)
            line["status"] = answer["statusCode"]
            return answer
    except Exception:  # noqa: BLE001 - invocation() has logged it
        return _reply(500, error="Not processed. Deliver it again.")


def _answer(event: Any, line: dict[str, Any]) -> dict[str, Any]:
    from chalicelib.payments.webhooks import SignatureRefused, Unreadable, verify
    from chalicelib.services.stripe_sync.events import handle_event

    if event["requestContext"]["http"]["method"] != "POST":
        return _reply(405, error="Only POST.")
    try:
        payload = _body(event)
    except (binascii.Error, ValueError):
        return _reply(400, error="The body is not readable.")
    if len(payload) > MAX_BYTES:
        return _reply(413, error="The body is too large.")
    try:
        message = verify(payload, event.get("headers", {}).get("stripe-signature", ""))
    except SignatureRefused:
        count("WebhookSignatureRefused")
        line["refused"] = "signature"
        return _reply(400, error="The signature is not valid.")
    except Unreadable:
        line["refused"] = "signed, but not an event"
        return _reply(400, error="This is not an event with its object.")
    line |= {"event_id": message.id, "type": message.type, "object_id": message.object_id}
    if message.livemode != settings().livemode:
        line["refused"] = "the other mode"
        return _reply(400, error="This endpoint is of the other mode, live or test.")
    line["outcome"] = outcome = handle_event(message)
    count("WebhooksProcessed")
    return _reply(200, outcome=outcome)


def _body(event: dict[str, Any]) -> bytes:
    body: str = event.get("body") or ""
    return base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()


def _reply(status: int, **content: str) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(content),
    }
