"""Past levels of a license pool, calculated backward from now."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.pool_levels import Change, pool_levels

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)

HISTORIES = st.lists(
    st.tuples(st.integers(0, 400 * 24), st.integers(0, 50), st.integers(0, 50)), max_size=60
)


def ago(days: float) -> datetime:
    return NOW - days * DAY


def test_an_empty_ledger_has_no_levels() -> None:
    assert pool_levels([], 0, 0, NOW, max_levels=14) == []


def test_a_ledger_that_starts_today_has_one_level() -> None:
    found = pool_levels([Change(ago(0.5), 5, 0)], 5, 0, NOW, max_levels=14)
    assert [(level.owned, level.used) for level in found] == [(5, 0)]


def test_there_is_one_level_per_day() -> None:
    changes = [Change(ago(0.5), 0, 1), Change(ago(1.5), 10, 1), Change(ago(3), 5, 0)]
    found = pool_levels(changes, 15, 2, NOW, max_levels=14)
    assert [(level.owned, level.used) for level in found] == [(5, 0), (5, 0), (15, 1), (15, 2)]
    assert found[-1].at == NOW


@given(HISTORIES, st.integers(2, 20))
def test_each_level_is_the_sum_of_the_changes_up_to_it(
    history: list[tuple[int, int, int]], max_levels: int
) -> None:
    changes = [
        Change(NOW - timedelta(hours=hours), owned, used)
        for hours, owned, used in sorted(history, key=lambda entry: entry[0])
    ]
    owned = sum(c.count_change for c in changes)
    used = sum(c.used_change for c in changes)
    found = pool_levels(changes, owned, used, NOW, max_levels)
    assert len(found) <= max_levels
    assert [level.at for level in found] == sorted(level.at for level in found)
    for level in found:
        assert level.owned == sum(c.count_change for c in changes if c.at <= level.at)
        assert level.used == sum(c.used_change for c in changes if c.at <= level.at)
