"""`Idempotency-Key`: the first outcome is kept for a day, and given again to whoever repeats it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from infra.local.stripe_simulator.errors import StripeError
from infra.local.stripe_simulator.http_response import HttpResponse

HOURS_KEPT = 24

_Request = tuple[str, list[tuple[bytes, bytes]]]


def _request(path: str, body: bytes) -> _Request:
    """What makes two requests the same: the parameters, in whatever order."""
    return path, sorted(parse_qsl(body, keep_blank_values=True))


@dataclass(frozen=True)
class _Kept:
    at: int
    request: _Request
    answer: HttpResponse


class IdempotencyKeys:
    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def replay(self, key: str, path: str, body: bytes, now: int) -> HttpResponse | None:
        kept = self._kept.get(key)
        if kept is None or now - kept.at >= HOURS_KEPT * 3600:
            return None
        if kept.request != _request(path, body):
            raise StripeError(
                "Keys for idempotent requests can only be used with the same parameters they were "
                f"first used with. Try using a key other than '{key}' if you meant to execute a "
                "different request.",
                type="idempotency_error",
            )
        replayed = {**kept.answer.headers, "Idempotent-Replayed": "true"}
        return HttpResponse(kept.answer.status, replayed, kept.answer.body)

    def keep(self, key: str, path: str, body: bytes, now: int, answer: HttpResponse) -> None:
        self._kept[key] = _Kept(now, _request(path, body), answer)

    def copied(self) -> IdempotencyKeys:
        twin = IdempotencyKeys()
        twin._kept = dict(self._kept)
        return twin
