"""The work of a run: through its phases, a piece in memory at a time."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

from chalicelib import clock
from chalicelib.domain.findings import DRIFT, Code, Finding
from chalicelib.errors import PaymentProviderUnavailable, VersionConflict
from chalicelib.observability import count, logger
from chalicelib.services import notices
from chalicelib.services.idempotency import Once
from chalicelib.services.reconciliation import automatic
from chalicelib.services.reconciliation.facts import PARTIAL as SHALLOW
from chalicelib.services.reconciliation.facts import WHOLE as DEEP
from chalicelib.services.reconciliation.facts import Unsteady, inspect
from chalicelib.services.reconciliation.sources import PHASES, Piece, Position
from chalicelib.storage.findings import IGNORED, OPEN, REPAIRED, decisions, row_of, write_all
from chalicelib.storage.reports import FINISHED, PARTIAL, RESELLER, Report
from chalicelib.storage.transactions import Transaction

Remaining = Callable[[], float]

# Enough to finish the piece in hand, a large reseller say.
SPARE_SECONDS = 8.0
# A run that has not been heard of for so long has died.
BUSY = timedelta(minutes=16)
SAVE_EVERY = 25
MOST_NOTES = 20


class TakenOver(Exception):
    """Another run took this report up: it was thought dead."""


def work(report: Report, seconds_left: Remaining, once: Once) -> Report:
    """Go on where the report stands, until it is finished or its time is up."""
    try:
        return _work(report, seconds_left, once)
    except TakenOver:
        logger.warning("A reconciliation was taken over", extra={"report": report.id})
        return report


def _work(report: Report, seconds_left: Remaining, once: Once) -> Report:
    unsaved = 0
    for phase, position in _phases_left(report):
        try:
            for piece in _pieces(report, phase, position):
                _look_at(report, piece)
                unsaved += 1
                if seconds_left() < SPARE_SECONDS:
                    _save(report, phase, piece.position, rest=True)
                    return report
                if unsaved >= SAVE_EVERY:
                    _save(report, phase, piece.position)
                    unsaved = 0
        except PaymentProviderUnavailable:
            _note(report, f"{phase}: the payment provider could not be reached.")
        except TakenOver:
            raise
        except Exception:
            # What one broken row stops must not keep the other phases from being done.
            logger.exception("A phase was not finished", extra={"phase": phase})
            count("ReconciliationFailed")
            _note(report, f"{phase}: not all could be looked at; the log says why.")
    _finish(report, once)
    return report


def _phases_left(report: Report) -> Iterator[tuple[str, Position]]:
    phases = list(PHASES) if report.scope not in (PARTIAL, RESELLER) else ["resellers"]
    cursor = report.cursor or {}
    for phase in phases[phases.index(cursor.get("phase", phases[0])) :]:
        yield phase, cursor.get("position") if phase == cursor.get("phase") else None


def _pieces(report: Report, phase: str, position: Position) -> Iterable[Piece]:
    if report.reseller_id is not None:
        return [Piece(None, resellers=(report.reseller_id,))]
    return PHASES[phase](position)


def _look_at(report: Report, piece: Piece) -> None:
    if piece.findings:
        mended = automatic.repair_each(report, piece.findings)
        _put_down(report, piece.findings, mended)
    for reseller_id in piece.resellers:
        _inspect(report, reseller_id)


def _inspect(report: Report, reseller_id: str) -> None:
    depth = SHALLOW if report.scope == PARTIAL else DEEP
    try:
        inspection = inspect(reseller_id, depth)
    except Unsteady:
        _note(report, f"{reseller_id} was too busy to be counted.")
        return
    except Exception:
        # A row that somebody broke must not keep the others from being looked at.
        logger.exception("A reseller could not be looked at", extra={"reseller_id": reseller_id})
        count("ReconciliationFailed")
        _note(report, f"{reseller_id} could not be looked at; the log says why.")
        return
    if inspection is None:
        return
    report.resellers += 1
    report.tenants += inspection.tenants
    if inspection.stripe_failed:
        _note(report, f"{reseller_id}: the payment provider could not be reached.")
    if inspection.cut:
        _note(report, f"{reseller_id} has more findings of a kind than one run keeps.")
    mended = automatic.repair_reseller(report, inspection)
    if report.apply:
        notices.watch_supply(reseller_id)
    _put_down(report, inspection.findings, mended)


def _put_down(report: Report, findings: Iterable[Finding], mended: dict[str, str]) -> None:
    """mended: what was done about a finding, by its id."""
    rows = [row_of(found, report.id, clock.now()) for found in findings]
    decided = decisions(row.id for row in rows)
    for row in rows:
        row.state = OPEN
        decision = decided.get(row.id)
        if row.id in mended:
            row.state, row.resolution, row.outcome = REPAIRED, row.proposed, mended[row.id]
            row.resolved_by, row.resolved_at = report.actor, clock.now()
            report.repaired = _plus(report.repaired, row.code)
        elif decision is not None and decision.fingerprint == row.fingerprint:
            row.state, row.reason = IGNORED, decision.reason
            row.resolved_by, row.resolved_at = decision.resolved_by, decision.resolved_at
            report.ignored += 1
        if row.state != IGNORED:
            report.found = _plus(report.found, row.code)
    if rows:
        write_all(rows)


def _plus(numbers: dict[str, int] | None, code: str) -> dict[str, int]:
    numbers = dict(numbers or {})
    return numbers | {code: numbers.get(code, 0) + 1}


def _note(report: Report, words: str) -> None:
    notes = list(report.notes or [])
    if words not in notes and len(notes) < MOST_NOTES:
        report.notes = [*notes, words]


def _finish(report: Report, once: Once) -> None:
    tx = Transaction()
    tx.change(
        report,
        **_progress(report),
        status=FINISHED,
        finished_at=tx.now,
        cursor=None,
        busy_until=None,
    )
    once.record(tx, report)
    _commit(tx)
    drift = sum(number for code, number in report.found.items() if Code(code) in DRIFT)
    count("UnexplainedDrift", drift)
    count("ReconciliationFindings", sum(report.found.values()))
    count("ReconciliationRepairs", sum(report.repaired.values()))
    logger.info(
        "Reconciliation finished",
        extra={"report": report.id, "found": report.found, "repaired": report.repaired},
    )


def _save(report: Report, phase: str, position: Position, *, rest: bool = False) -> None:
    """Where to go on. rest: nobody works on it from now on, so that the next run may."""
    tx = Transaction()
    busy_until = tx.now if rest else tx.now + BUSY
    cursor = {"phase": phase, "position": position}
    tx.change(report, **_progress(report), cursor=cursor, busy_until=busy_until)
    _commit(tx)


def _commit(tx: Transaction) -> None:
    try:
        tx.commit()
    except VersionConflict:
        raise TakenOver from None


def _progress(report: Report) -> dict[str, Any]:
    columns = ("resellers", "tenants", "found", "repaired", "ignored", "notes")
    return {name: getattr(report, name) for name in columns}
