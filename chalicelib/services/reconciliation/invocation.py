"""What an event asks of reconciliation: from the schedule, or from a person at the console."""

from typing import Any

from chalicelib.errors import InvalidRequest
from chalicelib.services.reconciliation import runs
from chalicelib.services.reconciliation.work import SPARE_SECONDS, Remaining
from chalicelib.storage.reports import FINISHED, PARTIAL, WHOLE, Report

KNOWN = frozenset({"scope", "apply", "reseller_id", "by"})


def run(event: dict[str, Any], seconds_left: Remaining) -> dict[str, Any]:
    """Scheduled runs go on first with what an earlier one left. Raises InvalidRequest for an
    event that is not understood: a typing error must not reconcile everything."""
    unknown = set(event) - KNOWN
    scope, apply = event.get("scope", WHOLE), event.get("apply", False)
    reseller_id = event.get("reseller_id")
    if unknown:
        raise InvalidRequest.of(min(unknown), f"Use {', '.join(sorted(KNOWN))}.")
    if scope not in (PARTIAL, WHOLE):
        raise InvalidRequest.of("scope", f"Use {PARTIAL} or {WHOLE}.")
    if not isinstance(apply, bool) or not isinstance(reseller_id, str | None):
        raise InvalidRequest.of("apply", "Use true or false; reseller_id is a text.")
    by = str(event.get("by", "console"))
    if by == "schedule":
        left = runs.go_on(seconds_left)
        if left is not None and (left.status != FINISHED or seconds_left() < 3 * SPARE_SECONDS):
            return _told(left)
    report = runs.start(
        scope, apply=apply, by=by, reseller_id=reseller_id, seconds_left=seconds_left
    )
    return _told(report)


def _told(report: Report) -> dict[str, Any]:
    return {
        "id": report.id,
        "scope": report.scope,
        "apply": report.apply,
        "status": report.status,
        "resellers": report.resellers,
        "tenants": report.tenants,
        "found": report.found,
        "repaired": report.repaired,
        "ignored": report.ignored,
        "notes": list(report.notes or []),
    }
