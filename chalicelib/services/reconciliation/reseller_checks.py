"""Check one reseller within a run: take a snapshot, then compare its purchases with Stripe.

The snapshot has to be taken without interruption. Querying Stripe takes a second per purchase, so a
run can stop between batches of purchases. A run that resumes at that point takes a new snapshot.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from chalicelib.domain.actors import SCHEDULE
from chalicelib.domain.findings import Finding
from chalicelib.domain.messages import MessageCode, Sentences, say
from chalicelib.domain.reconciliation import PurchaseFacts, purchase_finding
from chalicelib.errors import Busy, PaymentProviderRefused, PaymentProviderUnavailable
from chalicelib.observability import Metric, count, logger
from chalicelib.services.reconciliation import name_checks
from chalicelib.services.reconciliation.batches import Batch, BatchResult, Position, row_batches
from chalicelib.services.reconciliation.facts import Inspection, ResellerBusy, inspect_reseller
from chalicelib.services.reconciliation.stripe_view import compare_with_stripe
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reports import Report, Scope
from chalicelib.storage.resellers import Reseller

# API Gateway times out after 29 seconds, and Stripe takes one or two seconds per purchase.
PURCHASES_PER_BATCH = 10
# Scheduled runs query Stripe about each dormant purchase once every DORMANT_INTERVAL nights.
DORMANT_INTERVAL = 28
CHECK_FAILED = "A reseller or purchase could not be checked"


def resellers(report: Report, position: Position) -> Iterator[Batch]:
    """Check every reseller, or only the one that the report is for.

    A position with only the key "reseller" means that this reseller is done. If the position also
    has the key "after", the snapshot was taken and the purchases were checked up to that ID.
    """
    if position is not None and "after" in position:
        check = _ResellerCheck(report, position["reseller"])
        yield from check.purchase_batches(position["after"])
    if report.reseller_id is not None:
        if position is None:
            yield from _ResellerCheck(report, report.reseller_id).batches()
        return
    after = {"id": {"S": position["reseller"]}} if position else None
    for rows, _ in row_batches(Reseller, after, ["id"], size=1):
        yield from _ResellerCheck(report, rows[0].id).batches()


@dataclass(slots=True)
class _ResellerCheck:
    """The check of one reseller.

    `inspection` is None until the snapshot is taken, and stays None if that fails.
    """

    report: Report
    reseller_id: str
    inspection: Inspection | None = None

    @property
    def _tables_only(self) -> bool:
        return self.report.scope == Scope.PARTIAL

    def batches(self) -> Iterator[Batch]:
        position = {"reseller": self.reseller_id}
        after = position if self._tables_only else position | {"after": ""}
        skipped = say(MessageCode.SKIPPED_RESELLER, reseller=self.reseller_id)
        yield Batch(after, skipped, self._inspect)
        if not self._tables_only and self.inspection is not None:
            yield from self.purchase_batches("")

    def purchase_batches(self, after: str) -> Iterator[Batch]:
        """Yield batches of purchases. Stop if there is no snapshot to compare them with."""
        key = {"reseller_id": {"S": self.reseller_id}, "id": {"S": after}} if after else None
        columns = ["reseller_id", "id"]
        for rows, _ in row_batches(
            Purchase, key, columns, size=PURCHASES_PER_BATCH, partition=self.reseller_id
        ):
            ids = [row.id for row in rows]
            position = {"reseller": self.reseller_id, "after": ids[-1]}
            skipped = say(
                MessageCode.SKIPPED_PURCHASES,
                reseller=self.reseller_id,
                first=ids[0],
                last=ids[-1],
            )
            yield Batch(position, skipped, partial(self._check_purchases, ids))
            if self.inspection is None:
                return

    def _inspect(self) -> BatchResult:
        try:
            self.inspection = inspect_reseller(self.reseller_id, ask_stripe=not self._tables_only)
            if self.inspection is None:
                return BatchResult()
            if self._tables_only:
                self.inspection.keep_purchase_findings()
            else:
                for finding in name_checks.reseller_findings(self.inspection.reseller):
                    self.inspection.keep(finding)
        except ResellerBusy:
            busy = say(MessageCode.TOO_BUSY_TO_CHECK, reseller=self.reseller_id)
            return BatchResult(notes=busy)
        except (Busy, PaymentProviderUnavailable):
            raise
        except Exception:
            # One damaged row must not prevent other resellers from being checked.
            logger.exception(CHECK_FAILED, extra={"subject": self.reseller_id})
            return BatchResult(notes=_count_failure(self.reseller_id))
        more = say(MessageCode.TOO_MANY_FINDINGS, reseller=self.reseller_id)
        notes = more if self.inspection.truncated else ()
        return BatchResult(
            self.inspection.findings, self.inspection, counts_reseller=True, notes=notes
        )

    def _check_purchases(self, ids: Sequence[str]) -> BatchResult:
        if self.inspection is None:
            notes = self._inspect().notes
            if self.inspection is None:
                return BatchResult(notes=notes)
        purchases = self.inspection.purchases
        known = [purchases[id] for id in ids if id in purchases]  # the others are newer
        findings: list[Finding] = []
        failures: Sentences = ()
        for facts in known:
            if facts.dormant and not self._is_due(facts):
                continue
            try:
                checked = facts if facts.worth is not None else compare_with_stripe(facts)
            except PaymentProviderRefused:  # affects only this purchase
                logger.exception(CHECK_FAILED, extra={"subject": facts.id})
                failures += _count_failure(facts.id)
                continue
            finding = purchase_finding(checked) if checked is not None else None
            if finding is not None:
                findings.append(finding)
        return BatchResult(findings, self.inspection, notes=failures)

    def _is_due(self, facts: PurchaseFacts) -> bool:
        """Return whether to query Stripe about a dormant purchase in this run.

        A run that was started manually checks all purchases.
        """
        night = self.report.created_at.toordinal()
        own_night = zlib.crc32(facts.id.encode()) % DORMANT_INTERVAL
        return (
            self.report.actor != SCHEDULE.id
            or facts.inconsistent
            or night % DORMANT_INTERVAL == own_night
        )


def _count_failure(id: str) -> Sentences:
    count(Metric.RECONCILIATION_FAILED)
    return say(MessageCode.CHECK_FAILED, row=id)
