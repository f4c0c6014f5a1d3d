"""docs/operators.md covers every finding, and only actions that exist."""

import re
from pathlib import Path

from chalicelib.domain.findings import SAFE_CODES, WHY, Action, Code

GUIDE = (Path(__file__).parents[2] / "docs" / "operators.md").read_text()


def rows() -> dict[str, str]:
    return dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", GUIDE, re.MULTILINE))


def test_every_finding_is_documented() -> None:
    assert set(rows()) >= set(Code)
    assert set(WHY) == set(Code)


def test_safe_findings_are_documented_as_safe() -> None:
    documented_safe = {code for code in Code if re.search(r"\b[Ss]afe\b", rows()[code])}
    assert documented_safe == set(SAFE_CODES)


def test_documented_actions_exist() -> None:
    for code in Code:
        quoted = set(re.findall(r"`(repair|adopt|revert|delete|ignore)`", rows()[code]))
        assert quoted <= set(Action)
        assert quoted
