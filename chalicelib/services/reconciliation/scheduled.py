"""Handle an event that starts reconciliation, from the schedule or the Lambda console."""

from chalicelib.domain.actors import SCHEDULE, Actor
from chalicelib.errors import InvalidRequest
from chalicelib.services.reconciliation import runs
from chalicelib.services.reconciliation.run_loop import SPARE_SECONDS, SecondsLeft
from chalicelib.storage.reports import RUNNING, Report, Scope

EVENT_KEYS = frozenset({"scope", "apply", "reseller_id", "by"})

# Resumed runs must leave this many seconds, or no new nightly run starts.
NEW_RUN_SECONDS = 60.0


def handle_event(event: dict[str, object], seconds_left: SecondsLeft) -> dict[str, object]:
    """Run reconciliation as the event requests, and return a summary.

    A scheduled run also resumes unfinished runs. Raises InvalidRequest for an event with
    unknown keys or values, so that a typo doesn't start a full run.
    """
    unknown = set(event) - EVENT_KEYS
    scope, apply = event.get("scope", Scope.WHOLE), event.get("apply", False)
    reseller_id = event.get("reseller_id")
    if unknown:
        raise InvalidRequest.of(min(unknown), f"Use only {', '.join(sorted(EVENT_KEYS))}.")
    if not isinstance(scope, str) or scope not in (Scope.PARTIAL, Scope.WHOLE):
        raise InvalidRequest.of("scope", f"Use {Scope.PARTIAL} or {Scope.WHOLE}.")
    if not isinstance(apply, bool) or not isinstance(reseller_id, str | None):
        raise InvalidRequest.of("apply", "Use true or false. reseller_id must be a string.")
    by = Actor(str(event.get("by", "console")))
    if by == SCHEDULE and reseller_id is None:
        return _run_summary(_run_scheduled(Scope(scope), seconds_left, apply=apply))
    return _run_summary(
        runs.start_run(
            scope, apply=apply, by=by, reseller_id=reseller_id, seconds_left=seconds_left
        )
    )


def _run_scheduled(scope: Scope, seconds_left: SecondsLeft, *, apply: bool) -> Report:
    """Start or resume the scheduled run, and resume other unfinished runs.

    An hourly run checks the counters first and leaves half of the time for unfinished runs. At
    night, unfinished runs go first, and a new nightly run starts only after the previous one has
    finished.
    """
    unfinished = runs.unfinished_runs()
    if scope == Scope.WHOLE:
        resumed = _resume_runs(unfinished, lambda: seconds_left() - NEW_RUN_SECONDS)
        nightly = [r for r in unfinished if r.scope == scope and r.actor == SCHEDULE.id]
        if resumed is not None and any(run.status == RUNNING for run in nightly):
            return resumed
        if nightly and nightly[-1].status == RUNNING:
            return nightly[-1]
        return runs.start_run(scope, apply=apply, by=SCHEDULE, seconds_left=seconds_left)
    hourly = [r for r in unfinished if r.scope == scope and r.actor == SCHEDULE.id]
    others = [r for r in unfinished if r not in hourly]
    reserved = seconds_left() / 2 if others else 0.0

    def own_seconds_left() -> float:
        return seconds_left() - reserved

    report = runs.resume_run(own_seconds_left, hourly)
    if report is None:
        report = runs.start_run(scope, apply=apply, by=SCHEDULE, seconds_left=own_seconds_left)
    _resume_runs(others, seconds_left)
    return report


def _resume_runs(unfinished: list[Report], seconds_left: SecondsLeft) -> Report | None:
    """Resume the runs one after another while there is time. Return the last one resumed."""
    last = None
    for report in unfinished:
        if last is not None and seconds_left() < 3 * SPARE_SECONDS:
            break
        last = runs.resume_run(seconds_left, [report]) or last
    return last


def _run_summary(report: Report) -> dict[str, object]:
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
