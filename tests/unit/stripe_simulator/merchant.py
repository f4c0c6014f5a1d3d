"""A merchant with one product, the real SDK, and the stand-in behind it."""

from __future__ import annotations

from typing import Any

import stripe
from stripe.checkout import Session

from infra.local.stripe_simulator import StripeSimulator
from infra.local.stripe_simulator.client import InProcessHTTPClient

API_KEY = "sk_test_of_the_shop"
SECRET = "whsec_of_the_shop"
HOME = "https://shop.example"


class Clock:
    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now

    def passes(self, *, hours: float = 0, seconds: float = 0) -> None:
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

    def order(self, **more: Any) -> dict[str, Any]:
        product = {"name": "Tenant license"}
        price = {"currency": "usd", "unit_amount": 2000, "product_data": product}
        return {
            "mode": "payment",
            "success_url": f"{HOME}/thanks?session={{CHECKOUT_SESSION_ID}}",
            "cancel_url": f"{HOME}/cart",
            "line_items": [{"price_data": price, "quantity": 10}],
            **more,
        }

    def checkout(self, *, key: str | None = None, **more: Any) -> Session:
        options: Any = {"idempotency_key": key} if key else {}
        params: Any = self.order(**more)
        return self.stripe.v1.checkout.sessions.create(params, options)

    def look(self, session_id: str) -> Any:
        """The session with all that hangs on it."""
        expand = ["payment_intent.latest_charge.refunds", "invoice", "customer", "line_items"]
        return self.stripe.v1.checkout.sessions.retrieve(session_id, {"expand": expand})

    def paid(self, **more: Any) -> Any:
        session = self.checkout(**more)
        self.simulator.pay(session.id)
        return self.look(session.id)

    def types(self, *starting: str) -> list[str]:
        """The types of the events so far, or of those that start so."""
        types = [event["type"] for event in self.simulator.events()]
        return [t for t in types if t.startswith(starting)] if starting else types
