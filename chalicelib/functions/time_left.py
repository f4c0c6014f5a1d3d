"""How much longer the current invocation can run."""

from collections.abc import Callable

# The time budget if no Lambda timeout applies, such as in a local run or a test.
UNLIMITED_SECONDS = 60.0


def seconds_left(context: object) -> Callable[[], float]:
    """Return a function that reads the remaining seconds from the Lambda context."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    if remaining is None:
        return lambda: UNLIMITED_SECONDS
    return lambda: float(remaining()) / 1000
