"""Send the simulator's events to the service as webhooks, reliably or not.

The mode decides what happens to new events:

- `normal` delivers each once, in order.
- `drop` never delivers them.
- `double` delivers each twice.
- `shuffle` delivers them in random order.
- `delay` holds them until `release_held`.

Nothing is delivered until a test calls `deliver_due`, `release_held`, `retry_failed`, or
`deliver_now`, so that the test decides what arrives, how often, and in what order. For
interactive use, `start` runs a thread that calls `deliver_due`.
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
Endpoint = Callable[[Mapping[str, str], bytes], int]

MAX_BACKOFF_SECONDS = 3600
MAX_RETRY_DAYS = 3
_POLL_SECONDS = 0.2


@dataclass
class Delivery:
    event: Object
    attempts: int = 0
    due: float = 0
    status: int | None = None  # the last attempt's HTTP status; 0 if there was no response

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class WebhookDelivery:
    def __init__(
        self, simulator: StripeSimulator, endpoint: Endpoint | str, *, seed: int = 0
    ) -> None:
        """`endpoint` is the service's webhook: a URL, or a function that returns a status."""
        self.mode: Mode = "normal"
        self.waiting: list[Delivery] = []  # not delivered yet, or waiting for a retry
        self.held: list[Delivery] = []
        self.dropped: list[Object] = []
        self.log: list[Delivery] = []
        self._simulator = simulator
        self._endpoint = http_endpoint(endpoint) if isinstance(endpoint, str) else endpoint
        self._random = random.Random(seed)
        self._events_collected = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def set_mode(self, mode: str) -> None:
        """Set the mode for new events. Earlier events keep the mode set when they happened."""
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}")
        self._collect_new_events()
        self.mode = mode  # type: ignore[assignment]  # checked above

    def deliver_due(self) -> int:
        """Deliver new events and due retries, and return the number of requests made."""
        self._collect_new_events()
        return self._send(lambda delivery: delivery.due <= self._simulator.now())

    def retry_failed(self) -> int:
        """Deliver new events and all retries, due or not, and return the number of requests."""
        self._collect_new_events()
        return self._send(lambda _: True)

    def release_held(self, *, shuffled: bool = False) -> int:
        """Deliver the events held in `delay` mode, and return the number of requests made."""
        self._collect_new_events()
        with self._lock:
            if shuffled:
                self._random.shuffle(self.held)
            self.waiting += self.held
            self.held = []
        return self._send(lambda delivery: delivery.attempts == 0)

    def deliver_now(self, event: Object) -> int:
        """Deliver one event now, regardless of the mode, and return the HTTP status."""
        delivery = Delivery(event)
        self._attempt(delivery)
        return delivery.status or 0

    def start(self) -> None:
        self._stopping.clear()
        self._thread = threading.Thread(target=self._poll, name="stripe-webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread:
            self._thread.join()
            self._thread = None

    def _poll(self) -> None:
        while not self._stopping.wait(_POLL_SECONDS):
            self.deliver_due()

    def _collect_new_events(self) -> None:
        with self._lock:
            events = self._simulator.events()
            new = [Delivery(event) for event in events[self._events_collected :]]
            self._events_collected = len(events)
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

    def _send(self, is_selected: Callable[[Delivery], bool]) -> int:
        with self._lock:
            selected = [delivery for delivery in self.waiting if is_selected(delivery)]
            self.waiting = [delivery for delivery in self.waiting if not is_selected(delivery)]
        # Send outside the lock, since the service can call the simulator while it handles an event.
        for delivery in selected:
            self._attempt(delivery)
        with self._lock:
            self.waiting += [d for d in selected if not d.succeeded and not self._is_too_old(d)]
        return len(selected)

    def _attempt(self, delivery: Delivery) -> None:
        headers, body = self._simulator.signed(delivery.event)
        delivery.status = self._endpoint(headers, body)
        delivery.attempts += 1
        backoff = min(2 ** (delivery.attempts - 1), MAX_BACKOFF_SECONDS)
        delivery.due = self._simulator.now() + backoff
        self.log.append(delivery)

    def _is_too_old(self, delivery: Delivery) -> bool:
        age = self._simulator.now() - delivery.event["created"]
        return bool(age > MAX_RETRY_DAYS * 86400)


def http_endpoint(url: str) -> Endpoint:
    """Return an endpoint that posts to `url` and reports a connection failure as status 0."""
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
