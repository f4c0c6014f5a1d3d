"""Create data in the past by running the service with its clock set back.

The service and the Stripe simulator share this clock. Webhook signatures use the real time, so
webhooks are off while the clock is set back, and payments are settled explicitly.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import requests

from chalicelib import clock
from chalicelib.domain.actors import Actor
from chalicelib.services.purchases import checkout
from chalicelib.services.purchases.settlement import settle
from chalicelib.services.resellers.accounts import read_reseller
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.resellers import Reseller

TICK = timedelta(milliseconds=1)
TIMEOUT_SECONDS = 30


@contextmanager
def ago(**distance: float) -> Iterator[None]:
    """Set the clock back inside the block, as in `ago(days=9)`. Each read advances it by 1 ms."""
    real_now = clock.now
    time = real_now() - timedelta(**distance)

    def past_now() -> datetime:
        nonlocal time
        time += TICK
        return time

    clock.now = past_now
    try:
        yield
    finally:
        clock.now = real_now


class StripeBuyer:
    """Buys licenses, and controls what happens to the payments in the Stripe simulator."""

    def __init__(self, url: str) -> None:
        self._url = url

    @contextmanager
    def webhooks_off(self) -> Iterator[None]:
        """Drop all webhooks inside the block."""
        self._control("webhooks", mode="drop")
        try:
            yield
        finally:
            self._control("webhooks", mode="normal")

    def buy(self, reseller: Reseller, quantity: int, *actions: str, **options: str) -> Purchase:
        """Buy licenses, and apply actions such as `pay` or `dispute` to the checkout."""
        fresh = read_reseller(reseller.id)
        purchase = checkout.buy_licenses(fresh, quantity, by=Actor(reseller.user_id))
        for action in actions:
            purchase = self.apply(purchase, action, **options)
        return purchase

    def apply(self, purchase: Purchase, action: str, **options: str) -> Purchase:
        """Apply an action to a purchase's checkout, and settle the purchase."""
        self._control(f"sessions/{purchase.session_id}/{action}", **options)
        return settle(checkout.read_purchase(purchase.reseller_id, purchase.id)).purchase

    def _control(self, path: str, **options: Any) -> None:
        url = f"{self._url}/_control/{path}"
        requests.post(url, json=options, timeout=TIMEOUT_SECONDS).raise_for_status()
