"""Brings webhooks to the product: at once, or as badly as networks do.

It moves only when told to (`run`, `release`, `retry`), so that a test decides what arrives, how
often and in what order; `start` has a thread tell it, for a person who tries things out.
"""

from __future__ import annotations

import http.client
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import urlsplit

from infra.local.stripe_simulator.account import Object
from infra.local.stripe_simulator.simulator import StripeSimulator

Mode = Literal["normal", "drop", "double", "shuffle", "delay"]
MODES: tuple[str, ...] = get_args(Mode)
Deliver = Callable[[Mapping[str, str], bytes], int]

LONGEST_PAUSE = 3600
DAYS_BEFORE_GIVING_UP = 3
_SECONDS_BETWEEN_TICKS = 0.2


@dataclass
class Delivery:
    event: Object
    attempts: int = 0
    due: float = 0
    status: int | None = None  # of the last attempt; 0 when there was no answer

    @property
    def arrived(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class WebhookDelivery:
    def __init__(
        self, simulator: StripeSimulator, deliver: Deliver | str, *, seed: int = 0
    ) -> None:
        """`deliver` is the product's endpoint: its URL, or a function that answers a status."""
        self.mode: Mode = "normal"
        self.waiting: list[Delivery] = []  # to be delivered, or to be tried again
        self.held: list[Delivery] = []
        self.dropped: list[Object] = []
        self.log: list[Delivery] = []
        self._simulator = simulator
        self._deliver = http_endpoint(deliver) if isinstance(deliver, str) else deliver
        self._random = random.Random(seed)
        self._seen = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def switch(self, mode: str) -> None:
        """For the events from now on; those that happened before keep the mode they met."""
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}")
        self._collect()
        self.mode = mode  # type: ignore[assignment]  # one of MODES, as was just seen

    def run(self) -> int:
        """Delivers what is new and what is due; gives how many requests were made."""
        self._collect()
        return self._send(lambda delivery: delivery.due <= self._simulator.now())

    def retry(self) -> int:
        """Tries again all that failed, without waiting for its time."""
        self._collect()
        return self._send(lambda _: True)

    def release(self, *, shuffled: bool = False) -> int:
        """Delivers what was held."""
        self._collect()
        with self._lock:
            if shuffled:
                self._random.shuffle(self.held)
            self.waiting += self.held
            self.held = []
        return self._send(lambda delivery: delivery.attempts == 0)

    def send(self, event: Object) -> int:
        """Delivers one event now, whatever the mode; gives the status."""
        delivery = Delivery(event)
        self._attempt(delivery)
        return delivery.status or 0

    def start(self) -> None:
        self._stopping.clear()
        self._thread = threading.Thread(target=self._tick, name="stripe-webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread:
            self._thread.join()
            self._thread = None

    def _tick(self) -> None:
        while not self._stopping.wait(_SECONDS_BETWEEN_TICKS):
            self.run()

    def _collect(self) -> None:
        with self._lock:
            events = self._simulator.events()
            new = [Delivery(event) for event in events[self._seen :]]
            self._seen = len(events)
            if self.mode == "drop":
                self.dropped += [delivery.event for delivery in new]
            elif self.mode == "delay":
                self.held += new
            elif self.mode == "double":
                self.waiting += [Delivery(d.event) for d in new for _ in range(2)]
            else:
                if self.mode == "shuffle":
                    self._random.shuffle(new)
                self.waiting += new

    def _send(self, which: Callable[[Delivery], bool]) -> int:
        with self._lock:
            taken = [delivery for delivery in self.waiting if which(delivery)]
            self.waiting = [delivery for delivery in self.waiting if not which(delivery)]
        # Outside the lock: the product may call back while it is being told.
        for delivery in taken:
            self._attempt(delivery)
        with self._lock:
            self.waiting += [d for d in taken if not d.arrived and not self._given_up(d)]
        return len(taken)

    def _attempt(self, delivery: Delivery) -> None:
        headers, body = self._simulator.signed(delivery.event)
        delivery.status = self._deliver(headers, body)
        delivery.attempts += 1
        pause = min(2 ** (delivery.attempts - 1), LONGEST_PAUSE)
        delivery.due = self._simulator.now() + pause
        self.log.append(delivery)

    def _given_up(self, delivery: Delivery) -> bool:
        age = self._simulator.now() - delivery.event["created"]
        return bool(age > DAYS_BEFORE_GIVING_UP * 86400)


def http_endpoint(url: str) -> Deliver:
    """An endpoint on this machine, over HTTP; no answer counts as status 0."""
    parts = urlsplit(url)

    def deliver(headers: Mapping[str, str], body: bytes) -> int:
        connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        try:
            connection.request("POST", parts.path or "/", body, dict(headers))
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    return deliver
