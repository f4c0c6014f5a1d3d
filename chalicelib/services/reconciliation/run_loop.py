"""The work of a run: through its phases, a piece in memory at a time."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from chalicelib import clock
from chalicelib.domain.findings import DRIFT, Code, Finding
from chalicelib.errors import PaymentProviderUnavailable, VersionConflict
from chalicelib.observability import count, logger
from chalicelib.services.core.idempotency import IdempotentRequest
from chalicelib.services.mail import reseller_notices
from chalicelib.services.reconciliation import automatic
from chalicelib.services.reconciliation.batches import Batch, Position
from chalicelib.services.reconciliation.phases import OF_SCOPE, PHASES
from chalicelib.storage.findings import (
    IGNORED,
    OPEN,
    REPAIRED,
    finding_row,
    ignored_finding_ids,
    write_findings,
)
from chalicelib.storage.reports import FINISHED, Report
from chalicelib.storage.transactions import Transaction

Remaining = Callable[[], float]

# Enough to finish what a piece usually is.
SPARE_SECONDS = 8.0
# A run that has not been heard of for so long has died.
BUSY = timedelta(minutes=16)
SAVE_SECONDS = 30.0
# After so many runs that failed or died at a piece, the next one passes it over.
FAILURES = 2
MOST_NOTES = 20


class RunTakenOver(Exception):
    """Another run took this report up: it was thought dead."""


@dataclass(frozen=True, slots=True)
class RunProgress:
    """Where a run stands: position, within its phase, is what was last looked at. failures: how
    many runs in a row came as far as here and no further."""

    phase: str
    position: Position = None
    failures: int = 0

    @classmethod
    def of(cls, report: Report) -> "RunProgress":
        if report.cursor is None:
            return cls(OF_SCOPE[report.scope][0])
        return cls(**report.cursor)

    def failed(self) -> "RunProgress":
        return replace(self, failures=self.failures + 1)


def run_phases(report: Report, seconds_left: Remaining, once: IdempotentRequest) -> Report:
    """Go on where the report stands, until it is finished or its time is up.

    Where a phase fails, the run rests: the next one goes on from the last piece that was
    looked at, and passes the next over when others have failed at it. So one piece cannot keep
    the rest from being looked at.
    """
    try:
        return _Run(report, seconds_left, once).go()
    except RunTakenOver:
        logger.warning("A reconciliation was taken over", extra={"report": report.id})
        return report


class _Run:
    def __init__(self, report: Report, seconds_left: Remaining, once: IdempotentRequest) -> None:
        self.report = report
        self.seconds_left = seconds_left
        self.once = once
        self.place = RunProgress.of(report)
        # Where a run has failed, this one puts down each step: to know the piece, if it dies.
        self.careful = self.place.failures > 0
        self.saved_at = seconds_left()
        self.longest = 0.0

    def go(self) -> Report:
        phases = OF_SCOPE[self.report.scope]
        for phase in phases[phases.index(self.place.phase) :]:
            if phase != self.place.phase:
                self.place = RunProgress(phase)
            try:
                if not self._went_through():
                    self._save(rest=True)
                    return self.report
            except RunTakenOver:
                raise
            except Exception as failure:  # noqa: BLE001 - logged by whom it is given to
                if not self._gives_up(failure):
                    self._save(rest=True)
                    return self.report
        self._finish()
        return self.report

    def _went_through(self) -> bool:
        """The phase that it is in; False where the time is up."""
        began = self.seconds_left()
        for piece in PHASES[self.place.phase](self.report, self.place.position):
            if self.place.failures >= FAILURES:
                _append_note(
                    self.report, f"{piece.what}: left out, since looking at it failed twice."
                )
                count("ReconciliationFailed")
            else:
                _process_batch(self.report, piece)
            self.place = RunProgress(self.place.phase, piece.position)
            left = self.seconds_left()
            self.longest = max(self.longest, began - left)
            if left < max(SPARE_SECONDS, self.longest):
                return False
            if self.careful or self.saved_at - left >= SAVE_SECONDS:
                self._save()
            began = self.seconds_left()
        return True

    def _gives_up(self, failure: Exception) -> bool:
        """Whether this phase is left as it is: not even a piece to pass over can be had."""
        phase = self.place.phase
        if isinstance(failure, PaymentProviderUnavailable):
            logger.warning("Stripe could not be reached", extra={"phase": phase})
            words = "the payment provider could not be reached."
        else:
            logger.error("A phase was not finished", extra={"phase": phase}, exc_info=failure)
            count("ReconciliationFailed")
            words = "not all could be looked at; the log says why."
        self.place = self.place.failed()
        if self.place.failures <= FAILURES:
            return False
        _append_note(self.report, f"{phase}: {words}")
        return True

    def _save(self, *, rest: bool = False) -> None:
        """rest: nobody works on it from now on, so that the next run may."""
        tx = Transaction()
        tx.change(
            self.report,
            **_progress(self.report),
            cursor=asdict(self.place),
            busy_until=None if rest else tx.now + BUSY,
        )
        _commit(tx)
        self.saved_at = self.seconds_left()

    def _finish(self) -> None:
        report = self.report
        tx = Transaction()
        tx.change(
            report,
            **_progress(report),
            status=FINISHED,
            finished_at=tx.now,
            cursor=None,
            busy_until=None,
        )
        self.once.record(tx, report)
        _commit(tx)
        drift = sum(number for code, number in report.found.items() if Code(code) in DRIFT)
        count("UnexplainedDrift", drift)
        count("ReconciliationFindings", sum(report.found.values()))
        count("ReconciliationRepairs", sum(report.repaired.values()))
        logger.info(
            "Reconciliation finished",
            extra={"report": report.id, "found": report.found, "repaired": report.repaired},
        )


def _process_batch(report: Report, piece: Batch) -> None:
    looked = piece.look()
    for words in looked.notes:
        _append_note(report, words)
    mended = automatic.repair(report, looked.findings, looked.inspection)
    if looked.anew and looked.inspection is not None:
        report.resellers += 1
        report.tenants += looked.inspection.tenants
        if report.apply:
            reseller_notices.notify_low_supply(looked.inspection.reseller.id)
    _save_findings(report, looked.findings, mended)


def _save_findings(report: Report, findings: Iterable[Finding], mended: dict[str, str]) -> None:
    """mended: what was done about a finding, by its id."""
    rows = [finding_row(found, report.id, clock.now()) for found in findings]
    decided = ignored_finding_ids(row.id for row in rows)
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
        write_findings(rows)


def _plus(numbers: dict[str, int] | None, code: str) -> dict[str, int]:
    numbers = dict(numbers or {})
    return numbers | {code: numbers.get(code, 0) + 1}


def _append_note(report: Report, words: str) -> None:
    notes = list(report.notes or [])
    if words not in notes and len(notes) < MOST_NOTES:
        report.notes = [*notes, words]


def _commit(tx: Transaction) -> None:
    try:
        tx.commit()
    except VersionConflict:
        raise RunTakenOver from None


def _progress(report: Report) -> dict[str, Any]:
    columns = ("resellers", "tenants", "found", "repaired", "ignored", "notes")
    return {name: getattr(report, name) for name in columns}
