"""How a license pool came to be what it is, walked back from what it is now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Change:
    """One move of the ledger."""

    at: datetime
    count_change: int
    used_change: int


@dataclass(frozen=True, slots=True)
class Level:
    """What was owned and used at the end of a stretch of time."""

    at: datetime
    owned: int
    used: int


def pool_levels(
    changes: Sequence[Change], owned: int, used: int, now: datetime, most: int
) -> list[Level]:
    """Up to `most` levels at even distances of whole days, oldest first, the last one now.

    changes: newest first. They reach as far back as is known; before the oldest of them
    nothing is told. A ledger that does not add up shows nothing below zero.
    """
    if not changes:
        return []
    days = (now - changes[-1].at) // DAY
    step = max(1, -(-days // (most - 1)))
    found = [Level(now, owned, used)]
    waiting = iter(changes)
    change = next(waiting, None)
    for back in range(1, days // step + 1):
        moment = now - back * step * DAY
        while change is not None and change.at > moment:
            owned, used = owned - change.count_change, used - change.used_change
            change = next(waiting, None)
        found.append(Level(moment, max(0, owned), max(0, used)))
    return found[::-1]
