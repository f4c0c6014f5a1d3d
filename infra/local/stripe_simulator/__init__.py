"""A Stripe simulator for one machine: the API, the payment page, and the webhooks.

The tests check it against Stripe's own example objects and drive it through Stripe's own SDK.

In a test, use a `StripeSimulator`, the SDK with `client.InProcessHTTPClient(simulator)`, and a
`WebhookDelivery` to send its webhooks. In a server, use `Site.handle` for the paths that
`Site.owns` (mounted at the root of `public_url`), or a `SimulatorServer`, which serves the site
and the API on a port of its own.
"""

from infra.local.stripe_simulator.account import API_VERSION
from infra.local.stripe_simulator.errors import ConnectionLost, InvalidAction, StripeError
from infra.local.stripe_simulator.http_response import HttpResponse
from infra.local.stripe_simulator.server import SimulatorServer
from infra.local.stripe_simulator.simulator import StripeSimulator
from infra.local.stripe_simulator.site import Site
from infra.local.stripe_simulator.webhook_delivery import WebhookDelivery

__all__ = [
    "API_VERSION",
    "ConnectionLost",
    "HttpResponse",
    "InvalidAction",
    "SimulatorServer",
    "Site",
    "StripeError",
    "StripeSimulator",
    "WebhookDelivery",
]
