"""Volume pricing: the whole order is charged at the price of the tier it falls in."""

from collections.abc import Sequence
from dataclasses import dataclass

MAX_QUANTITY = 100_000
# Stripe takes amounts of eight digits.
LARGEST_TOTAL = 99_999_999


@dataclass(frozen=True, slots=True)
class Tier:
    """From this quantity on, each license costs `unit_amount` integer cents."""

    from_quantity: int
    unit_amount: int


# What a new installation starts with; an admin changes the live table at /v1/settings.
INITIAL_TIERS = (Tier(1, 2500), Tier(10, 2000), Tier(50, 1750), Tier(100, 1500))


@dataclass(frozen=True, slots=True)
class Offer:
    quantity: int
    total: int


@dataclass(frozen=True, slots=True)
class Quote:
    """What `quantity` licenses cost, in integer cents.

    better_offer: a larger order that costs less or the same, where there is one: volume
    prices run backwards just below a tier's edge.
    """

    quantity: int
    unit_amount: int
    total: int
    better_offer: Offer | None


def validate_tiers(tiers: Sequence[Tier]) -> None:
    """Raises ValueError with a sentence unless the tiers start at 1, rise, and are positive."""
    if not tiers or tiers[0].from_quantity != 1:
        raise ValueError("The first tier must start at 1.")
    if len(tiers) > 20:
        raise ValueError("There can be 20 tiers at most.")
    starts = [tier.from_quantity for tier in tiers]
    if starts != sorted(set(starts)):
        raise ValueError("Each tier must start above the one before it.")
    if starts[-1] > MAX_QUANTITY:
        raise ValueError(f"A tier cannot start above {MAX_QUANTITY} licenses.")
    if any(not 1 <= tier.unit_amount <= 99_999_999 for tier in tiers):
        raise ValueError("Prices must be whole cents, at least 1.")


def unit_amount(quantity: int, tiers: Sequence[Tier]) -> int:
    """The price of one license in an order of `quantity` (at least 1)."""
    return next(t.unit_amount for t in reversed(tiers) if quantity >= t.from_quantity)


def total(quantity: int, tiers: Sequence[Tier]) -> int:
    """The price of the whole order; nothing costs nothing."""
    return quantity * unit_amount(quantity, tiers) if quantity else 0


def quote(quantity: int, tiers: Sequence[Tier]) -> Quote:
    """The price of an order, and the cheapest larger order that costs no more."""
    if not 1 <= quantity <= MAX_QUANTITY:
        raise ValueError(f"The quantity must be between 1 and {MAX_QUANTITY:,}.")
    price = total(quantity, tiers)
    edges = (t.from_quantity for t in tiers if t.from_quantity > quantity)
    offers = [Offer(edge, total(edge, tiers)) for edge in edges]
    better = min(
        (offer for offer in offers if offer.total <= price),
        key=lambda offer: (offer.total, -offer.quantity),
        default=None,
    )
    return Quote(quantity, unit_amount(quantity, tiers), price, better)
