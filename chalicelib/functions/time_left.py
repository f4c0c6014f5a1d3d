"""How long this invocation may still run."""

from collections.abc import Callable
from typing import Any

# Where nobody limits us (one machine, a test): what a Lambda function might have.
UNLIMITED_SECONDS = 60.0


def seconds_left(context: Any) -> Callable[[], float]:
    """By Lambda's own clock, where the context has one."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    if remaining is None:
        return lambda: UNLIMITED_SECONDS
    return lambda: float(remaining()) / 1000
