"""Rules for readers that hold for all code, and for every column and recorded row.

CONTRIBUTING.md has the reasons.
"""

import ast
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import pytest

import app as service  # noqa: F401 - imports every module that defines an enum
from chalicelib.domain import custom_domains
from chalicelib.domain.purchases import Status
from chalicelib.storage.dashboard_stats import STATS_ROW, StoredStats
from chalicelib.storage.findings import GONE, IGNORED, OPEN, REPAIRED
from chalicelib.storage.platform_settings import (
    FIRST_ADMIN,
    PLATFORM,
    FirstAdmin,
    PlatformSettings,
)
from chalicelib.storage.purchases import RefundState
from chalicelib.storage.reports import FINISHED, RUNNING, Scope
from chalicelib.storage.rows import Row
from chalicelib.storage.stripe_events import LATEST, PROGRESS, LatestEvent, SweepProgress
from tests.integration.compatibility import recordings
from tests.integration.compatibility.recordings import Item, Tables
from tests.integration.compatibility.variants import models
from tests.support.source_layout import PACKAGE
from tests.support.tables import tables as moto_tables

# Calls that convert input, after checking it.
CHECKED_INPUT = {
    ("services/reconciliation/scheduled.py", "Scope"),
    ("web/tenants/listing.py", "State"),
}
# The rows that share a table with rows of another model.
SINGLE_ROWS: dict[type[Row], str] = {
    StoredStats: STATS_ROW,
    PlatformSettings: PLATFORM,
    FirstAdmin: FIRST_ADMIN,
    SweepProgress: PROGRESS,
    LatestEvent: LATEST,
}


def enum_calls() -> Iterator[tuple[str, str]]:
    enums = [e for e in StrEnum.__subclasses__() if e.__module__.startswith("chalicelib.")]
    names = {enum.__name__ for enum in enums}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Name(id=called)) if called in names:
                    yield str(path.relative_to(PACKAGE)), called


def test_no_stored_value_is_converted_to_an_enum() -> None:
    """`Status(row.status)` raises for a status of a later release; `==` and `in` don't."""
    assert set(enum_calls()) == CHECKED_INPUT


def test_a_default_also_applies_to_stored_rows() -> None:
    """With `default_for_new`, a column of a row that was written before it reads as None."""
    assert {
        (model.__name__, name)
        for model in models()
        for name, column in model.get_attributes().items()
        if column.default_for_new is not None and name != "version"
    } == set()


def rows_of(model: type[Row], stored: Tables) -> list[Item]:
    single = set(SINGLE_ROWS.values())
    return [
        item
        for item in stored[model.noun]
        if (id := item.get("id", {"S": ""})["S"]) == SINGLE_ROWS.get(model)
        or (model not in SINGLE_ROWS and id not in single)
    ]


@pytest.mark.parametrize("release", recordings.RELEASES)
def test_every_column_added_since_a_release_can_be_missing(release: str) -> None:
    """It is `null` or has a default, because the rows of that release don't have it."""
    stored = recordings.read_tables(release)
    assert {
        (model.__name__, name)
        for model in models()
        for item in rows_of(model, stored)
        for name, column in model.get_attributes().items()
        if not column.null and column.default is None and name not in {"version", *item}
    } <= {("FirstAdmin", "created_at")}  # the row is only ever updated


@pytest.mark.usefixtures("tables")
def test_the_newest_recording_has_a_row_of_every_kind() -> None:
    """If this fails, record this release: see record.py."""
    stored = recordings.read_tables(recordings.RELEASES[-1])
    assert {f"tenantry-dev-{noun}" for noun, items in stored.items() if items} == set(moto_tables())
    assert texts(stored, "purchases", "status") == set(Status)
    refunds = [item["refunds"]["M"] for item in stored["purchases"]]
    states = {entry["M"]["state"]["S"] for of_one in refunds for entry in of_one.values()}
    assert states == set(RefundState)
    assert texts(stored, "reconciliations", "status") == {RUNNING, FINISHED}
    assert texts(stored, "reconciliations", "scope") == set(Scope)
    assert texts(stored, "findings", "state") == {OPEN, REPAIRED, IGNORED, GONE}
    assert texts(stored, "domains", "status") == set(custom_domains.Status)


def texts(stored: Tables, noun: str, column: str) -> set[Any]:
    return {item[column]["S"] for item in stored[noun] if column in item}
