"""Injected faults: make the next calls fail the way that a network or Stripe can fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from infra.local.stripe_simulator.errors import ConnectionLost, StripeError

FaultKind = Literal["500", "429", "timeout", "drop_before", "drop_after"]
KINDS: tuple[str, ...] = get_args(FaultKind)

_ERROR_RESPONSES = {
    "500": (500, "api_error", None, "An unknown error occurred."),
    "429": (
        429,
        "invalid_request_error",
        "rate_limit",
        "Request rate limit exceeded.",
    ),
}


@dataclass
class _InjectedFault:
    kind: FaultKind
    remaining: int
    method: str | None
    path_prefix: str


class Faults:
    def __init__(self) -> None:
        self._injected: list[_InjectedFault] = []

    def fail(
        self,
        *,
        next: int = 1,
        kind: FaultKind = "500",
        method: str | None = None,
        path: str = "/v1/",
    ) -> None:
        """Make the next `next` calls of this method whose paths start with `path` fail.

        `500`, `429`, and `drop_before` fail before the call executes. `drop_after` and `timeout`
        fail after the call executes: it takes effect, and only its response is lost.
        """
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}")
        self._injected.append(_InjectedFault(kind, next, method, path))

    def clear(self) -> None:
        self._injected.clear()

    def consume(self, method: str, path: str) -> FaultKind | None:
        """Return the fault for this call, if there is one, and count it as used."""
        for fault in self._injected:
            if fault.method in (None, method) and path.startswith(fault.path_prefix):
                fault.remaining -= 1
                if fault.remaining <= 0:
                    self._injected.remove(fault)
                return fault.kind
        return None


def raise_before_execution(kind: FaultKind | None) -> None:
    if kind == "drop_before":
        raise ConnectionLost("the connection was closed before the request was read")
    if kind in _ERROR_RESPONSES:
        status, type, code, message = _ERROR_RESPONSES[kind]
        raise StripeError(message, status=status, type=type, code=code)


def raise_after_execution(kind: FaultKind | None) -> None:
    if kind == "drop_after":
        raise ConnectionLost("the connection was closed before the response was sent")
    if kind == "timeout":
        raise ConnectionLost("the request timed out")
