"""The only module that reads the current time, so that tests can set it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """Return the current time in UTC, truncated to milliseconds as in rows and responses."""
    current = datetime.now(UTC)
    return current.replace(microsecond=current.microsecond // 1000 * 1000)


def is_recent(at: datetime, span: timedelta) -> bool:
    """Return whether `at` is less than `span` ago.

    This uses the wall clock because the monotonic clock stops while Lambda freezes a process
    between requests, which can last for hours. A time in the future is not recent: it means that
    the clock has been set back.
    """
    return timedelta(0) <= now() - at < span


def countdown(seconds: float) -> Callable[[], float]:
    """Start a countdown. Return a function that returns how many seconds are left."""
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()


def recent_months(number: int) -> list[str]:
    """Return the last `number` months, such as `2026-11`, starting with the current month."""
    today = now()
    count = today.year * 12 + today.month - 1
    return [f"{(count - i) // 12:04}-{(count - i) % 12 + 1:02}" for i in range(number)]
