"""The levels of a pool, walked back from now."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.pool_levels import Change, pool_levels

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)

MOVES = st.lists(
    st.tuples(st.integers(0, 400 * 24), st.integers(0, 50), st.integers(0, 50)), max_size=60
)


def ago(days: float) -> datetime:
    return NOW - days * DAY


def test_a_ledger_that_is_empty_has_no_levels() -> None:
    assert pool_levels([], 0, 0, NOW, most=14) == []


def test_what_began_today_has_one_level() -> None:
    found = pool_levels([Change(ago(0.5), 5, 0)], 5, 0, NOW, most=14)
    assert [(level.owned, level.used) for level in found] == [(5, 0)]


def test_levels_are_those_of_the_days() -> None:
    changes = [Change(ago(0.5), 0, 1), Change(ago(1.5), 10, 1), Change(ago(3), 5, 0)]
    found = pool_levels(changes, 15, 2, NOW, most=14)
    assert [(level.owned, level.used) for level in found] == [(5, 0), (5, 0), (15, 1), (15, 2)]
    assert found[-1].at == NOW


@given(MOVES, st.integers(2, 20))
def test_each_level_is_the_sum_of_what_came_before_it(
    moves: list[tuple[int, int, int]], most: int
) -> None:
    changes = [
        Change(NOW - timedelta(hours=hours), owned, used)
        for hours, owned, used in sorted(moves, key=lambda move: move[0])
    ]
    owned = sum(c.count_change for c in changes)
    used = sum(c.used_change for c in changes)
    found = pool_levels(changes, owned, used, NOW, most)
    assert len(found) <= most
    assert [level.at for level in found] == sorted(level.at for level in found)
    for level in found:
        assert level.owned == sum(c.count_change for c in changes if c.at <= level.at)
        assert level.used == sum(c.used_change for c in changes if c.at <= level.at)
