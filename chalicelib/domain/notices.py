"""When a reseller is told that its licenses run out."""

from enum import StrEnum


class Supply(StrEnum):
    """How many licenses are left, as far as anybody needs to be told."""

    ENOUGH = "enough"
    LOW = "low"
    NONE = "none"


_ORDER = [Supply.ENOUGH, Supply.LOW, Supply.NONE]


def supply(available: int, threshold: int) -> Supply:
    """threshold: with so many left or fewer they are low. 0 switches that off; none left is
    always told."""
    if available <= 0:
        return Supply.NONE
    return Supply.LOW if available <= threshold else Supply.ENOUGH


def is_worse(now: Supply, told: Supply) -> bool:
    return _ORDER.index(now) > _ORDER.index(told)
