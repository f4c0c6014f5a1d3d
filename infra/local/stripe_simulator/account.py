"""The simulated Stripe account: its objects, its clock, and its events.

Objects are replaced, never mutated, so they need no copies: an event simply keeps the object as
it was, and a response can serialize an object after it was read.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from infra.local.stripe_simulator.errors import no_such
from infra.local.stripe_simulator.ids import IdGenerator

Object = dict[str, Any]

API_VERSION = "2026-10-28.endive"


@dataclass
class SessionDetails:
    """Data of a Checkout Session that its API object does not contain."""

    line_items: list[Object]
    payment_intent_data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RequestInfo:
    """The API request that caused an event; empty if a buyer, a bank, or the clock caused it."""

    request_id: str | None = None
    idempotency_key: str | None = None


class Account:
    def __init__(self, clock: Callable[[], float], seed: str, public_url: str) -> None:
        self.public_url = public_url.rstrip("/")
        self.new_id = IdGenerator(seed)
        self.current_request = RequestInfo()
        self.session_details: dict[str, SessionDetails] = {}
        self.expirations: list[tuple[int, str]] = []  # a heap of (expires_at, session ID)
        self.percent_off: dict[str, int] = {"FREE100": 100}
        self.events: list[Object] = []
        self.refunds_start_pending = False
        self._clock = clock
        self._objects: dict[str, dict[str, Object]] = {}

    def now(self) -> int:
        return int(self._clock())

    def add(self, new: Object) -> Object:
        self._objects.setdefault(new["object"], {})[new["id"]] = new
        return new

    def change(self, old: Object, **fields: Any) -> Object:
        """Replace an object with a changed copy, and return the copy."""
        # Start from the stored object, since the caller's copy may be older.
        current = self._objects[old["object"]][old["id"]]
        return self.add({**current, **fields})

    def get(self, kind: str, id: str, *, param: str = "id", status: int = 404) -> Object:
        """Return an object. Raises Stripe's `resource_missing` error if it does not exist."""
        found = self._objects.get(kind, {}).get(id)
        if found is None:
            raise no_such(kind, id, param=param, status=status)
        return found

    def newest_first(self, kind: str) -> Iterator[Object]:
        return reversed(self._objects.get(kind, {}).values())

    def emit(self, type: str, object: Object) -> None:
        event: Object = {
            "id": self.new_id("evt_1"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now(),
            "data": {"object": object},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {
                "id": self.current_request.request_id,
                "idempotency_key": self.current_request.idempotency_key,
            },
            "type": type,
        }
        self.events.append(self.add(event))

    def clone(self) -> Account:
        """Return an account with the same objects. The two share one sequence of IDs."""
        clone = copy.copy(self)
        clone.session_details = {
            id: copy.copy(details) for id, details in self.session_details.items()
        }
        clone.expirations = list(self.expirations)
        clone.percent_off = dict(self.percent_off)
        clone.events = list(self.events)
        clone._objects = {kind: dict(objects) for kind, objects in self._objects.items()}
        return clone
