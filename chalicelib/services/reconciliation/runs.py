"""A run: one pass over everything, in pieces, each put down before the next.

It stops when its time is up, and the next run goes on where it stopped. Two runs never work
on the same report: who takes it up changes it, on condition of its version.
"""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import timedelta

from chalicelib import clock
from chalicelib.domain.findings import Code
from chalicelib.errors import NotFound, VersionConflict
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.reconciliation.run_loop import BUSY, Remaining, RunProgress, run_phases
from chalicelib.services.resellers.accounts import read_reseller
from chalicelib.storage.findings import FindingRow
from chalicelib.storage.reads import Page, Pagination, get, query_page
from chalicelib.storage.reports import DIRECTORY, RUNNING, Report, Scope
from chalicelib.storage.rows import new_id
from chalicelib.storage.transactions import Transaction

KEPT = timedelta(days=90)
# A run over very much may take days; with those of every hour in between.
LOOKED_BACK = timedelta(days=14)
PAGE = 100


def start_run(
    scope: str,
    *,
    apply: bool,
    by: str,
    seconds_left: Remaining,
    reseller_id: str | None = None,
    once: IdempotentRequest = NO_KEY,
) -> Report:
    """A new run, until it is finished or its time is up. Without `apply` it changes nothing.

    With a key: the report is what an earlier attempt goes on with. Raises NotFound.
    """
    if once.ref is not None:
        begun = read_report(once.ref)
        return run_phases(begun, seconds_left, once) if begun.status == RUNNING else begun
    if reseller_id is not None:
        read_reseller(reseller_id)
    report = Report(
        new_id("rec"),
        scope=Scope.RESELLER if reseller_id else scope,
        reseller_id=reseller_id,
        apply=apply,
        actor=by,
        busy_until=clock.now() + BUSY,
        expires_at=clock.now() + KEPT,
    )
    tx = Transaction()
    tx.create(report, otherwise=VersionConflict())
    once.reserve(tx, report.id)
    tx.commit()
    once.ref = report.id if once.key else None
    return run_phases(report, seconds_left, once)


def unfinished_runs() -> list[Report]:
    """The runs that are not through, worked on or not, oldest first."""
    found: list[Report] = []
    since = clock.now() - LOOKED_BACK
    cursor: str | None = None
    while True:
        page = list_reports(Pagination(PAGE, cursor))
        found += (report for report in page.rows if report.status == RUNNING)
        cursor = page.next_cursor
        if cursor is None or page.rows[-1].created_at < since:
            return found[::-1]


def resume_run(seconds_left: Remaining, among: Iterable[Report] | None = None) -> Report | None:
    """Take up the oldest unfinished run that nobody works on; None where there is none.

    One that did not say that it rests has died: that counts as a failure where it stood.
    """
    for report in unfinished_runs() if among is None else among:
        if (report.busy_until or clock.now()) > clock.now():
            continue
        place = RunProgress.of(report)
        died = report.busy_until is not None
        tx = Transaction()
        tx.change(
            report,
            busy_until=clock.now() + BUSY,
            cursor=asdict(place.failed() if died else place),
        )
        try:
            tx.commit()
        except VersionConflict:
            continue
        return run_phases(report, seconds_left, NO_KEY)
    return None


def read_report(report_id: str) -> Report:
    """Raises NotFound."""
    report = get(Report, report_id)
    if report is None:
        raise NotFound("reconciliation")
    return report


def list_reports(request: Pagination) -> Page[Report]:
    """Newest first."""
    return query_page(Report, DIRECTORY, request, index=Report.by_time, newest_first=True)


def list_findings(
    report_id: str, request: Pagination, *, code: Code | None = None
) -> Page[FindingRow]:
    """code: of this kind alone. Raises NotFound."""
    read_report(report_id)
    of_kind = FindingRow.code == code if code else None
    return query_page(FindingRow, report_id, request, filter_condition=of_kind)
