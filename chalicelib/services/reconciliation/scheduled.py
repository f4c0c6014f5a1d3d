"""What an event asks of reconciliation: from the schedule, or from a person at the console."""

from typing import Any

from chalicelib.errors import InvalidRequest
from chalicelib.services.reconciliation import runs
from chalicelib.services.reconciliation.run_loop import SPARE_SECONDS, Remaining
from chalicelib.storage.reports import RUNNING, SCHEDULE, Report, Scope

KNOWN = frozenset({"scope", "apply", "reseller_id", "by"})


# Seconds that what earlier runs left must leave a new night's run to begin in.
BEGINNING = 60.0


def handle_event(event: dict[str, Any], seconds_left: Remaining) -> dict[str, Any]:
    """Scheduled runs go on first with what an earlier one left. Raises InvalidRequest for an
    event that is not understood: a typing error must not reconcile everything."""
    unknown = set(event) - KNOWN
    scope, apply = event.get("scope", Scope.WHOLE), event.get("apply", False)
    reseller_id = event.get("reseller_id")
    if unknown:
        raise InvalidRequest.of(min(unknown), f"Use {', '.join(sorted(KNOWN))}.")
    if scope not in (Scope.PARTIAL, Scope.WHOLE):
        raise InvalidRequest.of("scope", f"Use {Scope.PARTIAL} or {Scope.WHOLE}.")
    if not isinstance(apply, bool) or not isinstance(reseller_id, str | None):
        raise InvalidRequest.of("apply", "Use true or false; reseller_id is a text.")
    by = str(event.get("by", "console"))
    if by == SCHEDULE and reseller_id is None:
        return _run_summary(_scheduled(Scope(scope), seconds_left, apply=apply))
    return _run_summary(
        runs.start_run(
            scope, apply=apply, by=by, reseller_id=reseller_id, seconds_left=seconds_left
        )
    )


def _scheduled(scope: Scope, seconds_left: Remaining, *, apply: bool) -> Report:
    """The counters come first, every hour, and leave half of the time to what earlier runs
    left; by night that comes first, and no two nights are under way together."""
    left = runs.unfinished_runs()
    if scope == Scope.WHOLE:
        before = _resume_runs(left, lambda: seconds_left() - BEGINNING)
        nights = [r for r in left if r.scope == scope and r.actor == SCHEDULE]
        if before is not None and any(night.status == RUNNING for night in nights):
            return before
        if nights and nights[-1].status == RUNNING:
            return nights[-1]
        return runs.start_run(scope, apply=apply, by=SCHEDULE, seconds_left=seconds_left)
    own = [r for r in left if r.scope == scope and r.actor == SCHEDULE]
    others = [r for r in left if r not in own]
    kept = seconds_left() / 2 if others else 0.0

    def half() -> float:
        return seconds_left() - kept

    report = runs.resume_run(half, own)
    if report is None:
        report = runs.start_run(scope, apply=apply, by=SCHEDULE, seconds_left=half)
    _resume_runs(others, seconds_left)
    return report


def _resume_runs(left: list[Report], seconds_left: Remaining) -> Report | None:
    """One after the other, while there is time; the last that was worked on."""
    last = None
    for report in left:
        if last is not None and seconds_left() < 3 * SPARE_SECONDS:
            break
        last = runs.resume_run(seconds_left, [report]) or last
    return last


def _run_summary(report: Report) -> dict[str, Any]:
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
