"""The Stripe account: its objects, its clock, and the events that tell what changed.

An object is never changed in place, only replaced; so the snapshot that an event carries is the
object as it was, at no cost, and an answer can be written out without copying first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from infra.local.stripe_simulator.errors import no_such
from infra.local.stripe_simulator.ids import Ids

Object = dict[str, Any]

API_VERSION = "2026-10-28.endive"


@dataclass
class SessionDetails:
    """What a Checkout Session was created with, and its object does not show."""

    line_items: list[Object]
    payment_intent_data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RequestInfo:
    """The API request that an event came from; nothing, when the bank or the clock moved."""

    request_id: str | None = None
    idempotency_key: str | None = None


class Account:
    def __init__(self, clock: Callable[[], float], seed: str, public_url: str) -> None:
        self.public_url = public_url.rstrip("/")
        self.new_id = Ids(seed)
        self.cause = RequestInfo()
        self.orders: dict[str, SessionDetails] = {}
        self.expiries: list[tuple[int, str]] = []  # a heap: the next session to expire is first
        self.percent_off: dict[str, int] = {"FREE100": 100}
        self.events: list[Object] = []
        self.refunds_start_pending = False
        self._clock = clock
        self._objects: dict[str, dict[str, Object]] = {}

    def now(self) -> int:
        return int(self._clock())

    def add(self, made: Object) -> Object:
        self._objects.setdefault(made["object"], {})[made["id"]] = made
        return made

    def change(self, old: Object, **fields: Any) -> Object:
        # Starts from the stored object: the caller's may be an older snapshot.
        current = self._objects[old["object"]][old["id"]]
        return self.add({**current, **fields})

    def get(self, kind: str, id: str, *, param: str = "id", status: int = 404) -> Object:
        found = self._objects.get(kind, {}).get(id)
        if found is None:
            raise no_such(kind, id, param=param, status=status)
        return found

    def newest_first(self, kind: str) -> Iterator[Object]:
        return reversed(self._objects.get(kind, {}).values())

    def emit(self, type: str, about: Object) -> None:
        event: Object = {
            "id": self.new_id("evt_1"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now(),
            "data": {"object": about},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {
                "id": self.cause.request_id,
                "idempotency_key": self.cause.idempotency_key,
            },
            "type": type,
        }
        self.events.append(self.add(event))

    def copied(self) -> Account:
        """The same objects in collections of their own; ids go on where they are."""
        twin = copy(self)
        twin.orders = {id: copy(order) for id, order in self.orders.items()}
        twin.expiries = list(self.expiries)
        twin.percent_off = dict(self.percent_off)
        twin.events = list(self.events)
        twin._objects = {kind: dict(objects) for kind, objects in self._objects.items()}
        return twin
