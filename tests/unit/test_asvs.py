"""docs/asvs.md names existing tests for every requirement."""

import ast
import re
from pathlib import Path

import pytest

from chalicelib.domain.passwords import LENGTH

TESTS = Path(__file__).parents[1]
REQUIREMENTS = [
    row
    for row in (TESTS.parent / "docs" / "asvs.md")
    .read_text()
    .partition("## Not met")[0]
    .split("\n")
    if re.match(r"\| \d", row)
]


@pytest.mark.parametrize("row", REQUIREMENTS, ids=lambda row: row.split(" | ")[0].strip("| "))
def test_each_requirement_names_existing_tests(row: str) -> None:
    named = re.findall(r"`(\S+\.py)::(test_\w+)`", row)
    assert named
    for path, name in named:
        assert name in _functions(TESTS / path), f"{path} has no test {name}"


def _functions(path: Path) -> set[str]:
    return {
        node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)
    }


def test_documented_password_lengths_match_the_rule() -> None:
    access = (TESTS.parent / "docs" / "access.md").read_text()
    assert f"{LENGTH.start} to {LENGTH[-1]} characters of any kind" in access
    assert f"| 6.2.1 | 1 | At least {LENGTH.start} characters" in "\n".join(REQUIREMENTS)


def test_no_requirement_is_listed_twice() -> None:
    numbers = [row.split(" | ")[0] for row in REQUIREMENTS]
    assert len(numbers) == len(set(numbers)) > 60
