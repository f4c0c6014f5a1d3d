"""docs/operators.md knows every finding, every action, and no other."""

import re
from pathlib import Path

from chalicelib.domain.findings import SAFE_CODES, WHY, Action, Code

GUIDE = (Path(__file__).parents[2] / "docs" / "operators.md").read_text()


def rows() -> dict[str, str]:
    return dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", GUIDE, re.MULTILINE))


def test_every_finding_is_explained() -> None:
    assert set(rows()) >= set(Code)
    assert set(WHY) == set(Code)


def test_what_is_safe_says_so() -> None:
    said = {code for code in Code if re.search(r"\b[Ss]afe\b", rows()[code])}
    assert said | {Code.PURCHASE_OVERCREDITED, Code.STUCK_PURCHASE} == set(SAFE_CODES)


def test_only_actions_that_there_are() -> None:
    for code in Code:
        quoted = set(re.findall(r"`(repair|adopt|revert|delete|ignore)`", rows()[code]))
        assert quoted <= set(Action)
        assert quoted
