"""Count the findings that await a decision. Every admin page shows the number in its menu."""

from collections import Counter
from datetime import datetime, timedelta

from chalicelib import clock
from chalicelib.services.reconciliation.runs import list_reports
from chalicelib.storage.findings import OPEN, finding_states
from chalicelib.storage.reads import Pagination
from chalicelib.storage.reports import FINISHED, Report, Scope

CACHED_FOR = timedelta(seconds=30)
REPORTS_READ = 30  # enough to include a nightly run among the hourly ones
MAX_FINDINGS = 1000  # counted per report

_cached: tuple[datetime, int] | None = None


def count_open_findings() -> int:
    """Return the number of open findings, which can be up to CACHED_FOR old.

    Considers the last complete run and, if there is one, the most recent run since then. A finding
    that was decided in either run is not open.
    """
    global _cached
    if _cached is None or not clock.is_recent(_cached[0], CACHED_FOR):
        _cached = (clock.now(), _count_open())
    return _cached[1]


def clear_cache() -> None:
    """Clear the cache, so that the next count includes the decisions just made."""
    global _cached
    _cached = None


def open_by_code(report: Report) -> Counter[str]:
    """Return the number of a report's open findings by code."""
    rows = finding_states(report.id, MAX_FINDINGS) if report.found else ()
    return Counter(row.code for row in rows if row.state == OPEN)


def _count_open() -> int:
    recent = list_reports(Pagination(REPORTS_READ)).rows
    finished = [r for r in recent if r.status == FINISHED and r.scope != Scope.RESELLER]
    whole = next((r for r in finished if r.scope == Scope.WHOLE), None)
    rows = [
        row
        for report in {r.id: r for r in (*finished[:1], *([whole] if whole else []))}.values()
        if report.found
        for row in finding_states(report.id, MAX_FINDINGS)
    ]
    decided = {row.id for row in rows if row.state != OPEN}
    return len({row.id for row in rows} - decided)
