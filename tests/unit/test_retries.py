"""Reading again after a concurrent change: how often, with which pauses, and after which errors.

No other module than storage/retries.py does it.
"""

import ast
import random
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from chalicelib.errors import Busy, NotFound, RateLimited, VersionConflict
from chalicelib.storage import retries
from tests.support.source_layout import PACKAGE, ROOT, sources

CONFLICTS = {"VersionConflict", "AlreadyCompleted", "Busy", "TenantryError", "Exception"}
NUMBERS = tuple(range(1, retries.ATTEMPTS + 1))


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts. Nothing actually waits."""
    taken: list[float] = []
    monkeypatch.setattr(retries, "sleep", taken.append)
    return taken


def losing(times: int, acted_on: list[int], error: Exception) -> Callable[[int], str]:
    """Return an action that raises `error` the first `times` times."""

    def act(row: int) -> str:
        acted_on.append(row)
        if len(acted_on) <= times:
            raise error
        return f"wrote {row}"

    return act


@pytest.fixture
def read() -> Callable[[], int]:
    """A read that returns 1, 2, 3 …, as if the row changed between reads."""
    numbers: Iterator[int] = count(1)
    return lambda: next(numbers)


def test_without_a_conflict_it_reads_and_acts_once(
    pauses: list[float], read: Callable[[], int]
) -> None:
    acted_on: list[int] = []
    act = losing(0, acted_on, VersionConflict())
    assert retries.act_on_current(read, act) == "wrote 1"
    assert (acted_on, pauses, read()) == ([1], [], 2)


def test_after_a_conflict_it_acts_on_what_it_reads_again(
    pauses: list[float], read: Callable[[], int]
) -> None:
    acted_on: list[int] = []
    act = losing(3, acted_on, VersionConflict())
    assert retries.act_on_current(read, act) == "wrote 4"
    assert acted_on == [1, 2, 3, 4]
    assert len(pauses) == 3


def test_the_first_attempt_acts_on_what_the_caller_has_read(
    pauses: list[float], read: Callable[[], int]
) -> None:
    acted_on: list[int] = []
    act = losing(1, acted_on, VersionConflict())
    assert retries.act_on_current(read, act, first=0) == "wrote 1"
    assert acted_on == [0, 1]


def test_it_gives_up_with_busy_after_the_limit(
    pauses: list[float], read: Callable[[], int]
) -> None:
    acted_on: list[int] = []
    with pytest.raises(Busy) as busy:
        retries.act_on_current(read, losing(10_000, acted_on, VersionConflict()))
    assert tuple(acted_on) == NUMBERS
    assert len(pauses) == retries.ATTEMPTS - 1, "no pause after the last attempt"
    assert isinstance(busy.value.__cause__, VersionConflict)


def test_the_caller_can_name_the_conflict_and_the_final_error(
    pauses: list[float], read: Callable[[], int]
) -> None:
    acted_on: list[int] = []
    act = losing(10_000, acted_on, KeyError())
    with pytest.raises(RateLimited):
        retries.act_on_current(read, act, conflict=KeyError, otherwise=RateLimited("Wait.", 1))
    assert tuple(acted_on) == NUMBERS


def test_any_other_error_is_raised_immediately(
    pauses: list[float], read: Callable[[], int]
) -> None:
    acted_on: list[int] = []
    with pytest.raises(NotFound):
        retries.act_on_current(read, losing(10_000, acted_on, NotFound("tenant")))
    assert (acted_on, pauses) == ([1], [])


def test_a_conflict_raised_by_the_read_is_not_retried(pauses: list[float]) -> None:
    """For example, an If-Match header that names a version that is no longer current."""

    def read() -> int:
        raise VersionConflict

    with pytest.raises(VersionConflict):
        retries.act_on_current(read, str)
    assert pauses == []


def test_an_action_that_reads_for_itself_is_called_again(pauses: list[float]) -> None:
    acted_on: list[int] = []
    act = losing(2, acted_on, VersionConflict())
    assert retries.retry(lambda: act(len(acted_on))) == "wrote 2"
    assert len(pauses) == 2


def test_pauses_double_and_have_full_jitter(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    ranges: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        ranges.append((low, high))
        return low + (high - low) / 4

    monkeypatch.setattr(random, "uniform", uniform)
    assert list(retries.attempts()) == list(range(retries.ATTEMPTS))
    lows, highs = zip(*ranges, strict=True)
    assert set(lows) == {0}, "full jitter"
    assert highs == (0.02, 0.04, 0.08, 0.16, 0.32, 0.5, 0.5)
    assert pauses == [high / 4 for high in highs]


def is_counting_loop(node: ast.AST) -> bool:
    """Return whether this is a loop over numbers or a condition, not over things to work on."""
    if isinstance(node, ast.While):
        return True
    if not isinstance(node, ast.For):
        return False
    target = {name.id for name in ast.walk(node.target) if isinstance(name, ast.Name)}
    return all(name.startswith("_") for name in target) or (
        isinstance(node.iter, ast.Call)
        and ast.unparse(node.iter.func).split(".")[-1] in {"range", "repeat", "count", "attempts"}
    )


def caught(handler: ast.ExceptHandler) -> set[str]:
    if handler.type is None:
        return {"Exception"}
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {ast.unparse(each).split(".")[-1] for each in types}


def hand_written_retries(tree: ast.AST) -> list[int]:
    """Return the lines of loops that go on after a conflict."""
    return [
        handler.lineno
        for loop in ast.walk(tree)
        if is_counting_loop(loop)
        for handler in ast.walk(loop)
        if isinstance(handler, ast.ExceptHandler)
        and caught(handler) & CONFLICTS
        and not isinstance(handler.body[-1], ast.Raise | ast.Return | ast.Break)
    ]


@pytest.mark.parametrize("source", sources(), ids=lambda source: str(source.relative_to(ROOT)))
def test_only_one_module_retries_after_a_conflict(source: Path) -> None:
    """All others call `storage/retries.py`, which has one limit and one jitter."""
    if source != PACKAGE / "storage" / "retries.py":
        assert hand_written_retries(ast.parse(source.read_text())) == []


@pytest.mark.parametrize(
    "loop",
    [
        "for _ in range(3):\n try: f()\n except VersionConflict: continue",
        "for attempt in range(3):\n try: f(attempt)\n except (errors.VersionConflict, Busy): g()",
        "while True:\n try: f()\n except AlreadyCompleted: pass",
        "for _ in attempts():\n if x:\n  try: f()\n  except: pass",
    ],
)
def test_a_hand_written_retry_is_found(loop: str) -> None:
    assert hand_written_retries(ast.parse(loop)) != []
