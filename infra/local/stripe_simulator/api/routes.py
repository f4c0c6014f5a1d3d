"""Map HTTP methods and paths to API calls."""

from __future__ import annotations

import re

from infra.local.stripe_simulator.api import calls
from infra.local.stripe_simulator.api.calls import Call
from infra.local.stripe_simulator.errors import StripeError

_SESSIONS = "/v1/checkout/sessions"

ROUTES: list[tuple[str, str, Call]] = [
    ("POST", _SESSIONS, calls.create_session),
    (
        "GET",
        _SESSIONS,
        calls.list_all("checkout.session", _SESSIONS, "customer", "payment_intent", "status"),
    ),
    ("GET", f"{_SESSIONS}/{{id}}", calls.retrieve("checkout.session")),
    ("GET", f"{_SESSIONS}/{{id}}/line_items", calls.list_line_items),
    ("POST", f"{_SESSIONS}/{{id}}/expire", calls.expire_session),
    ("POST", "/v1/customers", calls.create_customer),
    ("GET", "/v1/customers", calls.list_all("customer", "/v1/customers", "email")),
    ("GET", "/v1/customers/{id}", calls.retrieve("customer")),
    ("GET", "/v1/payment_intents/{id}", calls.retrieve("payment_intent")),
    ("GET", "/v1/charges/{id}", calls.retrieve("charge")),
    ("POST", "/v1/refunds", calls.create_refund),
    ("GET", "/v1/refunds", calls.list_all("refund", "/v1/refunds", "charge", "payment_intent")),
    ("GET", "/v1/refunds/{id}", calls.retrieve("refund")),
    ("GET", "/v1/disputes", calls.list_all("dispute", "/v1/disputes", "charge", "payment_intent")),
    ("GET", "/v1/disputes/{id}", calls.retrieve("dispute")),
    ("GET", "/v1/invoices/{id}", calls.retrieve("invoice")),
    ("GET", "/v1/events", calls.list_events),
    ("GET", "/v1/events/{id}", calls.retrieve("event")),
]

_PATTERNS = [
    (method, re.compile(path.replace("{id}", r"([A-Za-z0-9_]+)")), call)
    for method, path, call in ROUTES
]


def find(method: str, path: str) -> tuple[Call, tuple[str, ...]]:
    """Return the call and the IDs in the path. Raises StripeError (404) for an unknown route."""
    for known_method, pattern, call in _PATTERNS:
        if method == known_method and (matched := pattern.fullmatch(path)):
            return call, matched.groups()
    raise StripeError(
        f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we "
        "can help at https://support.stripe.com/.",
        status=404,
    )
