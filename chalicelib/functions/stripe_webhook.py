"""The endpoint that receives Stripe's webhooks through a Lambda Function URL.

A 2xx response means that the database reflects what the event reported. After any other response,
Stripe delivers the event again. The signature is verified over the raw bytes, before they are
parsed.
"""

import base64
import binascii
import json
from typing import Any

from chalice.app import Blueprint

from chalicelib.observability import Metric, count, invocation, request_id_of
from chalicelib.settings import settings

MAX_BYTES = 256 * 1024

Event = dict[str, Any]  # Any: JSON from Lambda

blueprint = Blueprint(__name__)


@blueprint.lambda_function(name="stripe-webhook")
def stripe_webhook(event: Event, context: object) -> dict[str, object]:
    """Handle one delivery. `event` is a Function URL event (payload format 2.0).

    A crash or an unexpected error results in a 500 response, so Stripe retries. A repeated delivery
    is safe, because handling an event only settles the purchase again.
    """
    try:
        with invocation("Webhook", request_id_of(context)) as line:
            answer = _answer(event, line)
            line["status"] = answer["statusCode"]
            return answer
    except Exception:  # noqa: BLE001 - invocation() has logged it
        return _reply(500, error="The event was not processed. Deliver it again.")


def _answer(event: Event, line: dict[str, object]) -> dict[str, object]:
    from chalicelib.payments.webhooks import InvalidSignature, MalformedEvent, verify_event
    from chalicelib.services.stripe_sync.events import handle_event

    if event["requestContext"]["http"]["method"] != "POST":
        return _reply(405, error="This endpoint accepts only POST.")
    try:
        payload = _raw_body(event)
    except (binascii.Error, ValueError):
        return _reply(400, error="The body could not be decoded.")
    if len(payload) > MAX_BYTES:
        return _reply(413, error="The body is too large.")
    try:
        stripe_event = verify_event(payload, event.get("headers", {}).get("stripe-signature", ""))
    except InvalidSignature:
        count(Metric.WEBHOOK_SIGNATURE_REFUSED)
        line["refused"] = "signature"
        return _reply(400, error="The signature is not valid.")
    except MalformedEvent:
        line["refused"] = "signed, but not an event"
        return _reply(400, error="The body is not an event that contains its object.")
    line |= {
        "event_id": stripe_event.id,
        "type": stripe_event.type,
        "object_id": stripe_event.object_id,
    }
    if stripe_event.livemode != settings().livemode:
        line["refused"] = "live/test mode mismatch"
        return _reply(
            400, error="Live/test mode mismatch: this event doesn't belong to this endpoint."
        )
    line["outcome"] = outcome = handle_event(stripe_event)
    count(Metric.WEBHOOKS_PROCESSED)
    return _reply(200, outcome=outcome)


def _raw_body(event: Event) -> bytes:
    body = str(event.get("body") or "")
    return base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()


def _reply(status: int, **content: str) -> dict[str, object]:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(content),
    }
