"""One reseller, now: what `license_used` is, what it should be, and why, in words that the
reseller can be told.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib import clock
from chalicelib.domain.findings import DRIFT, Code, Finding
from chalicelib.domain.reconciliation import purchase_finding
from chalicelib.errors import Busy, NotFound, VersionConflict
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.reconciliation import name_checks, repairs
from chalicelib.services.reconciliation.facts import Inspection, ResellerBusy, inspect_reseller
from chalicelib.services.reconciliation.repair_request import RepairRequest
from chalicelib.storage.findings import FindingRow, finding_row
from chalicelib.storage.transactions import Transaction

ATTEMPTS = 5
# The answer to a keyed request is kept in one row, of which DynamoDB takes 400 KB.
SHOWN = 50
REASON = "Manual sync"


@dataclass(frozen=True, slots=True)
class Counters:
    license_count: int
    license_used: int

    @property
    def license_available(self) -> int:
        return self.license_count - self.license_used


@dataclass(frozen=True, slots=True)
class Sync:
    """after: what applying makes it, or would. findings: what the tables say of the reseller,
    the counters first, SHOWN at most; found: how many there are. What is more than license_used
    is decided in a reconciliation of the reseller, which asks Stripe, too."""

    reseller_id: str
    applied: bool
    before: Counters
    after: Counters
    why: str
    found: int
    findings: list[FindingRow]


def sync(reseller_id: str, *, apply: bool, by: str, once: IdempotentRequest = NO_KEY) -> Sync:
    """Count, and with `apply` set license_used to what was counted, unless the reseller's row
    moved in between: then it is counted again. Raises NotFound, Busy."""
    for _ in range(ATTEMPTS):
        try:
            inspection = inspect_reseller(reseller_id)
        except ResellerBusy:
            raise Busy from None
        if inspection is None:
            raise NotFound("reseller")
        result = _result(inspection, apply=apply)
        tx = Transaction()
        found = inspection.find(Code.USED_MISMATCH, reseller_id)
        if apply and found is not None:
            order = RepairRequest(
                found, found.proposed, by=by, reason=REASON, ref=reseller_id, inspection=inspection
            )
            repairs.add(tx, order)
        once.record(tx, result)
        try:
            tx.commit()
        except VersionConflict:
            continue
        return result
    raise Busy


def _result(inspection: Inspection, *, apply: bool) -> Sync:
    pool = inspection.pool
    found = inspection.find(Code.USED_MISMATCH, pool.reseller_id)
    findings = sorted(_findings(inspection), key=lambda one: one.code not in DRIFT)
    before = Counters(pool.license_count, pool.license_used)
    return Sync(
        reseller_id=pool.reseller_id,
        applied=apply and found is not None,
        before=before,
        after=Counters(pool.license_count, pool.holders),
        why=found.what if found else "The counter, the tenants and the ledger agree.",
        found=len(findings),
        findings=[finding_row(one, "", clock.now()) for one in findings[:SHOWN]],
    )


def _findings(inspection: Inspection) -> Iterator[Finding]:
    yield from inspection.findings
    for facts in inspection.purchases.values():
        found = purchase_finding(facts)
        if found is not None:
            yield found
    yield from name_checks.reseller_findings(inspection.reseller)
