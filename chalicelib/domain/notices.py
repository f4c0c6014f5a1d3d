"""When to warn a reseller that it is running out of licenses."""

from enum import StrEnum


class Supply(StrEnum):
    """How many licenses are left, as one of the three levels used in notices."""

    ENOUGH = "enough"
    LOW = "low"
    NONE = "none"


_SEVERITY: dict[str, int] = {Supply.ENOUGH: 0, Supply.LOW: 1, Supply.NONE: 2}


def supply_level(available: int, threshold: int) -> Supply:
    """Classify the number of available licenses.

    `threshold` is the highest number that counts as low; 0 turns that level off. Having no licenses
    left is always reported.
    """
    if available <= 0:
        return Supply.NONE
    return Supply.LOW if available <= threshold else Supply.ENOUGH


def is_worse(current: Supply, reported: str) -> bool:
    """Return whether the level is worse than the one last reported.

    An unknown level counts as ENOUGH: at worst, a notice is sent twice.
    """
    return _SEVERITY[current] > _SEVERITY.get(reported, 0)
