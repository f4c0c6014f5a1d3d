"""One run's findings, and what a person decides about each, or about several at once."""

from collections import Counter
from typing import Annotated, Any

from chalice.app import Response
from pydantic import Field

from chalicelib import clock
from chalicelib.api.fields import Input, Reason
from chalicelib.api.reconciliations import SECONDS
from chalicelib.api.requests import may_be_id
from chalicelib.domain.findings import Action, Code
from chalicelib.errors import InvalidRequest, NotFound, TenantryError, VersionConflict
from chalicelib.services.core import batch_reads
from chalicelib.services.reconciliation import open_findings, resolution, runs
from chalicelib.storage.findings import FindingRow
from chalicelib.storage.reports import Report
from chalicelib.web.admin_shell.frame import render, reseller_or_id
from chalicelib.web.admin_shell.names import Names
from chalicelib.web.admin_shell.words import KINDS, plain_sentence
from chalicelib.web.reconciliation.findings import adoption_target, group_findings
from chalicelib.web.reconciliation.runs import RECONCILIATION, shown_reports
from chalicelib.web.shell.forms import Form
from chalicelib.web.shell.routing import Audience, PageContext, Pages

pages = Pages(__name__)

REPORT = RECONCILIATION + "/{id}"
FINDINGS = REPORT + "/findings"
CHANGED = "The facts are no longer those of this report, so nothing was done. Run it again."
REST = "They are left below."


class Decision(Input):
    action: Annotated[Action, Field(strict=False)]
    reason: Reason


@pages.page("GET", REPORT, audience=Audience.ADMIN)
def show_report(visit: PageContext, **context: Any) -> Response:
    report = runs.read_report(visit.path["id"])
    kind = _kind(visit.query("kind"))
    found = runs.list_findings(report.id, visit.page_request(), code=kind)
    companies = batch_reads.resellers_by_id([report.reseller_id])
    shown = shown_reports([report])[0]
    of_one = report.reseller_id
    return render(
        visit,
        "report",
        title="Reconciliation",
        place="reconciliation",
        report=shown,
        reseller=of_one and reseller_or_id(companies.get(of_one), of_one),
        kinds=_kinds(report),
        kind=kind.value if kind else "",
        groups=group_findings(found.rows),
        shown=len(found.rows),
        pages=visit.pages(found.next_cursor, kind=kind or ""),
        **context,
    )


def _kind(text: str) -> Code | None:
    return Code(text) if text in set(Code) else None


def _kinds(report: Report) -> list[dict[str, Any]]:
    """{code, words, total, open} for each kind that the run found."""
    total = Counter(report.found) + Counter(report.repaired)
    open_ones = open_findings.open_by_code(report)
    return [
        {"code": c.value, "words": KINDS[c], "total": total[c], "open": open_ones[c]}
        for c in Code
        if total[c]
    ]


@pages.page("POST", FINDINGS + "/{finding}", audience=Audience.ADMIN)
def decide(visit: PageContext) -> Response:
    form = visit.form()
    row = resolution.read_finding(visit.path["id"], visit.path["finding"])
    try:
        wanted = form.read(Decision)
        decided = resolution.resolve(
            row,
            wanted.action,
            reason=wanted.reason,
            by=visit.by,
            to=_meant(row, form.get("to")) if wanted.action is Action.ADOPT else None,
        )
    except VersionConflict as error:
        return visit.failed(error, show_report, CHANGED)
    except TenantryError as error:
        return visit.refused(error, show_report, form, form_id=row.id, called={"action": ""})
    open_findings.clear_cache()
    outcome = plain_sentence(decided.outcome or "")
    told = Names([(decided.reseller_id, outcome)]).plain(outcome)
    return visit.redirect(_back(visit, form), flash=told)


def _meant(row: FindingRow, typed: str) -> str | None:
    """The id of what was named: by e-mail, by slug, or by id. Raises InvalidRequest."""
    wanted = adoption_target(row)
    if wanted is None or not typed:
        return None
    if typed.startswith(("usr_", "rsl_")) and may_be_id(typed):
        return typed
    known = typed.lower()[:200]
    found = (
        batch_reads.user_with_email(known) if wanted == "user" else batch_reads.find_reseller(known)
    )
    if found is None:
        raise InvalidRequest.of("to", f"There is no such {wanted}.")
    return found.id


@pages.page("POST", FINDINGS, audience=Audience.ADMIN)
def decide_several(visit: PageContext) -> Response:
    """Those that the page showed, each in its own transaction; what does not fit into a
    request is left, as is what was refused. Sent again, it goes on with what is left."""
    form = visit.form()
    report = runs.read_report(visit.path["id"])
    try:
        wanted = form.read(Decision)
    except TenantryError as error:
        name = f"all-{_kind(form.get('code')) or ''}"
        return visit.refused(error, show_report, form, form_id=name, called={"action": ""})
    seconds_left = clock.countdown(SECONDS)
    refused: list[str] = []
    done = late = 0
    for finding_id in filter(may_be_id, dict.fromkeys(form.every("finding"))):
        if seconds_left() <= 0:
            late += 1
            continue
        try:
            row = resolution.read_finding(report.id, finding_id)
            resolution.resolve(row, wanted.action, reason=wanted.reason, by=visit.by)
            done += 1
        except NotFound:
            raise
        except VersionConflict:
            refused.append(CHANGED)
        except TenantryError as error:
            refused.append(str(error))
    open_findings.clear_cache()
    text = f"{done} decided."
    if refused:
        text += f" {len(refused)} could not be: {refused[0]} {REST}"
    if late:
        text += f" {late} did not fit into one go: press again."
    kind = "warning" if refused or late else "success"
    return visit.redirect(_back(visit, form), flash=text, kind=kind)


def _back(visit: PageContext, form: Form) -> str:
    """The report, narrowed as it was, at the kind that was worked on."""
    kind, code = _kind(form.get("kind")), _kind(form.get("code"))
    narrowed = f"?kind={kind}" if kind else ""
    return f"{RECONCILIATION}/{visit.path['id']}{narrowed}{f'#{code}' if code else ''}"
