"""Lockout: every try is counted before it is judged, and taken back if it succeeds.

Invariant: between two pauses no more than the policy's free tries are judged, however many
run at once. Condition: the counter is still below what is free, or exactly as it was read
and its pause is over. A lost reply or a crash leaves a try counted that was not judged.
"""

import hashlib
import ipaddress
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from pynamodb.expressions.update import Action

from chalicelib import clock
from chalicelib.domain import lockout
from chalicelib.domain.lockout import Policy
from chalicelib.errors import Busy, RateLimited, VersionConflict
from chalicelib.observability import count, logger
from chalicelib.storage.attempts import Attempts
from chalicelib.storage.reads import batch_get
from chalicelib.storage.transactions import Transaction

ROUNDS = 8
MESSAGE = "Too many attempts. Wait a little before the next one."


@dataclass(frozen=True, slots=True)
class CounterChange:
    """One counter that was moved for a try. paused: this try began a pause."""

    key: str
    paused: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try that was counted and may be judged now."""

    counted: Sequence[CounterChange]


def begin_sign_in(email: str, source_ip: str | None) -> Attempt:
    """Before a password is looked at. Raises RateLimited, Busy."""
    return _count_attempt(
        [(_account(email), lockout.ACCOUNT), (_source(source_ip), lockout.SOURCE)]
    )


def begin_mail(email: str, source_ip: str | None) -> Attempt:
    """Before a mail is sent that anyone may ask for. Raises RateLimited, Busy."""
    return _count_attempt(
        [
            (f"mail:{_digest(email)}", lockout.MAILBOX),
            (f"mail-from:{network(source_ip)}", lockout.MAIL_SOURCE),
        ]
    )


def clear_after_success(tried: Attempt) -> None:
    """The account's failures are forgotten; at the address only this try is, so that signing
    in to one's own account buys no guesses at others. Losing this loses nothing but time."""
    account, source = tried.counted
    tx = Transaction()
    _forget(tx, account.key)
    actions: list[Action] = [Attempts.failures.add(-1)]
    if source.paused:
        actions.append(Attempts.locked_until.remove())
    tx.update(
        Attempts(source.key),
        actions,
        condition=Attempts.failures > 0,
        otherwise=VersionConflict(),
    )
    try:
        tx.commit()
    except (VersionConflict, Busy):
        logger.info("A successful try stays counted")


def clear_lockout(tx: Transaction, email: str) -> None:
    """Whoever reads the account's mail may try anew: nobody can be locked out by a stranger."""
    _forget(tx, _account(email))


def _forget(tx: Transaction, key: str) -> None:
    anything = Attempts.key.exists() | Attempts.key.does_not_exist()
    tx.delete(Attempts(key), condition=anything, otherwise=VersionConflict())


def _account(email: str) -> str:
    """By address, not by user: an unknown one is locked out just the same."""
    return f"account:{_digest(email)}"


def _source(source_ip: str | None) -> str:
    return f"source:{network(source_ip)}"


def network(source_ip: str | None) -> str:
    """An IPv6 customer has a whole /64 to send from."""
    if source_ip is None:
        return "unknown"
    try:
        address = ipaddress.ip_address(source_ip)
    except ValueError:  # API Gateway's own test call
        return source_ip
    if address.version == 4:
        return source_ip
    return str(ipaddress.ip_network((address, 64), strict=False))


def _digest(email: str) -> str:
    return hashlib.sha256(email.encode()).hexdigest()


def _count_attempt(limits: Sequence[tuple[str, Policy]]) -> Attempt:
    for _ in range(ROUNDS):
        found = {row.key: row for row in batch_get(Attempts, [Attempts(key) for key, _ in limits])}
        _raise_if_locked(list(found.values()))
        tx = Transaction()
        counted = [_increment(tx, key, policy, found.get(key)) for key, policy in limits]
        try:
            tx.commit()
        except VersionConflict:
            continue  # another try came between: read again
        return Attempt(counted)
    raise RateLimited(MESSAGE, retry_after=1)


def _raise_if_locked(rows: Sequence[Attempts]) -> None:
    now = clock.now()
    left = max(
        (row.locked_until - now for row in rows if row.locked_until is not None),
        default=timedelta(0),
    )
    if left > timedelta(0):
        count("AttemptsRefused")
        raise RateLimited(MESSAGE, retry_after=math.ceil(left.total_seconds()))


def _increment(tx: Transaction, key: str, policy: Policy, found: Attempts | None) -> CounterChange:
    expires_at = tx.now + policy.forgotten_after
    if found is None or found.expires_at <= tx.now:
        untouched = (
            Attempts.key.does_not_exist() if found is None else Attempts.version == found.version
        )
        # Its version goes on from the forgotten row's, so that no other can take it for that.
        version = found.version + 1 if found else 1
        row = Attempts(key, failures=1, expires_at=expires_at, version=version)
        tx.put(row, condition=untouched, otherwise=VersionConflict())
        return CounterChange(key, paused=False)
    pause = policy.pause(found.failures + 1)
    actions: list[Action] = [Attempts.failures.add(1), Attempts.expires_at.set(expires_at)]
    if pause is None:  # several at once are all right, as long as they are free
        condition = Attempts.failures < policy.free - 1
    else:
        actions.append(Attempts.locked_until.set(tx.now + pause))
        condition = Attempts.version == found.version
    tx.update(Attempts(key), actions, condition=condition, otherwise=VersionConflict())
    return CounterChange(key, paused=pause is not None)
