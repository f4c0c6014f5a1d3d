"""A local simulator of Stripe: the API, the payment page, and the webhooks.

README.md says why it exists, how far it can be trusted, and how it differs from Stripe.

In a test, use a `StripeSimulator`, the SDK with `client.InProcessHTTPClient(simulator)`, and a
`WebhookDelivery` to send the webhooks. In a server, pass requests for paths that `Site.serves`
to `Site.handle` (mounted at the root of `public_url`), or start a `SimulatorServer`, which
serves the site and the API on its own port.
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
