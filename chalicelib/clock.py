"""The one place that asks what time it is, so that tests can set it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """The current time in UTC, to the millisecond: what rows and answers carry."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def is_recent(moment: datetime, span: timedelta) -> bool:
    """Whether it was less than `span` ago. By the wall clock: the monotonic one stands still while
    Lambda keeps a process frozen between two requests, for hours perhaps. A moment that is still
    to come is none: somebody set the clock back."""
    return timedelta(0) <= now() - moment < span


def countdown(seconds: float) -> Callable[[], float]:
    """How many of these seconds are left, from now on, each time it is asked."""
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()


def recent_months(number: int) -> list[str]:
    """This month and those before it, as `2026-11`, newest first."""
    today = now()
    count = today.year * 12 + today.month - 1
    return [f"{(count - i) // 12:04}-{(count - i) % 12 + 1:02}" for i in range(number)]
