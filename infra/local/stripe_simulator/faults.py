"""Faults on demand: the next calls fail, in one of the ways that a network or Stripe fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from infra.local.stripe_simulator.errors import ConnectionLost, StripeError

FaultKind = Literal["500", "429", "timeout", "drop_before", "drop_after"]
KINDS: tuple[str, ...] = get_args(FaultKind)

_REFUSALS = {
    "500": (500, "api_error", None, "An unknown error occurred."),
    "429": (
        429,
        "invalid_request_error",
        "rate_limit",
        "Request rate limit exceeded.",
    ),
}


@dataclass
class _Planned:
    kind: FaultKind
    left: int
    method: str | None
    path: str


class Faults:
    def __init__(self) -> None:
        self._planned: list[_Planned] = []

    def fail(
        self,
        *,
        next: int = 1,
        kind: FaultKind = "500",
        method: str | None = None,
        path: str = "/v1/",
    ) -> None:
        """The next so many calls of this method, with a path that starts so, fail.

        `500`, `429` and `drop_before` happen before the call is executed; `drop_after` and
        `timeout` after it, so that the effect is there and only the answer is lost.
        """
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}")
        self._planned.append(_Planned(kind, next, method, path))

    def clear(self) -> None:
        self._planned.clear()

    def take(self, method: str, path: str) -> FaultKind | None:
        for fault in self._planned:
            if fault.method in (None, method) and path.startswith(fault.path):
                fault.left -= 1
                if fault.left <= 0:
                    self._planned.remove(fault)
                return fault.kind
        return None


def before_execution(kind: FaultKind | None) -> None:
    if kind == "drop_before":
        raise ConnectionLost("the connection was closed before the request was read")
    if kind in _REFUSALS:
        status, type, code, message = _REFUSALS[kind]
        raise StripeError(message, status=status, type=type, code=code)


def after_execution(kind: FaultKind | None) -> None:
    if kind == "drop_after":
        raise ConnectionLost("the connection was closed before the answer was sent")
    if kind == "timeout":
        raise ConnectionLost("the answer did not come in time")
