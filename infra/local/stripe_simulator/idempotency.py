"""`Idempotency-Key`: save the first outcome of a request for a day, and replay it on retries."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from infra.local.stripe_simulator.errors import StripeError
from infra.local.stripe_simulator.http_response import HttpResponse

HOURS_KEPT = 24

_Fingerprint = tuple[str, list[tuple[bytes, bytes]]]


def _fingerprint(path: str, body: bytes) -> _Fingerprint:
    """Identify a request by its path and parameters, in any order."""
    return path, sorted(parse_qsl(body, keep_blank_values=True))


@dataclass(frozen=True)
class _SavedResponse:
    saved_at: int
    fingerprint: _Fingerprint
    response: HttpResponse


class IdempotencyKeys:
    def __init__(self) -> None:
        self._saved: dict[str, _SavedResponse] = {}

    def replay(self, key: str, path: str, body: bytes, now: int) -> HttpResponse | None:
        """Return the saved response, or None. Raises StripeError if the parameters differ."""
        saved = self._saved.get(key)
        if saved is None or now - saved.saved_at >= HOURS_KEPT * 3600:
            return None
        if saved.fingerprint != _fingerprint(path, body):
            raise StripeError(
                "Keys for idempotent requests can only be used with the same parameters they were "
                f"first used with. Try using a key other than '{key}' if you meant to execute a "
                "different request.",
                type="idempotency_error",
            )
        headers = {**saved.response.headers, "Idempotent-Replayed": "true"}
        return HttpResponse(saved.response.status, headers, saved.response.body)

    def save(self, key: str, path: str, body: bytes, now: int, response: HttpResponse) -> None:
        self._saved[key] = _SavedResponse(now, _fingerprint(path, body), response)

    def clone(self) -> IdempotencyKeys:
        clone = IdempotencyKeys()
        clone._saved = dict(self._saved)
        return clone
