"""Trying again: how long to wait, how often, and what is read again after a concurrent change.

A write is conditional on what was read. If another request changes that first, nothing has been
written, so the only way to go on is to read again and try again. Everything that does so uses this
module, with one limit and one jitter. A crash or a lost response in one of the attempts is nothing
new to the next one: it reads what is in the database, as a retry by the client would.
"""

import random
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from chalicelib.errors import Busy, VersionConflict

ATTEMPTS = 8
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.5

S = TypeVar("S")
T = TypeVar("T")

sleep = time.sleep
monotonic = time.monotonic


def pauses() -> Iterator[float]:
    """Yield the longest time to wait after each failed attempt. Doubles up to a maximum."""
    seconds = FIRST_PAUSE_SECONDS
    while True:
        yield seconds
        seconds = min(seconds * 2, LONGEST_PAUSE_SECONDS)


def pause(longest: float) -> None:
    """Wait for a random part of `longest` seconds, so that callers that collided spread out."""
    sleep(random.uniform(0, longest))  # noqa: S311 - jitter, not a secret


def attempts() -> Iterator[int]:
    """Count up to ATTEMPTS, starting at 0, with a pause before every attempt but the first."""
    yield 0
    for number, longest in zip(range(1, ATTEMPTS), pauses(), strict=False):
        pause(longest)
        yield number


def act_on_current(
    read: Callable[[], S],
    act: Callable[[S], T],
    *,
    first: S | None = None,
    conflict: type[Exception] = VersionConflict,
    otherwise: Exception | None = None,
) -> T:
    """Read, and act on what was read. If another change comes first, read again and try again.

    `act` raises `conflict` if its write was refused because what it was given is no longer
    current. `first` is what the caller has already read; the first attempt uses it. Any error
    from `read`, and any other error from `act`, is raised immediately. After ATTEMPTS conflicts,
    raises `otherwise`, by default Busy; then none of the attempts has written anything.
    """
    for number in attempts():
        current = first if number == 0 and first is not None else read()
        try:
            return act(current)
        except conflict as error:
            last = error
    raise otherwise or Busy(log_detail=f"{ATTEMPTS} conflicts in a row") from last


def retry(
    act: Callable[[], T],
    *,
    conflict: type[Exception] = VersionConflict,
    otherwise: Exception | None = None,
) -> T:
    """Call `act`, which reads and writes, until no other change comes in between.

    The same as `act_on_current`, for an action whose reads can end in a conflict as well.
    """
    return act_on_current(lambda: None, lambda _: act(), conflict=conflict, otherwise=otherwise)
