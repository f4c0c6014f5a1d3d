"""Count the findings that await a decision. Every admin page shows the number in its menu."""

from collections import Counter
from datetime import timedelta

from chalicelib.services.reconciliation.runs import list_reports
from chalicelib.storage.caches import Cached
from chalicelib.storage.findings import OPEN, FindingRow, finding_states
from chalicelib.storage.reads import Pagination
from chalicelib.storage.reports import FINISHED, Report, Scope

CACHED_FOR = timedelta(seconds=30)
REPORTS_READ = 30  # enough to include a nightly run among the hourly ones
MAX_FINDINGS = 1000  # counted per report


def count_open_findings() -> int:
    """Return the number of open findings, which can be up to CACHED_FOR old.

    Considers the last complete run and, if there is one, the most recent run since then. A finding
    that was decided in either run is not open.
    """
    return _cached()


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


_cached = Cached(_count_open, [FindingRow.noun, Report.noun], CACHED_FOR)
