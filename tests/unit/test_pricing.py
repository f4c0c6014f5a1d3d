"""Volume prices: the initial table, its edges, and what a larger order may save."""

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
def test_the_initial_prices(quantity: int, unit_amount: int, price: int) -> None:
    quoted = quote(quantity, INITIAL_TIERS)
    assert (quoted.quantity, quoted.unit_amount, quoted.total) == (quantity, unit_amount, price)


@pytest.mark.parametrize(
    ("quantity", "offer"),
    [
        (7, None),  # 17500 is less than 10 for 20000
        (8, Offer(10, 20000)),  # the same money buys two more
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
def test_better_offer_below_a_tiers_edge(quantity: int, offer: Offer | None) -> None:
    assert quote(quantity, INITIAL_TIERS).better_offer == offer


def test_of_equal_prices_the_larger_order_is_offered() -> None:
    tiers = (Tier(1, 100), Tier(5, 60), Tier(10, 30))
    assert quote(4, tiers).better_offer == Offer(10, 300)


@pytest.mark.parametrize("quantity", [0, -1, MAX_QUANTITY + 1])
def test_absurd_quantities_have_no_price(quantity: int) -> None:
    with pytest.raises(ValueError, match="between 1 and 100,000"):
        quote(quantity, INITIAL_TIERS)


def test_nothing_costs_nothing() -> None:
    assert total(0, INITIAL_TIERS) == 0


@st.composite
def tier_tables(draw: st.DrawFn) -> tuple[Tier, ...]:
    """Any table that an admin may save."""
    edges = draw(st.sets(st.integers(2, MAX_QUANTITY), max_size=19))
    prices = st.integers(1, 99_999_999)
    return tuple(Tier(edge, draw(prices)) for edge in [1, *sorted(edges)])


@given(tier_tables(), st.data())
def test_a_quote_is_its_tiers_price_and_its_offer_the_cheapest(
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

    # Within a tier more costs more, so the cheapest larger order begins a tier.
    larger = [(total(t.from_quantity, tiers), -t.from_quantity) for t in tiers]
    larger = [(price, edge) for price, edge in larger if -edge > quantity]
    best = min(larger, default=None)
    if best is not None and best[0] <= quoted.total:
        assert quoted.better_offer == Offer(-best[1], best[0])
    else:
        assert quoted.better_offer is None


@pytest.mark.parametrize(
    ("tiers", "because"),
    [
        ([], "start at 1"),
        ([Tier(2, 100)], "start at 1"),
        ([Tier(0, 100), Tier(1, 90)], "start at 1"),
        ([Tier(1, 100), Tier(1, 90)], "above the one before"),
        ([Tier(1, 100), Tier(10, 90), Tier(5, 80)], "above the one before"),
        ([Tier(1, 100), Tier(MAX_QUANTITY + 1, 90)], "cannot start above"),
        ([Tier(1, 0)], "at least 1"),
        ([Tier(1, -5)], "at least 1"),
        ([Tier(1, 100_000_000)], "whole cents"),
        ([Tier(n, 100) for n in range(1, 22)], "20 tiers"),
    ],
)
def test_tables_that_make_no_sense_are_refused(tiers: list[Tier], because: str) -> None:
    with pytest.raises(ValueError, match=because):
        validate_tiers(tiers)


def test_twenty_tiers_and_the_initial_ones_are_fine() -> None:
    validate_tiers(INITIAL_TIERS)
    validate_tiers([Tier(n, 100) for n in range(1, 21)])
