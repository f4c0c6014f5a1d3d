"""Exponential lockout: how long after how many failures."""

from datetime import timedelta

import pytest

from chalicelib.domain import lockout
from chalicelib.domain.lockout import Policy

POLICY = Policy(3, longest=timedelta(seconds=10), forgotten_after=timedelta(hours=1))


def test_each_failure_doubles_the_pause_up_to_the_longest() -> None:
    pauses = [POLICY.pause(failures) for failures in range(1, 9)]
    assert pauses[:2] == [None, None]
    seconds = [pause.total_seconds() for pause in pauses[2:] if pause is not None]
    assert seconds == [1, 2, 4, 8, 10, 10]


@pytest.mark.parametrize(
    "policy", [lockout.ACCOUNT, lockout.SOURCE, lockout.MAILBOX, lockout.MAIL_SOURCE]
)
def test_no_policy_locks_out_for_ever(policy: Policy) -> None:
    """Not after a million failures; and what is forgotten is forgotten after the pause."""
    assert policy.pause(1_000_000) == policy.longest
    assert policy.longest <= timedelta(hours=6)
    assert policy.longest < policy.forgotten_after


def test_a_thousand_guesses_take_more_than_a_week() -> None:
    pauses = [lockout.ACCOUNT.pause(failures) for failures in range(1, 1001)]
    assert sum((p for p in pauses if p is not None), timedelta()) > timedelta(days=7)
