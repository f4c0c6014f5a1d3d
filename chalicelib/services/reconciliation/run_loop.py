"""The main loop of a run: work through the phases, with one batch in memory at a time."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import timedelta

from chalicelib import clock
from chalicelib.domain.findings import DRIFT_CODES, Finding
from chalicelib.domain.messages import MessageCode, Sentences, say
from chalicelib.errors import Busy, PaymentProviderUnavailable, VersionConflict
from chalicelib.observability import Metric, count, logger
from chalicelib.services.core.idempotency import AlreadyCompleted, IdempotentRequest
from chalicelib.services.mail import reseller_notices
from chalicelib.services.reconciliation import automatic
from chalicelib.services.reconciliation.batches import Batch, Position
from chalicelib.services.reconciliation.phases import PHASES, PHASES_BY_SCOPE
from chalicelib.storage.findings import (
    IGNORED,
    OPEN,
    REPAIRED,
    find_ignore_decisions,
    finding_row,
    write_findings,
)
from chalicelib.storage.reports import FINISHED, RUNNING, Report
from chalicelib.storage.rows import from_stored
from chalicelib.storage.transactions import Transaction

SecondsLeft = Callable[[], float]

# Enough time to finish a typical batch.
SPARE_SECONDS = 8.0
# A run that has not saved its report for this long is considered dead.
LEASE = timedelta(minutes=16)
SAVE_SECONDS = 30.0
# After this many runs have failed or died at a batch, the next run skips the batch.
MAX_FAILURES = 2
MAX_NOTES = 20


class RunTakenOver(Exception):
    """Another run has taken over this report because this run seemed dead."""


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run has progressed.

    Attributes:
        position: The last batch checked within the phase.
        failures: How many runs in a row have stopped at this position.
    """

    phase: str
    position: Position = None
    failures: int = 0

    @classmethod
    def of(cls, report: Report) -> "RunProgress":
        if report.cursor is None:
            return cls(PHASES_BY_SCOPE[report.scope][0])
        return from_stored(cls, report.cursor)

    def cursor(self, report: Report) -> dict[str, object]:
        """Return the value of the report's `cursor` column that records this progress."""
        return {**(report.cursor or {}), **asdict(self)}

    def failed(self) -> "RunProgress":
        return replace(self, failures=self.failures + 1)


def can_resume(report: Report) -> bool:
    """Return whether a run is unfinished and has a scope and phase that this release knows.

    A later release has to resume other unfinished runs.
    """
    phases = PHASES_BY_SCOPE.get(report.scope, [])
    phase = report.cursor.get("phase") if report.cursor else next(iter(phases), None)
    return report.status == RUNNING and phase in phases


def run_phases(report: Report, seconds_left: SecondsLeft, once: IdempotentRequest) -> Report:
    """Continue a run from its saved position until it finishes or runs out of time.

    If a batch fails, the run pauses. The next run resumes after the last batch checked, and
    skips the failing batch once it has failed MAX_FAILURES times. This way, one bad batch can't
    block the rest. If the progress can't be saved, the run counts as dead once its lease is over,
    and the next run resumes from the position saved last.
    """
    try:
        return _Run(report, seconds_left, once).execute()
    except RunTakenOver:
        logger.warning("Another run has taken over a reconciliation", extra={"report": report.id})
    except AlreadyCompleted:
        raise
    except Busy:
        count(Metric.FOLLOW_UPS_FAILED)
        logger.exception("A run could not save its progress", extra={"report": report.id})
    return report


class _Run:
    def __init__(self, report: Report, seconds_left: SecondsLeft, once: IdempotentRequest) -> None:
        self.report = report
        self.seconds_left = seconds_left
        self.once = once
        self.progress = RunProgress.of(report)
        # After a failure, save after every batch, so that the batch can be identified if this run
        # dies too.
        self.save_every_batch = self.progress.failures > 0
        self.saved_at = seconds_left()
        self.longest_batch = 0.0

    def execute(self) -> Report:
        phases = PHASES_BY_SCOPE[self.report.scope]
        for phase in phases[phases.index(self.progress.phase) :]:
            if phase != self.progress.phase:
                self.progress = RunProgress(phase)
            try:
                if not self._complete_phase():
                    self._save(pause=True)
                    return self.report
            except RunTakenOver:
                raise
            except Exception as failure:  # noqa: BLE001 - _should_skip_phase logs it
                if not self._should_skip_phase(failure):
                    self._save(pause=True)
                    return self.report
        self._finish()
        return self.report

    def _complete_phase(self) -> bool:
        """Work through the current phase. Return False if time ran out."""
        started = self.seconds_left()
        for batch in PHASES[self.progress.phase](self.report, self.progress.position):
            if self.progress.failures >= MAX_FAILURES:
                _append_notes(self.report, batch.if_skipped)
                count(Metric.RECONCILIATION_FAILED)
            else:
                _process_batch(self.report, batch)
            self.progress = RunProgress(self.progress.phase, batch.position)
            left = self.seconds_left()
            self.longest_batch = max(self.longest_batch, started - left)
            if left < max(SPARE_SECONDS, self.longest_batch):
                return False
            if self.save_every_batch or self.saved_at - left >= SAVE_SECONDS:
                self._save()
            started = self.seconds_left()
        return True

    def _should_skip_phase(self, failure: Exception) -> bool:
        """Log and count the failure. Return whether to skip the rest of the phase.

        More than MAX_FAILURES failures at one position mean that even the batch to skip can't be
        read.
        """
        phase = self.progress.phase
        if isinstance(failure, PaymentProviderUnavailable):
            logger.warning("Stripe could not be reached", extra={"phase": phase})
            note = say(MessageCode.PHASE_WITHOUT_STRIPE, phase=phase)
        else:
            logger.error("A phase did not finish", extra={"phase": phase}, exc_info=failure)
            count(Metric.RECONCILIATION_FAILED)
            note = say(MessageCode.PHASE_FAILED, phase=phase)
        self.progress = self.progress.failed()
        if self.progress.failures <= MAX_FAILURES:
            return False
        _append_notes(self.report, note)
        return True

    def _save(self, *, pause: bool = False) -> None:
        """Save the progress. With `pause`, also release the lease so that any run can resume."""
        tx = Transaction()
        tx.change(
            self.report,
            _result_columns(self.report),
            cursor=self.progress.cursor(self.report),
            busy_until=None if pause else tx.now + LEASE,
        )
        _commit(tx)
        self.saved_at = self.seconds_left()

    def _finish(self) -> None:
        report = self.report
        tx = Transaction()
        tx.change(
            report,
            _result_columns(report),
            status=FINISHED,
            finished_at=tx.now,
            cursor=None,
            busy_until=None,
        )
        self.once.record(tx, report)
        _commit(tx)
        drift = sum(number for code, number in report.found.items() if code in DRIFT_CODES)
        count(Metric.UNEXPLAINED_DRIFT, drift)
        count(Metric.RECONCILIATION_FINDINGS, sum(report.found.values()))
        count(Metric.RECONCILIATION_REPAIRS, sum(report.repaired.values()))
        logger.info(
            "Reconciliation finished",
            extra={"report": report.id, "found": report.found, "repaired": report.repaired},
        )


def _process_batch(report: Report, batch: Batch) -> None:
    result = batch.check()
    _append_notes(report, result.notes)
    outcomes = automatic.repair(report, result.findings, result.inspection)
    if result.counts_reseller and result.inspection is not None:
        report.resellers += 1
        report.tenants += result.inspection.tenants
        if report.apply:
            reseller_notices.notify_low_supply(result.inspection.reseller.id)
    _save_findings(report, result.findings, outcomes)


def _save_findings(
    report: Report, findings: Iterable[Finding], outcomes: dict[str, Sentences]
) -> None:
    """Save the findings. `outcomes` holds the results of automatic repairs by finding ID."""
    rows = [finding_row(finding, report.id, clock.now()) for finding in findings]
    decisions = find_ignore_decisions(row.id for row in rows)
    for row in rows:
        row.state = OPEN
        decision = decisions.get(row.id)
        if row.id in outcomes:
            row.state, row.resolution = REPAIRED, row.proposed
            for column, value in row.outcome_columns(outcomes[row.id]).items():
                setattr(row, column, value)
            row.resolved_by, row.resolved_at = report.actor, clock.now()
            report.repaired = _increment(report.repaired, row.code)
        elif decision is not None and decision.fingerprint == row.fingerprint:
            row.state, row.reason = IGNORED, decision.reason
            row.resolved_by, row.resolved_at = decision.resolved_by, decision.resolved_at
            report.ignored += 1
        if row.state != IGNORED:
            report.found = _increment(report.found, row.code)
    if rows:
        write_findings(rows)


def _increment(numbers: dict[str, int] | None, code: str) -> dict[str, int]:
    numbers = dict(numbers or {})
    return numbers | {code: numbers.get(code, 0) + 1}


def _append_notes(report: Report, notes: Sentences) -> None:
    for note in notes:
        known = report.note_sentences
        if note not in known and len(known) < MAX_NOTES:
            report.append_note(note)


def _commit(tx: Transaction) -> None:
    try:
        tx.commit()
    except VersionConflict:
        raise RunTakenOver from None


def _result_columns(report: Report) -> dict[str, object]:
    columns = ("resellers", "tenants", "found", "repaired", "ignored", "notes", "messages")
    return {name: getattr(report, name) for name in columns}
