"""A Stripe simulator for one machine: the API, the payment page, and the webhooks.

The tests check it against Stripe's own example objects and drive it through Stripe's own SDK.

In a test, use a `StripeSimulator`, the SDK with `client.InProcessHTTPClient(simulator)`, and a
`WebhookDelivery` to send its webhooks. In a server, use `Site.handle` for the paths that
`Site.owns` (mounted at the root of `public_url`), or a `SimulatorServer`, which serves the site
and the API on a port of its own.
"""

from .account import API_VERSION
from .errors import ConnectionLost, IllegalMove, StripeError
from .http_answer import Answer
from .server import SimulatorServer
from .simulator import StripeSimulator
from .site import Site
from .webhook_delivery import WebhookDelivery

__all__ = [
    "API_VERSION",
    "Answer",
    "ConnectionLost",
    "IllegalMove",
    "SimulatorServer",
    "Site",
    "StripeError",
    "StripeSimulator",
    "WebhookDelivery",
]
