"""Lockout: an attempt counts as a failure until it succeeds.

Invariant: between two lockouts, at most the policy's number of free attempts is evaluated, no
matter how many run concurrently. Condition: the counter is still within the free attempts, or it is
unchanged since it was read and its lockout is over. If a response is lost or the process crashes,
an attempt can be counted although it was never evaluated.
"""

import hashlib
import ipaddress
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from pynamodb.expressions.update import Action

from chalicelib import clock
from chalicelib.domain import lockout
from chalicelib.domain.lockout import Policy
from chalicelib.errors import RateLimited, VersionConflict
from chalicelib.observability import Metric, count, follow_up
from chalicelib.storage import retries
from chalicelib.storage.attempts import Attempts
from chalicelib.storage.reads import batch_get
from chalicelib.storage.transactions import Transaction

TOO_MANY_ATTEMPTS = "Too many attempts. Wait a while, then try again."


@dataclass(frozen=True, slots=True)
class CounterChange:
    """An incremented counter, and whether the attempt started a lockout."""

    key: str
    started_lockout: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that was counted and can now be evaluated."""

    counted: Sequence[CounterChange]


def begin_sign_in(email: str, source_ip: str | None) -> Attempt:
    """Count a sign-in attempt before the password is checked. Raises RateLimited or Busy."""
    return _count_attempt(
        [(_account_key(email), lockout.ACCOUNT), (_source_key(source_ip), lockout.SOURCE)]
    )


def begin_mail(email: str, source_ip: str | None) -> Attempt:
    """Count a request for a mail before the mail is queued. Raises RateLimited or Busy.

    Such mails can be requested without signing in.
    """
    return _count_attempt(
        [
            (f"mail:{_email_digest(email)}", lockout.MAILBOX),
            (f"mail-from:{network(source_ip)}", lockout.MAIL_SOURCE),
        ]
    )


def clear_after_success(attempt: Attempt) -> None:
    """Reset the account's counter, and subtract this attempt from the source address's counter.

    Other failures from that address stay counted, so signing in to your own account doesn't give
    you extra guesses at other accounts. If this fails, the attempt stays counted as a failure, so
    the next lockout starts sooner, until the counter is forgotten.
    """
    account, source = attempt.counted
    tx = Transaction()
    _delete_counter(tx, account.key)
    actions: list[Action] = [Attempts.failures.add(-1)]
    if source.started_lockout:
        actions.append(Attempts.locked_until.remove())
    tx.update(
        Attempts(source.key),
        actions,
        condition=Attempts.failures > 0,
        otherwise=VersionConflict(),
    )
    # A conflict means that the source's counter has been forgotten.
    with follow_up("clear the lockout"), suppress(VersionConflict):
        tx.commit()


def clear_lockout(tx: Transaction, email: str) -> None:
    """Reset the account's counter in `tx`, after the user has proved access to the mailbox.

    This way, a stranger can't keep a user locked out.
    """
    _delete_counter(tx, _account_key(email))


def _delete_counter(tx: Transaction, key: str) -> None:
    anything = Attempts.key.exists() | Attempts.key.does_not_exist()
    tx.delete(Attempts(key), condition=anything, otherwise=VersionConflict())


def _account_key(email: str) -> str:
    """Return a key based on the email, not the user, so that unknown emails are locked out too."""
    return f"account:{_email_digest(email)}"


def _source_key(source_ip: str | None) -> str:
    return f"source:{network(source_ip)}"


def network(source_ip: str | None) -> str:
    """Return the address to count attempts by. For IPv6, that is the customer's /64 network."""
    if source_ip is None:
        return "unknown"
    try:
        address = ipaddress.ip_address(source_ip)
    except ValueError:  # not an address: a test call from the API Gateway console
        return source_ip
    if address.version == 4:
        return source_ip
    return str(ipaddress.ip_network((address, 64), strict=False))


def _email_digest(email: str) -> str:
    return hashlib.sha256(email.encode()).hexdigest()


def _count_attempt(limits: Sequence[tuple[str, Policy]]) -> Attempt:
    def read() -> dict[str, Attempts]:
        rows = batch_get(Attempts, [Attempts(key) for key, _ in limits])
        _raise_if_locked(rows)
        return {row.key: row for row in rows}

    def increment_all(found: dict[str, Attempts]) -> Attempt:
        tx = Transaction()
        counted = [_increment(tx, key, policy, found.get(key)) for key, policy in limits]
        tx.commit()
        return Attempt(counted)

    too_many = RateLimited(TOO_MANY_ATTEMPTS, retry_after=1)
    return retries.act_on_current(read, increment_all, otherwise=too_many)


def _raise_if_locked(rows: Sequence[Attempts]) -> None:
    now = clock.now()
    wait = max(
        (row.locked_until - now for row in rows if row.locked_until is not None),
        default=timedelta(0),
    )
    if wait > timedelta(0):
        count(Metric.ATTEMPTS_REFUSED)
        raise RateLimited(TOO_MANY_ATTEMPTS, retry_after=math.ceil(wait.total_seconds()))


def _increment(tx: Transaction, key: str, policy: Policy, found: Attempts | None) -> CounterChange:
    expires_at = tx.now + policy.forget_after
    if found is None or found.expires_at <= tx.now:
        unchanged = Attempts.key.does_not_exist() if found is None else found.unchanged()
        # Continue the expired row's version number, so that the new row can't be mistaken for it.
        version = found.version + 1 if found else 1
        row = Attempts(key, failures=1, expires_at=expires_at, version=version)
        tx.put(row, condition=unchanged, otherwise=VersionConflict())
        return CounterChange(key, started_lockout=False)
    pause = policy.pause(found.failures + 1)
    actions: list[Action] = [Attempts.failures.add(1), Attempts.expires_at.set(expires_at)]
    if pause is None:  # concurrent attempts are allowed while they are free
        below = Attempts.failures < policy.free_failures - 1
        condition = below | Attempts.failures.does_not_exist()
    else:
        actions.append(Attempts.locked_until.set(tx.now + pause))
        condition = found.unchanged()
    tx.update(Attempts(key), actions, condition=condition, otherwise=VersionConflict())
    return CounterChange(key, started_lockout=pause is not None)
