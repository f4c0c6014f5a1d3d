"""Exponential lockout: how long the pause is after a given number of failures."""

from datetime import timedelta

import pytest

from chalicelib.domain import lockout
from chalicelib.domain.lockout import Policy

POLICY = Policy(3, max_pause=timedelta(seconds=10), forget_after=timedelta(hours=1))


def test_each_failure_doubles_the_pause_up_to_the_maximum() -> None:
    pauses = [POLICY.pause(failures) for failures in range(1, 9)]
    assert pauses[:2] == [None, None]
    seconds = [pause.total_seconds() for pause in pauses[2:] if pause is not None]
    assert seconds == [1, 2, 4, 8, 10, 10]


@pytest.mark.parametrize(
    "policy", [lockout.ACCOUNT, lockout.SOURCE, lockout.MAILBOX, lockout.MAIL_SOURCE]
)
def test_no_policy_locks_out_forever(policy: Policy) -> None:
    """The pause has a maximum, and it ends before the failures are forgotten."""
    assert policy.pause(1_000_000) == policy.max_pause
    assert policy.max_pause <= timedelta(hours=6)
    assert policy.max_pause < policy.forget_after


def test_a_thousand_guesses_take_more_than_a_week() -> None:
    pauses = [lockout.ACCOUNT.pause(failures) for failures in range(1, 1001)]
    assert sum((p for p in pauses if p is not None), timedelta()) > timedelta(days=7)
