"""A stand-in for Stripe on one machine: the API, the payment page, the webhooks.

It is held against Stripe's own example objects and driven through Stripe's own SDK by the tests.

In a test: a `StripeStandIn`, the SDK with `client.InProcessHTTPClient(stand_in)`, and a `Courier`
that brings its webhooks. In a server: `Site.handle` for the paths that `Site.owns` (mounted at the
root of `public_url`), or a `StandInServer` that serves the site, and the API, on a port of its own.
"""

from .account import API_VERSION
from .answer import Answer
from .courier import Courier
from .errors import ConnectionLost, IllegalMove, StripeError
from .server import StandInServer
from .site import Site
from .stand_in import StripeStandIn

__all__ = [
    "API_VERSION",
    "Answer",
    "ConnectionLost",
    "Courier",
    "IllegalMove",
    "Site",
    "StandInServer",
    "StripeError",
    "StripeStandIn",
]
