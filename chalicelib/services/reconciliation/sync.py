"""One reseller, now: what `license_used` is, what it should be, and why.

The guide's "manually sync", with a reason that the reseller can be told.
"""

from dataclasses import dataclass

from chalicelib import clock
from chalicelib.domain.findings import Code
from chalicelib.errors import Busy, NotFound, VersionConflict
from chalicelib.services.idempotency import UNKEYED, Once
from chalicelib.services.reconciliation import repairs
from chalicelib.services.reconciliation.facts import (
    PARTIAL,
    WHOLE,
    Inspection,
    Unsteady,
    inspect,
)
from chalicelib.services.reconciliation.orders import Order
from chalicelib.storage.findings import FindingRow, row_of
from chalicelib.storage.transactions import Transaction

ATTEMPTS = 5
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
    """after: what applying makes it, or would. findings: all there is to say of the reseller;
    what is more than license_used waits for a decision."""

    reseller_id: str
    applied: bool
    before: Counters
    after: Counters
    why: str
    findings: list[FindingRow]


def sync(reseller_id: str, *, apply: bool, by: str, once: Once = UNKEYED) -> Sync:
    """Count, and with `apply` set license_used to what was counted, unless the reseller's row
    moved in between: then it is counted again. Raises NotFound, Busy."""
    for _ in range(ATTEMPTS):
        try:
            inspection = inspect(reseller_id, PARTIAL if apply else WHOLE)
        except Unsteady:
            raise Busy from None
        if inspection is None:
            raise NotFound("reseller")
        result = _result(inspection, apply=apply)
        tx = Transaction()
        found = inspection.find(Code.USED_MISMATCH, reseller_id)
        if apply and found is not None:
            order = Order(
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
    before = Counters(pool.license_count, pool.license_used)
    return Sync(
        reseller_id=pool.reseller_id,
        applied=apply and found is not None,
        before=before,
        after=Counters(pool.license_count, pool.holders),
        why=found.what if found else "The counter, the tenants and the ledger agree.",
        findings=[row_of(found, "", clock.now()) for found in inspection.findings],
    )
