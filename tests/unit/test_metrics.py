"""Every metric is counted somewhere and explained in the runbook. mypy refuses other names.

The deployment tests check that alarms and the dashboard use each metric, and no others.
"""

import ast
import re

import pytest

from chalicelib.observability import Metric
from tests.support.source_layout import PACKAGE, ROOT, sources

OBSERVABILITY = PACKAGE / "observability.py"


@pytest.fixture(scope="module")
def used() -> set[str]:
    """The members of Metric that the product's code uses."""
    return {
        node.attr
        for source in sources()
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "Metric"
    }


@pytest.mark.parametrize("metric", Metric)
def test_every_metric_is_counted(metric: Metric, used: set[str]) -> None:
    assert metric.name in used


def test_the_runbook_explains_every_metric_once() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    (table,) = re.findall(r"### Our metrics\n(.*?)\n#", runbook, re.DOTALL)
    rows = re.findall(r"^\| (`.*?) \| .+ \|$", table, re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(Metric)


def test_the_docs_name_only_metrics_that_exist() -> None:
    text = " ".join(path.read_text() for path in (ROOT / "docs").glob("*.md"))
    named = set(re.findall(r"metrics?\s+`(\w+)`", text))
    assert len(named) >= 3
    assert named <= set(Metric)
