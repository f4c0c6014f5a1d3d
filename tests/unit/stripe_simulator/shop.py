"""A merchant that sells one product, calling the simulator through Stripe's SDK."""

from __future__ import annotations

import json
from typing import Any

import stripe
from stripe.checkout import Session

from infra.local.stripe_simulator import StripeSimulator
from infra.local.stripe_simulator.client import InProcessHTTPClient

API_KEY = "sk_test_of_the_shop"
SECRET = "whsec_of_the_shop"
HOME = "https://shop.example"
EXPANDED = ["payment_intent.latest_charge.refunds", "invoice", "customer", "line_items"]


class Clock:
    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, *, hours: float = 0, seconds: float = 0) -> None:
        self.now += hours * 3600 + seconds


class Shop:
    def __init__(self) -> None:
        self.clock = Clock()
        self.simulator = StripeSimulator(
            api_key=API_KEY,
            webhook_secrets=[SECRET],
            public_url="http://127.0.0.1:8000",
            clock=self.clock,
        )
        self.stripe = self.client(API_KEY)

    def client(self, key: str) -> stripe.StripeClient:
        http_client = InProcessHTTPClient(self.simulator)
        return stripe.StripeClient(key, http_client=http_client, max_network_retries=2)

    def session_params(self, **overrides: Any) -> dict[str, Any]:
        """Return the parameters of a session for 10 licenses, with overrides."""
        product = {"name": "Tenant license"}
        price = {"currency": "usd", "unit_amount": 2000, "product_data": product}
        return {
            "mode": "payment",
            "success_url": f"{HOME}/thanks?session={{CHECKOUT_SESSION_ID}}",
            "cancel_url": f"{HOME}/cart",
            "line_items": [{"price_data": price, "quantity": 10}],
            **overrides,
        }

    def create_session(self, *, key: str | None = None, **overrides: Any) -> Session:
        options: Any = {"idempotency_key": key} if key else {}
        params: Any = self.session_params(**overrides)
        return self.stripe.v1.checkout.sessions.create(params, options)

    def retrieve(self, session_id: str) -> Any:
        """Return the session with its payment, refunds, invoice, customer, and line items."""
        return self.stripe.v1.checkout.sessions.retrieve(session_id, {"expand": EXPANDED})

    def retrieve_json(self, session_id: str) -> dict[str, Any]:
        """Return the same as `retrieve` as raw JSON, without the SDK's types."""
        query = "&".join(f"expand[]={name}" for name in EXPANDED)
        response = self.simulator.handle(
            "GET",
            f"/v1/checkout/sessions/{session_id}?{query}",
            {"Authorization": f"Bearer {API_KEY}"},
        )
        content: dict[str, Any] = json.loads(response.body)
        return content

    def paid_session(self, **overrides: Any) -> Any:
        session = self.create_session(**overrides)
        self.simulator.pay(session.id)
        return self.retrieve(session.id)

    def event_types(self, *prefixes: str) -> list[str]:
        """Return the types of all events so far, or only the types with one of these prefixes."""
        types = [event["type"] for event in self.simulator.events()]
        return [t for t in types if t.startswith(prefixes)] if prefixes else types
