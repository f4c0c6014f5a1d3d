"""When to warn a reseller that it is running out of licenses."""

from enum import StrEnum


class Supply(StrEnum):
    """How many licenses are left, as far as notices distinguish it."""

    ENOUGH = "enough"
    LOW = "low"
    NONE = "none"


_FROM_BEST_TO_WORST = [Supply.ENOUGH, Supply.LOW, Supply.NONE]


def supply_level(available: int, threshold: int) -> Supply:
    """Classify the number of available licenses.

    `threshold` is the highest number that counts as low; 0 turns that level off. Having none left
    is always reported.
    """
    if available <= 0:
        return Supply.NONE
    return Supply.LOW if available <= threshold else Supply.ENOUGH


def is_worse(current: Supply, reported: Supply) -> bool:
    return _FROM_BEST_TO_WORST.index(current) > _FROM_BEST_TO_WORST.index(reported)
