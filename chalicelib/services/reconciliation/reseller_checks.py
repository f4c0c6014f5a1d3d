"""One reseller in a run: counted first, then its purchases held against Stripe, some at a time.

A count belongs to one moment and is made whole; asking Stripe takes a second for each purchase,
so a run can stop between any two pieces of them. A run that goes on there counts anew.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from chalicelib.domain.findings import Finding
from chalicelib.domain.reconciliation import PurchaseFacts, purchase_finding
from chalicelib.errors import Busy, PaymentProviderRefused, PaymentProviderUnavailable
from chalicelib.observability import count, logger
from chalicelib.services.reconciliation import name_checks
from chalicelib.services.reconciliation.batches import Batch, BatchResult, Position, row_batches
from chalicelib.services.reconciliation.facts import Inspection, ResellerBusy, inspect_reseller
from chalicelib.services.reconciliation.stripe_view import compare_with_stripe
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reports import SCHEDULE, Report, Scope
from chalicelib.storage.resellers import Reseller

# API Gateway waits 29 seconds; Stripe takes one or two for each of these.
ASKED_TOGETHER = 10
# By schedule, a purchase at rest is asked about on one night of so many.
NIGHTS = 28
FAILED = "A reseller or purchase could not be looked at"


def resellers(report: Report, position: Position) -> Iterator[Batch]:
    """Positions: {"reseller"}, which is done; {"reseller", "after"}, which is counted, and its
    purchases asked about up to this one."""
    if position is not None and "after" in position:
        account = _Account(report, position["reseller"])
        yield from account.purchases(position["after"])
    if report.reseller_id is not None:
        if position is None:
            yield from _Account(report, report.reseller_id).pieces()
        return
    after = {"id": {"S": position["reseller"]}} if position else None
    for rows, _ in row_batches(Reseller, after, ["id"], size=1):
        yield from _Account(report, rows[0].id).pieces()


@dataclass(slots=True)
class _Account:
    """counted: None until it was, and where it could not be."""

    report: Report
    reseller_id: str
    counted: Inspection | None = None

    def pieces(self) -> Iterator[Batch]:
        partly = self.report.scope == Scope.PARTIAL
        position = {"reseller": self.reseller_id}
        after = position if partly else position | {"after": ""}
        yield Batch(after, self.reseller_id, self._count)
        if not partly and self.counted is not None:
            yield from self.purchases("")

    def purchases(self, after: str) -> Iterator[Batch]:
        """Of one that cannot be counted, none: they would be held against nothing."""
        key = {"reseller_id": {"S": self.reseller_id}, "id": {"S": after}} if after else None
        columns = ["reseller_id", "id"]
        for rows, _ in row_batches(
            Purchase, key, columns, size=ASKED_TOGETHER, partition=self.reseller_id
        ):
            ids = [row.id for row in rows]
            position = {"reseller": self.reseller_id, "after": ids[-1]}
            what = f"{self.reseller_id}, purchases {ids[0]} to {ids[-1]}"
            yield Batch(position, what, partial(self._ask, ids))
            if self.counted is None:
                return

    def _count(self) -> BatchResult:
        partly = self.report.scope == Scope.PARTIAL
        try:
            self.counted = inspect_reseller(self.reseller_id, ask_stripe=not partly)
            if self.counted is None:
                return BatchResult()
            if partly:
                self.counted.keep_purchases()
            else:
                for found in name_checks.reseller_findings(self.counted.reseller):
                    self.counted.keep(found)
        except ResellerBusy:
            return BatchResult(notes=(f"{self.reseller_id} was too busy to be counted.",))
        except (Busy, PaymentProviderUnavailable):
            raise
        except Exception:
            # A row that somebody broke must not keep the others from being looked at.
            logger.exception(FAILED, extra={"subject": self.reseller_id})
            return BatchResult(notes=(_failed(self.reseller_id),))
        more = f"{self.reseller_id} has more findings of a kind than one run keeps."
        notes = (more,) if self.counted.cut else ()
        return BatchResult(self.counted.findings, self.counted, anew=True, notes=notes)

    def _ask(self, ids: Sequence[str]) -> BatchResult:
        if self.counted is None:
            notes = self._count().notes
            if self.counted is None:
                return BatchResult(notes=notes)
        counted = self.counted.purchases
        facts = [counted[id] for id in ids if id in counted]  # not those made since
        findings: list[Finding] = []
        failed: list[str] = []
        for one in facts:
            if one.resting and not self._is_its_turn(one):
                continue
            try:
                seen = one if one.worth is not None else compare_with_stripe(one)
            except PaymentProviderRefused:  # this one, not all of them
                logger.exception(FAILED, extra={"subject": one.id})
                failed.append(_failed(one.id))
                continue
            found = purchase_finding(seen) if seen is not None else None
            if found is not None:
                findings.append(found)
        return BatchResult(findings, self.counted, notes=tuple(failed))

    def _is_its_turn(self, facts: PurchaseFacts) -> bool:
        """What a person asks for is looked at whole."""
        night = self.report.created_at.toordinal()
        mine = zlib.crc32(facts.id.encode()) % NIGHTS
        return self.report.actor != SCHEDULE or facts.broken or night % NIGHTS == mine


def _failed(id: str) -> str:
    count("ReconciliationFailed")
    return f"{id} could not be looked at; the log says why."
