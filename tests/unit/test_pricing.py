"""Volume prices: the initial tiers, quotes at tier boundaries, and better offers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.pricing import (
    INITIAL_TIERS,
    MAX_QUANTITY,
    Offer,
    Tier,
    quote,
    total,
    validate_tiers,
)


@pytest.mark.parametrize(
    ("quantity", "unit_amount", "price"),
    [
        (1, 2500, 2500),
        (9, 2500, 22500),
        (10, 2000, 20000),
        (12, 2000, 24000),
        (49, 2000, 98000),
        (50, 1750, 87500),
        (99, 1750, 173250),
        (100, 1500, 150000),
        (MAX_QUANTITY, 1500, 150_000_000),
    ],
)
def test_prices_of_the_initial_tiers(quantity: int, unit_amount: int, price: int) -> None:
    quoted = quote(quantity, INITIAL_TIERS)
    assert (quoted.quantity, quoted.unit_amount, quoted.total) == (quantity, unit_amount, price)


@pytest.mark.parametrize(
    ("quantity", "offer"),
    [
        (7, None),  # 10 licenses cost more: 20000 instead of 17500
        (8, Offer(10, 20000)),  # 10 licenses cost the same: 20000
        (9, Offer(10, 20000)),
        (10, None),
        (43, None),
        (44, Offer(50, 87500)),
        (49, Offer(50, 87500)),
        (85, None),
        (86, Offer(100, 150000)),
        (99, Offer(100, 150000)),
        (100, None),
    ],
)
def test_better_offer_just_below_a_tier(quantity: int, offer: Offer | None) -> None:
    assert quote(quantity, INITIAL_TIERS).better_offer == offer


def test_the_larger_of_two_equally_cheap_orders_is_offered() -> None:
    tiers = (Tier(1, 100), Tier(5, 60), Tier(10, 30))
    assert quote(4, tiers).better_offer == Offer(10, 300)


@pytest.mark.parametrize("quantity", [0, -1, MAX_QUANTITY + 1])
def test_a_quantity_out_of_range_is_refused(quantity: int) -> None:
    with pytest.raises(ValueError, match="between 1 and 100,000"):
        quote(quantity, INITIAL_TIERS)


def test_an_order_of_zero_costs_nothing() -> None:
    assert total(0, INITIAL_TIERS) == 0


@st.composite
def tier_lists(draw: st.DrawFn) -> tuple[Tier, ...]:
    """Generate any valid tiers."""
    starts = draw(st.sets(st.integers(2, MAX_QUANTITY), max_size=19))
    prices = st.integers(1, 99_999_999)
    return tuple(Tier(start, draw(prices)) for start in [1, *sorted(starts)])


@given(tier_lists(), st.data())
def test_a_quote_has_its_tiers_price_and_the_cheapest_larger_order(
    tiers: tuple[Tier, ...], data: st.DataObject
) -> None:
    validate_tiers(tiers)
    near = [t.from_quantity + d for t in tiers for d in (-1, 0, 1)]
    quantities = st.one_of(st.sampled_from(near), st.integers(1, MAX_QUANTITY))
    quantity = data.draw(quantities.filter(lambda q: 1 <= q <= MAX_QUANTITY))
    quoted = quote(quantity, tiers)

    (tier,) = [
        t
        for t, following in zip(tiers, [*tiers[1:], None], strict=True)
        if t.from_quantity <= quantity and (not following or quantity < following.from_quantity)
    ]
    assert quoted.unit_amount == tier.unit_amount
    assert quoted.total == quantity * tier.unit_amount

    # Within a tier, a larger order costs more, so the cheapest larger order starts a tier.
    larger = [(total(t.from_quantity, tiers), -t.from_quantity) for t in tiers]
    larger = [(price, start) for price, start in larger if -start > quantity]
    best = min(larger, default=None)
    if best is not None and best[0] <= quoted.total:
        assert quoted.better_offer == Offer(-best[1], best[0])
    else:
        assert quoted.better_offer is None


@pytest.mark.parametrize(
    ("tiers", "message"),
    [
        ([], "start at 1"),
        ([Tier(2, 100)], "start at 1"),
        ([Tier(0, 100), Tier(1, 90)], "start at 1"),
        ([Tier(1, 100), Tier(1, 90)], "higher quantity"),
        ([Tier(1, 100), Tier(10, 90), Tier(5, 80)], "higher quantity"),
        ([Tier(1, 100), Tier(MAX_QUANTITY + 1, 90)], "No tier can start above 100,000"),
        ([Tier(1, 0)], "from 1 to"),
        ([Tier(1, -5)], "from 1 to"),
        ([Tier(1, 100_000_000)], "whole cents"),
        ([Tier(n, 100) for n in range(1, 22)], "20 tiers"),
    ],
)
def test_invalid_tiers_are_refused(tiers: list[Tier], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        validate_tiers(tiers)


def test_the_initial_tiers_and_twenty_tiers_are_valid() -> None:
    validate_tiers(INITIAL_TIERS)
    validate_tiers([Tier(n, 100) for n in range(1, 21)])
