"""Volume pricing: the tier of the whole order determines the price of every license in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

MAX_QUANTITY = 100_000
MAX_TIERS = 20
# Stripe accepts amounts of up to eight digits.
LARGEST_TOTAL = 99_999_999


@dataclass(frozen=True, slots=True)
class Tier:
    """In an order of `from_quantity` or more licenses, each costs `unit_amount` integer cents."""

    from_quantity: int
    unit_amount: int


# The prices in a new installation. Admins change the actual prices at /v1/settings.
INITIAL_TIERS = (Tier(1, 2500), Tier(10, 2000), Tier(50, 1750), Tier(100, 1500))


@dataclass(frozen=True, slots=True)
class Offer:
    quantity: int
    total: int


@dataclass(frozen=True, slots=True)
class Quote:
    """The price of `quantity` licenses, in integer cents.

    `better_offer` is a larger order that costs the same or less, if there is one. Just below the
    start of a tier, volume pricing can make a larger order cheaper.
    """

    quantity: int
    unit_amount: int
    total: int
    better_offer: Offer | None


@dataclass(frozen=True, slots=True)
class TierProblem:
    """A rule that tiers break.

    `tier` is the position of the tier at fault, and `field` its `from` or `unit_amount`.
    """

    message: str
    tier: int | None = None
    field: str = ""


def validate_tiers(tiers: Sequence[Tier]) -> None:
    """Raise ValueError if the tiers break a rule."""
    for problem in tier_problems(tiers):
        raise ValueError(problem.message)


def tier_problems(tiers: Sequence[Tier]) -> list[TierProblem]:
    """Return every rule that the tiers break."""
    found = []
    if not tiers or tiers[0].from_quantity != 1:
        found.append(TierProblem("The first tier must start at 1.", 0, "from"))
    if len(tiers) > MAX_TIERS:
        found.append(TierProblem(f"Use at most {MAX_TIERS} tiers."))
    for place, (before, tier) in enumerate(pairwise(tiers), 1):
        if tier.from_quantity <= before.from_quantity:
            text = "Each tier must start at a higher quantity than the one before it."
            found.append(TierProblem(text, place, "from"))
    for place, tier in enumerate(tiers):
        if tier.from_quantity > MAX_QUANTITY:
            text = f"No tier can start above {MAX_QUANTITY:,} licenses."
            found.append(TierProblem(text, place, "from"))
        if not 1 <= tier.unit_amount <= LARGEST_TOTAL:
            text = f"Prices must be whole cents, from 1 to {LARGEST_TOTAL:,}."
            found.append(TierProblem(text, place, "unit_amount"))
    return found


def unit_amount(quantity: int, tiers: Sequence[Tier]) -> int:
    """Return the price of one license in an order of `quantity` (at least 1)."""
    return next(t.unit_amount for t in reversed(tiers) if quantity >= t.from_quantity)


def total(quantity: int, tiers: Sequence[Tier]) -> int:
    """Return the price of an order; 0 for a quantity of 0."""
    return quantity * unit_amount(quantity, tiers) if quantity else 0


def quote(quantity: int, tiers: Sequence[Tier]) -> Quote:
    """Return the price of an order, and the cheapest larger order that costs no more.

    Raises ValueError if the quantity is out of range.
    """
    if not 1 <= quantity <= MAX_QUANTITY:
        raise ValueError(f"The quantity must be between 1 and {MAX_QUANTITY:,}.")
    price = total(quantity, tiers)
    larger = (t.from_quantity for t in tiers if t.from_quantity > quantity)
    offers = [Offer(start, total(start, tiers)) for start in larger]
    better = min(
        (offer for offer in offers if offer.total <= price),
        key=lambda offer: (offer.total, -offer.quantity),
        default=None,
    )
    return Quote(quantity, unit_amount(quantity, tiers), price, better)
