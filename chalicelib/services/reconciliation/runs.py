"""A run checks everything once, in batches, and saves its position along the way.

A run stops when its time is up, and the next one resumes its work. Two runs never work on the same
report, because taking a report requires a write that is conditional on the report's version.
"""

from collections.abc import Iterable
from datetime import timedelta

from chalicelib import clock
from chalicelib.domain.actors import Actor
from chalicelib.errors import NotFound, VersionConflict
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.reconciliation.run_loop import (
    LEASE,
    RunProgress,
    SecondsLeft,
    can_resume,
    run_phases,
)
from chalicelib.services.resellers.accounts import read_reseller
from chalicelib.storage.findings import FindingRow
from chalicelib.storage.reads import Page, Pagination, get, query_page
from chalicelib.storage.reports import DIRECTORY, Report, Scope
from chalicelib.storage.rows import new_id
from chalicelib.storage.transactions import Transaction

RETENTION = timedelta(days=90)
# How far back to look for unfinished runs. A run over a lot of data can take days.
UNFINISHED_SEARCHED = timedelta(days=14)
PAGE_SIZE = 100


def start_run(
    scope: str,
    *,
    apply: bool,
    by: Actor,
    seconds_left: SecondsLeft,
    reseller_id: str | None = None,
    once: IdempotentRequest = NO_KEY,
) -> Report:
    """Start a run and work on it until it finishes or runs out of time.

    Without `apply`, nothing is repaired. If an earlier attempt with the same idempotency key
    has started a run, that run is resumed. Raises NotFound.
    """
    if once.ref is not None:
        started = read_report(once.ref)
        return run_phases(started, seconds_left, once) if can_resume(started) else started
    if reseller_id is not None:
        read_reseller(reseller_id)
    report = Report(
        new_id("rec"),
        scope=Scope.RESELLER if reseller_id else scope,
        reseller_id=reseller_id,
        apply=apply,
        actor=by.id,
        busy_until=clock.now() + LEASE,
        expires_at=clock.now() + RETENTION,
    )
    tx = Transaction()
    tx.put_commit_marker(report)
    once.reserve(tx, report.id)
    tx.commit()
    once.ref = report.id if once.key else None
    return run_phases(report, seconds_left, once)


def unfinished_runs() -> list[Report]:
    """Return the runs that can be resumed, oldest first, including those in progress."""
    found: list[Report] = []
    since = clock.now() - UNFINISHED_SEARCHED
    cursor: str | None = None
    while True:
        page = list_reports(Pagination(PAGE_SIZE, cursor))
        found += filter(can_resume, page.rows)
        cursor = page.next_cursor
        if cursor is None or page.rows[-1].created_at < since:
            return found[::-1]


def resume_run(seconds_left: SecondsLeft, among: Iterable[Report] | None = None) -> Report | None:
    """Resume the first unfinished run whose lease is free; return None if there is none.

    If the lease expired instead of being released, the run died. That counts as a failure at
    its position. `among` defaults to all unfinished runs, oldest first.
    """
    for report in unfinished_runs() if among is None else among:
        if (report.busy_until or clock.now()) > clock.now():
            continue
        progress = RunProgress.of(report)
        died = report.busy_until is not None
        tx = Transaction()
        tx.change(
            report,
            busy_until=clock.now() + LEASE,
            cursor=(progress.failed() if died else progress).cursor(report),
        )
        try:
            tx.commit()
        except VersionConflict:
            continue
        return run_phases(report, seconds_left, NO_KEY)
    return None


def read_report(report_id: str) -> Report:
    """Return the report. Raises NotFound."""
    report = get(Report, report_id)
    if report is None:
        raise NotFound("reconciliation")
    return report


def list_reports(request: Pagination) -> Page[Report]:
    """Return the reports, newest first."""
    return query_page(Report, DIRECTORY, request, index=Report.by_time, newest_first=True)


def list_findings(
    report_id: str, request: Pagination, *, code: str | None = None
) -> Page[FindingRow]:
    """Return a report's findings, or only those with `code`. Raises NotFound."""
    read_report(report_id)
    has_code = FindingRow.code == code if code else None
    return query_page(FindingRow, report_id, request, filter_condition=has_code)
