"""One run's findings, and what a person decides about each."""

from typing import Annotated, Any

from chalice.app import Response
from pydantic import Field

from chalicelib.api.fields import Input, Reason
from chalicelib.api.requests import may_be_id
from chalicelib.domain.findings import Action, Code
from chalicelib.errors import InvalidRequest, TenantryError, VersionConflict
from chalicelib.services import lookup
from chalicelib.services.reconciliation import resolution, runs, waiting
from chalicelib.storage.findings import FindingRow
from chalicelib.web.admin.frame import render, shown_reseller
from chalicelib.web.admin.reconciliation import RECONCILIATION, shown_reports
from chalicelib.web.routing import Audience, Pages, Visit

pages = Pages(__name__)

REPORT = RECONCILIATION + "/{id}"
NAMED = "`to` names"
CHANGED = "The facts are no longer those of this report, so nothing was done. Run it again."


class Decision(Input):
    action: Annotated[Action, Field(strict=False)]
    reason: Reason


@pages.page("GET", REPORT, audience=Audience.ADMIN)
def show_report(visit: Visit, **context: Any) -> Response:
    report = runs.read_report(visit.path["id"])
    found = runs.list_findings(report.id, visit.page_request())
    companies = lookup.resellers(row.reseller_id for row in found.rows)
    people = lookup.users(row.resolved_by for row in found.rows)
    return render(
        visit,
        "report",
        title="Reconciliation",
        place="reconciliation",
        report=shown_reports([report])[0],
        findings=[
            {
                "id": row.id,
                "title": row.what,
                "why": row.why,
                "evidence": [(k.replace("_", " "), _words(v)) for k, v in row.evidence.items()],
                "repair": _plain(row.actions[row.proposed]),
                "state": row.state,
                "actions": [(name, _plain(words)) for name, words in _ordered(row)],
                "names": _named_by(row),
                "reseller": row.reseller_id
                and shown_reseller(companies.get(row.reseller_id), row.reseller_id),
                "outcome": row.outcome,
                "by": people[row.resolved_by].email
                if row.resolved_by in people
                else row.resolved_by,
                "resolved_at": row.resolved_at,
                "reason": row.reason,
            }
            for row in found.rows
        ],
        pages=visit.pages(found.next_cursor),
        **context,
    )


def _words(value: object) -> str:
    return "–" if value is None or value == "" else str(value)


def _ordered(row: FindingRow) -> list[tuple[str, str]]:
    """The proposed one first, leaving it alone last."""
    last = {str(Action.IGNORE): 2, row.proposed: 0}
    return sorted(row.actions.items(), key=lambda action: last.get(action[0], 1))


def _plain(words: str) -> str:
    return words.replace("that " + NAMED, "named below").replace(NAMED, "named below")


def _named_by(row: FindingRow) -> str | None:
    """What an adoption has to name: nothing, a reseller or a user."""
    if NAMED not in row.actions.get(Action.ADOPT, ""):
        return None
    return "user" if row.code == Code.RESELLER_WITHOUT_USER else "reseller"


@pages.page("POST", REPORT + "/findings/{finding}", audience=Audience.ADMIN)
def decide(visit: Visit) -> Response:
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
    waiting.forget()
    path = f"{RECONCILIATION}/{decided.reconciliation_id}#{decided.id}"
    return visit.redirect(path, flash=decided.outcome)


def _meant(row: FindingRow, typed: str) -> str | None:
    """The id of what was named: by e-mail, by slug, or by id. Raises InvalidRequest."""
    wanted = _named_by(row)
    if wanted is None or not typed:
        return None
    if typed.startswith(("usr_", "rsl_")) and may_be_id(typed):
        return typed
    known = typed.lower()[:200]
    found = lookup.user_with_email(known) if wanted == "user" else lookup.reseller_with(known)
    if found is None:
        raise InvalidRequest.of("to", f"There is no such {wanted}.")
    return found.id
