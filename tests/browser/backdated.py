"""What happened before today: the service's own deeds, done at an earlier time.

One clock tells the time to the service and to the stand-in for Stripe. While it is set back,
no webhook is delivered, since webhooks are dated by the machine's clock: whoever pays here has
the purchase settled himself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import requests

from chalicelib import clock
from chalicelib.services.purchases import checkout
from chalicelib.services.purchases.settlement import settle
from chalicelib.services.resellers.accounts import read_reseller
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.resellers import Reseller

TICK = timedelta(milliseconds=1)
TIMEOUT_SECONDS = 30


@contextmanager
def ago(**distance: float) -> Iterator[None]:
    """ago(days=9): what is done within is done nine days before now, in the order of doing."""
    real = clock.now
    moment = real() - timedelta(**distance)

    def then() -> datetime:
        nonlocal moment
        moment += TICK
        return moment

    clock.now = then
    try:
        yield
    finally:
        clock.now = real


class Till:
    """Buyers and their banks, at the stand-in behind `url`."""

    def __init__(self, url: str) -> None:
        self._url = url

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """No webhook leaves the stand-in."""
        self._do("webhooks", mode="drop")
        try:
            yield
        finally:
            self._do("webhooks", mode="normal")

    def buy(self, reseller: Reseller, quantity: int, *deeds: str, **options: str) -> Purchase:
        """An order, and what was done with its checkout, such as `pay` and `dispute`."""
        fresh = read_reseller(reseller.id)
        purchase = checkout.buy_licenses(fresh, quantity, by=reseller.user_id)
        for deed in deeds:
            purchase = self.happens(purchase, deed, **options)
        return purchase

    def happens(self, purchase: Purchase, deed: str, **options: str) -> Purchase:
        self._do(f"sessions/{purchase.session_id}/{deed}", **options)
        return settle(checkout.read_purchase(purchase.reseller_id, purchase.id)).purchase

    def _do(self, action: str, **options: Any) -> None:
        url = f"{self._url}/_control/{action}"
        requests.post(url, json=options, timeout=TIMEOUT_SECONDS).raise_for_status()
