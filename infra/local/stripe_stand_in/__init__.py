"""A stand-in for Stripe on one machine: the API, the payment page, the webhooks.

It is held against Stripe's own example objects and driven through Stripe's own SDK by the tests.
"""

from .account import API_VERSION
from .answer import Answer
from .errors import ConnectionLost, IllegalMove, StripeError
from .stand_in import StripeStandIn

__all__ = [
    "API_VERSION",
    "Answer",
    "ConnectionLost",
    "IllegalMove",
    "StripeError",
    "StripeStandIn",
]
