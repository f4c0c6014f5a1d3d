"""Past levels of a license pool, calculated backward from its current level."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Change:
    """One ledger entry."""

    at: datetime
    count_change: int
    used_change: int


@dataclass(frozen=True, slots=True)
class Level:
    """The licenses owned and in use at a point in time."""

    at: datetime
    owned: int
    used: int


def pool_levels(
    changes: Sequence[Change], owned: int, used: int, now: datetime, max_levels: int
) -> list[Level]:
    """Return up to `max_levels` levels, oldest first and ending now, spaced whole days apart.

    `changes` is ordered from newest to oldest. There is no level before the oldest change, since
    nothing is known about that time. Levels are never negative, even if the ledger doesn't add up.
    """
    if not changes:
        return []
    days = (now - changes[-1].at) // DAY
    step = max(1, -(-days // (max_levels - 1)))
    levels = [Level(now, owned, used)]
    remaining = iter(changes)
    change = next(remaining, None)
    for steps_back in range(1, days // step + 1):
        at = now - steps_back * step * DAY
        while change is not None and change.at > at:
            owned, used = owned - change.count_change, used - change.used_change
            change = next(remaining, None)
        levels.append(Level(at, max(0, owned), max(0, used)))
    return levels[::-1]
