"""A situation to return to, and a comparison of what different attempts made of it."""

import json
import re
from typing import Any

from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.support.tables import copy_rows, load_rows, stored_items

State = dict[str, list[str]]

# Failed attempts are counted before they are made, so their number can be too high.
COUNTERS = "attempts"
# Columns that say how often or when something was tried, or that are random. `note` is why a refund
# failed.
NOT_COMPARED = {"attempt", "attempts", "attempts_since", "checkout_attempt", "note"}
NOT_COMPARED |= {"ETag", "updated_at", "used_at", "version"}
NOT_COMPARED |= {"key", "password_hash", "secret_hash", "token"}
# IDs, secrets, and versions in text.
RANDOM = re.compile(r'\b[a-z]{2,4}_(?:[a-z]+_)*[A-Za-z0-9]{14,}|[0-9a-f-]{32,}|version\\*":\d+')
TIME = re.compile(r"\d{4}-\d\d-\d\d(T[\d:.]+Z)?|\b\d{10}\b")
STRIPE_OBJECTS = ("checkout.session", "refund")


class Situation:
    """All rows, and all that Stripe has, as they were when this was created."""

    def __init__(self, stripe: StripeSimulator) -> None:
        self._stripe = stripe
        self._rows = copy_rows()
        self._at_stripe = stripe.snapshot()
        self._known = json.dumps(stored_items())

    def restore(self) -> None:
        load_rows(self._rows)
        self._stripe.restore(self._at_stripe)

    def state(self, *, with_times: bool = True) -> State:
        """Return all rows as they are now, and the status of what Stripe has.

        What differs from one attempt to another is left out: IDs, secrets, and counts of attempts.
        """
        state = {
            noun: sorted(self._comparable(item, with_times) for item in items)
            for noun, items in stored_items().items()
            if noun != COUNTERS
        }
        for kind in STRIPE_OBJECTS:
            state[kind] = sorted(str(found["status"]) for found in self._stripe.all(kind))
        return state

    def _comparable(self, item: dict[str, Any], with_times: bool) -> str:
        def hide(found: re.Match[str]) -> str:
            return found[0] if found[0] in self._known else "(new)"

        text = RANDOM.sub(hide, json.dumps(_without_incomparable(item), sort_keys=True))
        return text if with_times else TIME.sub("(time)", text)


def _without_incomparable(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    kept = {name: inner for name, inner in value.items() if name not in NOT_COMPARED}
    return {name: _without_incomparable(inner) for name, inner in kept.items()}


def difference(state: State, expected: State) -> str:
    """Return the first row that differs, and what it should be."""
    for noun, rows in expected.items():
        if state[noun] != rows:
            found = next((row for row in state[noun] if row not in rows), None)
            missing = next((row for row in rows if row not in state[noun]), None)
            return f"{noun} has {found}, not {missing}"
    return "nothing"
