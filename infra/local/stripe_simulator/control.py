"""JSON under `/_control/`, so that a script with nothing but HTTP can drive the stand-in."""

from __future__ import annotations

import json

from infra.local.stripe_simulator.commands import UnknownAction, perform, webhook_state
from infra.local.stripe_simulator.errors import InvalidAction, StripeError
from infra.local.stripe_simulator.http_response import HttpResponse, json_response
from infra.local.stripe_simulator.simulator import StripeSimulator
from infra.local.stripe_simulator.webhook_delivery import WebhookDelivery

PREFIX = "/_control/"


def handle(
    simulator: StripeSimulator,
    webhooks: WebhookDelivery | None,
    method: str,
    path: str,
    body: bytes,
) -> HttpResponse:
    action = path.removeprefix(PREFIX)
    if method == "GET" and action == "events":
        return json_response(200, {"data": simulator.events()})
    if method == "GET" and action == "webhooks" and webhooks:
        return json_response(200, webhook_state(webhooks))
    if method != "POST":
        return json_response(404, {"error": f"nothing answers {method} {path}"})
    try:
        options = json.loads(body or b"{}")
        if not isinstance(options, dict):
            return json_response(400, {"error": "the body must be a JSON object"})
        return json_response(200, perform(simulator, webhooks, action, options))
    except json.JSONDecodeError as error:
        return json_response(400, {"error": f"the body is not JSON: {error}"})
    except UnknownAction:
        return json_response(404, {"error": f"there is no action {action}"})
    except (InvalidAction, StripeError) as refused:
        return json_response(409, {"error": str(refused)})
