"""The page for a reconciliation run: its findings, and decisions about one or several of them."""

from collections import Counter

from chalice.app import Response

from chalicelib import clock
from chalicelib.api.reconciliations import SECONDS, Resolution
from chalicelib.domain.findings import CODES, Action, Code, Target
from chalicelib.errors import InvalidRequest, NotFound, TenantryError, VersionConflict
from chalicelib.http.fields import Search
from chalicelib.http.requests import is_possible_id
from chalicelib.observability import follow_up
from chalicelib.services.core import batch_reads
from chalicelib.services.reconciliation import open_findings, resolution, runs
from chalicelib.storage.findings import FindingRow
from chalicelib.storage.reports import Report
from chalicelib.web.admin_shell.frame import company_names, render
from chalicelib.web.admin_shell.wording import Wording
from chalicelib.web.admin_shell.words import finding_title
from chalicelib.web.reconciliation.findings import adoption_target, group_findings, names_in
from chalicelib.web.reconciliation.runs import RECONCILIATION, report_rows
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.rendering import View
from chalicelib.web.shell.routing import Audience, Form, FormFields, PageContext, Pages

pages = Pages(__name__)

REPORT = RECONCILIATION + "/{id}"
FACTS_CHANGED = "The facts are no longer those of this report, so nothing was done. Run it again."
LEFT_BELOW = "They are left below."


class Decision(Resolution):
    """A decision, and what the page shows: the finding's code, and the code that it filters by.

    `account` names what to adopt to by an email address, a slug, or the ID.
    """

    account: Search = ""
    code: str = ""
    kind: str = ""


class JointDecision(Decision):
    finding: list[str]


DECIDE = FormFields(Decision, only=("action", "reason", "account", "code", "kind"))
DECIDE_SEVERAL = FormFields(JointDecision, only=("action", "reason", "finding", "code", "kind"))


@pages.page("GET", REPORT, audience=Audience.ADMIN)
def show_report(page: PageContext, **context: object) -> Response:
    report = runs.read_report(page.path["id"])
    kind = page.query("kind")
    if kind not in {*CODES, *report.found, *report.repaired}:
        kind = ""
    found = runs.list_findings(report.id, page.pagination(), code=kind or None)
    return render(
        page,
        "admin/report.html",
        title="Reconciliation",
        nav=MenuEntry.ADMIN_RECONCILIATION,
        report=report_rows([report])[0],
        reseller_id=report.reseller_id,
        companies=company_names([report.reseller_id]),
        kinds=_kinds(report),
        kind=kind,
        groups=group_findings(found.rows),
        decide_form=DECIDE,
        decide_several_form=DECIDE_SEVERAL,
        shown=len(found.rows),
        pages=page.paging(found.next_cursor, kind=kind),
        **context,
    )


def _kind(text: str) -> str:
    return text if text in CODES else ""


def _kinds(report: Report) -> list[View]:
    """Return {code, words, total, open} for each finding code that occurred in the run."""
    total = Counter(report.found) + Counter(report.repaired)
    still_open = open_findings.open_by_code(report)
    return [
        {"code": str(c), "words": finding_title(c), "total": total[c], "open": still_open[c]}
        for c in dict.fromkeys([*Code, *total])
        if total[c]
    ]


@pages.form(REPORT + "?action=decide&finding={finding}", audience=Audience.ADMIN, fields=DECIDE)
def decide(page: PageContext, form: Form[Decision]) -> Response:
    row = resolution.read_finding(page.path["id"], page.path["finding"])
    try:
        decision = form.read()
        is_adoption = decision.action is Action.ADOPT
        resolved = resolution.resolve(
            row,
            decision.action,
            reason=decision.reason,
            by=page.by,
            to=_target_id(row, decision.account) if is_adoption else None,
        )
    except VersionConflict as error:
        return page.rerender_with_error(error, show_report, FACTS_CHANGED)
    except TenantryError as error:
        return page.rerender_form(
            error, show_report, form, form_id=row.id, field_names={"action": "", "to": "account"}
        )
    message = "The decision is recorded."
    with follow_up("read the names in the outcome", finding=resolved.id):
        message = Wording(names_in([resolved])).plain(resolved.sentences("outcome"))
    return page.redirect(_report_path(page, form), flash=message)


def _target_id(row: FindingRow, typed: str) -> str | None:
    """Look up the ID of a reseller or user by email address, slug, or ID.

    Raises InvalidRequest.
    """
    kind = adoption_target(row)
    if kind is None or not typed:
        return None
    if typed.startswith(("usr_", "rsl_")) and is_possible_id(typed):
        return typed
    known = typed.lower()
    is_user = kind is Target.USER
    found = batch_reads.user_with_email(known) if is_user else batch_reads.find_reseller(known)
    if found is None:
        raise InvalidRequest.of("account", f"There is no such {kind}.")
    return found.id


@pages.form(REPORT + "?action=decide-several", audience=Audience.ADMIN, fields=DECIDE_SEVERAL)
def decide_several(page: PageContext, form: Form[JointDecision]) -> Response:
    """Apply a decision to all findings that the page showed, each in its own transaction.

    A finding stays open if its decision was refused or if the request ran out of time. Sending the
    form again continues with the findings that are still open.
    """
    report = runs.read_report(page.path["id"])
    try:
        decision = form.read()
    except TenantryError as error:
        name = f"all-{_kind(form.get('code')) or ''}"
        return page.rerender_form(
            error, show_report, form, form_id=name, field_names={"action": ""}
        )
    seconds_left = clock.countdown(SECONDS)
    refused: list[str] = []
    done = late = 0
    for finding_id in filter(is_possible_id, dict.fromkeys(decision.finding)):
        if seconds_left() <= 0:
            late += 1
            continue
        try:
            row = resolution.read_finding(report.id, finding_id)
            resolution.resolve(row, decision.action, reason=decision.reason, by=page.by)
            done += 1
        except NotFound:
            raise
        except VersionConflict:
            refused.append(FACTS_CHANGED)
        except TenantryError as error:
            refused.append(str(error))
    text = f"{done} decided."
    if refused:
        text += f" {len(refused)} could not be: {refused[0]} {LEFT_BELOW}"
    if late:
        text += f" {late} did not fit into one go: press again."
    kind = "warning" if refused or late else "success"
    return page.redirect(_report_path(page, form), flash=text, kind=kind)


def _report_path(page: PageContext, form: Form[Decision]) -> str:
    """Return the report's path with the current filter, anchored at the decided group."""
    kind, code = _kind(form.get("kind")), _kind(form.get("code"))
    query = f"?kind={kind}" if kind else ""
    return f"{RECONCILIATION}/{page.path['id']}{query}{f'#{code}' if code else ''}"
