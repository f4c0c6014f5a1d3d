"""docs/asvs.md: every requirement names tests, and those tests exist."""

import ast
import re
from pathlib import Path

import pytest

from chalicelib.domain.passwords import LENGTH

TESTS = Path(__file__).parents[1]
LINES = [
    line
    for line in (TESTS.parent / "docs" / "asvs.md")
    .read_text()
    .partition("## Not met")[0]
    .split("\n")
    if re.match(r"\| \d", line)
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.split(" | ")[0].strip("| "))
def test_each_line_names_tests_that_exist(line: str) -> None:
    named = re.findall(r"`(\S+\.py)::(test_\w+)`", line)
    assert named
    for path, name in named:
        assert name in _functions(TESTS / path), f"{path} has no {name}"


def _functions(path: Path) -> set[str]:
    return {
        node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)
    }


def test_the_lengths_are_those_of_the_rule() -> None:
    access = (TESTS.parent / "docs" / "access.md").read_text()
    assert f"{LENGTH.start} to {LENGTH[-1]} characters of any kind" in access
    assert f"| 6.2.1 | 1 | {LENGTH.start} characters at least" in "\n".join(LINES)


def test_no_requirement_is_listed_twice() -> None:
    numbers = [line.split(" | ")[0] for line in LINES]
    assert len(numbers) == len(set(numbers)) > 60
