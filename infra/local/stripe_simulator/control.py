"""JSON endpoints under `/_control/`, through which a script can drive the simulator."""

from __future__ import annotations

import json

from infra.local.stripe_simulator.commands import UnknownCommand, run_command, webhook_counts
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
    command = path.removeprefix(PREFIX)
    if method == "GET" and command == "events":
        return json_response(200, {"data": simulator.events()})
    if method == "GET" and command == "webhooks" and webhooks:
        return json_response(200, webhook_counts(webhooks))
    if method != "POST":
        return json_response(404, {"error": f"unknown endpoint: {method} {path}"})
    try:
        options = json.loads(body or b"{}")
        if not isinstance(options, dict):
            return json_response(400, {"error": "the body must be a JSON object"})
        return json_response(200, run_command(simulator, webhooks, command, options))
    except json.JSONDecodeError as error:
        return json_response(400, {"error": f"the body is not valid JSON: {error}"})
    except UnknownCommand:
        return json_response(404, {"error": f"unknown command: {command}"})
    except (InvalidAction, StripeError) as error:
        return json_response(409, {"error": str(error)})
