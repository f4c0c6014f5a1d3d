"""Sync one reseller immediately: compare license_used with the tenants, and correct it."""

from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib import clock
from chalicelib.domain.actors import Actor
from chalicelib.domain.findings import DRIFT_CODES, Code, Finding
from chalicelib.domain.messages import MessageCode, Sentences, say
from chalicelib.domain.reconciliation import purchase_finding
from chalicelib.errors import NotFound
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.reconciliation import name_checks, repairs
from chalicelib.services.reconciliation.facts import Inspection, inspect_once
from chalicelib.services.reconciliation.repair_request import RepairRequest
from chalicelib.storage import retries
from chalicelib.storage.findings import FindingRow, finding_row
from chalicelib.storage.transactions import Transaction

# The idempotency table keeps the response in one item, which DynamoDB limits to 400 KB.
MAX_FINDINGS = 50
REASON = "Manual sync"


@dataclass(frozen=True, slots=True)
class Counters:
    license_count: int
    license_used: int

    @property
    def license_available(self) -> int:
        return self.license_count - self.license_used


@dataclass(frozen=True, slots=True)
class SyncResult:
    """The outcome of a sync.

    Sync changes only license_used. All other findings have to be resolved through a reconciliation
    of the reseller, which also checks Stripe.

    Attributes:
        after: The counters after the sync, or what they would be if it were applied.
        found: The total number of findings based on the tables alone.
        findings: At most MAX_FINDINGS findings, starting with those about the counters.
    """

    reseller_id: str
    applied: bool
    before: Counters
    after: Counters
    why: Sentences
    found: int
    findings: list[FindingRow]


def sync(
    reseller_id: str, *, apply: bool, by: Actor, once: IdempotentRequest = NO_KEY
) -> SyncResult:
    """Count the tenants' licenses and, with `apply`, set license_used to the result.

    Condition: the reseller's row has not changed since the count. If it has, the count is repeated.
    Raises NotFound or Busy.
    """

    def sync_once() -> SyncResult:
        inspection = inspect_once(reseller_id)
        if inspection is None:
            raise NotFound("reseller")
        result = _sync_result(inspection, apply=apply)
        tx = Transaction()
        finding = inspection.find(Code.USED_MISMATCH, reseller_id)
        if apply and finding is not None:
            request = RepairRequest(
                finding,
                finding.proposed,
                by=by,
                reason=REASON,
                ref=reseller_id,
                inspection=inspection,
            )
            repairs.add_repair(tx, request)
        once.record(tx, result)
        tx.commit()
        return result

    return retries.retry(sync_once)


def _sync_result(inspection: Inspection, *, apply: bool) -> SyncResult:
    pool = inspection.pool
    mismatch = inspection.find(Code.USED_MISMATCH, pool.reseller_id)
    findings = sorted(_findings(inspection), key=lambda one: one.code not in DRIFT_CODES)
    before = Counters(pool.license_count, pool.license_used)
    return SyncResult(
        reseller_id=pool.reseller_id,
        applied=apply and mismatch is not None,
        before=before,
        after=Counters(pool.license_count, pool.holders),
        why=mismatch.what if mismatch else say(MessageCode.COUNTERS_AGREE),
        found=len(findings),
        findings=[finding_row(one, "", clock.now()) for one in findings[:MAX_FINDINGS]],
    )


def _findings(inspection: Inspection) -> Iterator[Finding]:
    yield from inspection.findings
    for facts in inspection.purchases.values():
        finding = purchase_finding(facts)
        if finding is not None:
            yield finding
    yield from name_checks.reseller_findings(inspection.reseller)
