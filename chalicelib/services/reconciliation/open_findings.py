"""How many findings wait for a person: what the menu says on every page of the admin."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from chalicelib import clock
from chalicelib.services.reconciliation.runs import list_reports
from chalicelib.storage.findings import OPEN, FindingRow
from chalicelib.storage.reads import Pagination
from chalicelib.storage.reports import FINISHED, Report, Scope

CACHED_FOR = timedelta(seconds=30)
LOOKED_BACK = 30  # a whole run every night, a partial one every hour
MOST = 1000  # findings of one report that are counted

_cached: tuple[datetime, int] | None = None


def count_waiting() -> int:
    """Open findings of the last whole run and of the last one since; at most CACHED_FOR
    old. What was decided in either waits no more."""
    global _cached
    if _cached is None or not clock.is_recent(_cached[0], CACHED_FOR):
        _cached = (clock.now(), _count_open())
    return _cached[1]


def clear_cache() -> None:
    """Let the next count see what was just decided."""
    global _cached
    _cached = None


def open_by_code(report: Report) -> Counter[str]:
    """How many findings of one report wait for a person, by code."""
    found = _findings(report) if report.found else ()
    return Counter(row.code for row in found if row.state == OPEN)


def _count_open() -> int:
    recent = list_reports(Pagination(LOOKED_BACK)).rows
    finished = [r for r in recent if r.status == FINISHED and r.scope != Scope.RESELLER]
    whole = next((r for r in finished if r.scope == Scope.WHOLE), None)
    rows = [
        row
        for report in {r.id: r for r in (*finished[:1], *([whole] if whole else []))}.values()
        if report.found
        for row in _findings(report)
    ]
    decided = {row.id for row in rows if row.state != OPEN}
    return len({row.id for row in rows} - decided)


def _findings(report: Report) -> Iterable[FindingRow]:
    return FindingRow.query(report.id, limit=MOST, attributes_to_get=["id", "code", "state"])
