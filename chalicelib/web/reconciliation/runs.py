"""The page that lists all reconciliation runs and has the button to start one."""

from chalice.app import Response

from chalicelib import clock
from chalicelib.api.reconciliations import SECONDS, NewReconciliation
from chalicelib.services.core import batch_reads
from chalicelib.services.reconciliation import open_findings, runs
from chalicelib.storage.reports import RUNNING, Report, Scope
from chalicelib.web.admin_shell.frame import render
from chalicelib.web.admin_shell.names import Names
from chalicelib.web.admin_shell.wording import Wording, ids_in
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.rendering import View
from chalicelib.web.shell.routing import (
    Audience,
    Form,
    FormFields,
    PageContext,
    Pages,
    RedirectTo,
)

pages = Pages(__name__)

RECONCILIATION = "/admin/reconciliation"
RUN = FormFields(NewReconciliation, only=("apply",))
SCOPES: dict[str, str] = {
    Scope.WHOLE: "Everything",
    Scope.PARTIAL: "Counters",
    Scope.RESELLER: "One reseller",
}


@pages.page("GET", RECONCILIATION, audience=Audience.ADMIN)
def list_reports(page: PageContext) -> Response:
    found = runs.list_reports(page.pagination())
    return render(
        page,
        "admin/reconciliation.html",
        title="Reconciliation",
        nav=MenuEntry.ADMIN_RECONCILIATION,
        reports=report_rows(found.rows),
        pages=page.paging(found.next_cursor),
    )


def report_rows(reports: list[Report]) -> list[View]:
    people = batch_reads.users_by_id(report.actor for report in reports)
    mentioned = [id for report in reports for id in ids_in(report.note_sentences)]
    wording = Wording(Names((None, id) for id in mentioned))
    return [
        {
            "id": report.id,
            "at": report.created_at,
            "by": people[report.actor].email if report.actor in people else report.actor,
            "scope": SCOPES.get(report.scope, report.scope),
            "checked": report.resellers + report.tenants,
            "findings": sum(report.found.values()) + sum(report.repaired.values()),
            "repaired": sum(report.repaired.values()),
            "open": open_findings.open_by_code(report).total(),
            "running": report.status == RUNNING,
            "notes": [wording.linked((note,)) for note in report.note_sentences],
        }
        for report in reports
    ]


@pages.form(RECONCILIATION, audience=Audience.ADMIN, fields=RUN)
def run(page: PageContext, form: Form[NewReconciliation]) -> Response:
    """Start a full run. If the request ends first, a scheduled invocation finishes it."""
    return page.run_once(
        form,
        lambda once: runs.start_run(
            Scope.WHOLE,
            apply=form.read().apply,
            by=page.by,
            seconds_left=clock.countdown(SECONDS),
            once=once,
        ),
        lambda report: RedirectTo(f"{RECONCILIATION}/{report.id}"),
    )
