"""A request retried with its Idempotency-Key happens once.

The record of the answer is written in the same transaction as the effect, so there is no
moment in which one is there without the other. A request in two steps (reserve here, ask
Stripe, finish here) records first what it goes on from.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chalicelib import clock
from chalicelib.errors import Busy, IdempotencyKeyReused
from chalicelib.services.core import hashing
from chalicelib.storage.idempotency import KeyedRequest
from chalicelib.storage.reads import get
from chalicelib.storage.transactions import Transaction

KEPT = timedelta(days=7)


class AlreadyCompleted(Busy):
    """The same keyed request was carried out meanwhile: its answer is on record."""


@dataclass
class IdempotentRequest:
    """One keyed request. Without a key, it does nothing.

    render: turns what the service made into the answer that is to be repeated.
    ref: what an earlier attempt of this request has already written.
    seed: for requests whose answer holds a secret, which must not be kept: it is derived
    from the request, so that the same request derives it again.
    """

    key: str | None = None
    fingerprint: str = ""
    render: Callable[[Any], dict[str, Any]] = dict
    ref: str | None = None
    seed: bytes | None = None

    def secret_for(self, credential_id: str) -> str:
        """A new secret for this credential; the same one again at a replay."""
        if self.seed is None:
            return hashing.new_secret()
        derived = hmac.digest(self.seed, credential_id.encode(), "sha256")
        return urlsafe_b64encode(derived).decode().rstrip("=")

    def record(self, tx: Transaction, made: object) -> None:
        """Write the answer in `tx`, with the effect that it tells of."""
        if self.key is not None:
            self._write(tx, self.key, response=self.render(made), ref=None)

    def reserve(self, tx: Transaction, ref: str) -> None:
        """Write in `tx` that this request has made `ref` and is not finished."""
        if self.key is not None:
            self._write(tx, self.key, response=None, ref=ref)

    def _write(
        self, tx: Transaction, key: str, *, response: dict[str, Any] | None, ref: str | None
    ) -> None:
        row = KeyedRequest(
            key,
            fingerprint=self.fingerprint,
            response=response,
            ref=ref,
            expires_at=tx.now + KEPT,
        )
        # Free: never used, or expired and not yet collected. An unfinished request's record
        # may be replaced by its own next step alone.
        allowed = KeyedRequest.key.does_not_exist() | (KeyedRequest.expires_at <= tx.now)
        if self.ref is not None:
            allowed = KeyedRequest.response.does_not_exist() & (KeyedRequest.ref == self.ref)
        tx.put(row, condition=allowed, otherwise=AlreadyCompleted(), decisive=True)


NO_KEY = IdempotentRequest()


def key_for(caller: str, idempotency_key: str) -> str:
    """Keys are each caller's own; hashed, since what a client sends has no business here."""
    return f"{caller}:{hashlib.sha256(idempotency_key.encode()).hexdigest()}"


def find(key: str, fingerprint: str) -> KeyedRequest | None:
    """What is on record for this key. Raises IdempotencyKeyReused for another request."""
    row = get(KeyedRequest, key)
    if row is None or row.expires_at <= clock.now():
        return None
    if not hmac.compare_digest(row.fingerprint, fingerprint):
        raise IdempotencyKeyReused
    return row
