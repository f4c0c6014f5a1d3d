"""Idempotency: a request that is retried with the same Idempotency-Key takes effect only once.

The response is recorded in the same transaction as the effect, so neither exists without the other.
A request that needs several transactions, for example with a call to Stripe in between, first
records an ID from which a retry can resume.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar

from chalicelib import clock
from chalicelib.errors import Busy, IdempotencyKeyReused
from chalicelib.services.core import hashing
from chalicelib.storage import retries
from chalicelib.storage.idempotency import KeyedRequest
from chalicelib.storage.reads import get
from chalicelib.storage.rows import Item
from chalicelib.storage.transactions import Transaction

T = TypeVar("T")

RETENTION = timedelta(days=7)


class AlreadyCompleted(Busy):
    """A concurrent request with the same key completed first, and its response is stored."""


@dataclass
class IdempotentRequest:
    """A request and its idempotency key, if any. Without a key, nothing is recorded.

    Attributes:
        render: Converts the service's result to the response that a replay returns.
        ref: The ID that an earlier attempt of this request reserved.
        unknown_columns: Columns that a later release has stored with that attempt.
        seed: Set if the response contains a secret, which must not be stored. The secret is
            derived from the seed instead, so that a retry of the request derives the same secret.
    """

    key: str | None = None
    fingerprint: str = ""
    render: Callable[[Any], dict[str, object]] = dict  # Any: whatever the service returns
    ref: str | None = None
    seed: bytes | None = None
    unknown_columns: Mapping[str, Item] = field(default_factory=dict)

    def resuming(self, unfinished: KeyedRequest | None) -> "IdempotentRequest":
        """Return a copy of this request that resumes an unfinished attempt, if there was one."""
        if unfinished is None:
            return replace(self)
        unknown_columns = unfinished.unknown_columns
        return replace(self, ref=unfinished.ref, unknown_columns=unknown_columns)

    def secret_for(self, credential_id: str) -> str:
        """Return a secret for a new credential. If there is a seed, a replay gets the same one."""
        if self.seed is None:
            return hashing.new_secret()
        derived = hmac.digest(self.seed, credential_id.encode(), "sha256")
        return urlsafe_b64encode(derived).decode().rstrip("=")

    def record(self, tx: Transaction, made: object) -> None:
        """Add the rendered response to `tx`, the transaction that writes the request's effect."""
        if self.key is not None:
            self._write(tx, self.key, response=self.render(made), ref=None)

    def reserve(self, tx: Transaction, ref: str) -> None:
        """Record in `tx` that this request created `ref` and is not finished yet."""
        if self.key is not None:
            self._write(tx, self.key, response=None, ref=ref)

    def _write(
        self, tx: Transaction, key: str, *, response: dict[str, object] | None, ref: str | None
    ) -> None:
        row = KeyedRequest(
            key,
            fingerprint=self.fingerprint,
            response=response,
            ref=ref,
            expires_at=tx.now + RETENTION,
        )
        row.unknown_columns = self.unknown_columns
        # A key is free if it was never used, or if its record has expired but TTL has not deleted
        # it yet. The record of an unfinished request can be replaced only by that request's next
        # step.
        allowed = KeyedRequest.key.does_not_exist() | (KeyedRequest.expires_at <= tx.now)
        if self.ref is not None:
            allowed = KeyedRequest.response.does_not_exist() & (KeyedRequest.ref == self.ref)
        tx.put(row, condition=allowed, otherwise=AlreadyCompleted(), decisive=True)


NO_KEY = IdempotentRequest()


def key_for(caller: str, idempotency_key: str) -> str:
    """Return the row's key: the caller plus a hash of the client's key."""
    return f"{caller}:{hashlib.sha256(idempotency_key.encode()).hexdigest()}"


def run_once(
    request: IdempotentRequest,
    act: Callable[[IdempotentRequest], T],
    replay: Callable[[KeyedRequest], T],
) -> T:
    """Call `act`, or call `replay` if an earlier attempt has recorded its response.

    If an earlier attempt stopped halfway, `act` is given what it reserved, and resumes it. If a
    concurrent request with the same key finishes first, nothing of this one is written, and its
    response is replayed. After a crash or a lost response, the client's retry does the same.
    Raises IdempotencyKeyReused, Busy, and anything that `act` raises.
    """

    def act_or_replay(found: KeyedRequest | None) -> T:
        if found is not None and found.response is not None:
            return replay(found)
        return act(request.resuming(found))

    return retries.act_on_current(
        lambda: _find(request.key, request.fingerprint), act_or_replay, conflict=AlreadyCompleted
    )


def _find(key: str | None, fingerprint: str) -> KeyedRequest | None:
    """Return this key's record, if there is one that has not expired.

    Raises IdempotencyKeyReused if the key was used for a request with a different fingerprint.
    """
    row = get(KeyedRequest, key) if key is not None else None
    if row is None or row.expires_at <= clock.now():
        return None
    if not hmac.compare_digest(row.fingerprint, fingerprint):
        raise IdempotencyKeyReused
    return row
