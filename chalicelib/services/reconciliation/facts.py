"""A consistent snapshot of everything the tables hold about one reseller.

Every transaction that changes a counter, a ledger entry, or a tenant's license also changes
the reseller's version. Everything read between two reads that return the same version is therefore
consistent. If the version has changed, the snapshot is taken again.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import timedelta

from chalicelib import clock
from chalicelib.domain.findings import Finding
from chalicelib.domain.messages import MessageCode, Sentences, say
from chalicelib.domain.purchases import Status
from chalicelib.domain.reconciliation import (
    PoolFacts,
    PurchaseFacts,
    TenantFacts,
    explain_drift,
    holding_finding,
    pool_findings,
    purchase_finding,
    should_hold,
)
from chalicelib.errors import Busy, VersionConflict
from chalicelib.services.reconciliation.stripe_view import compare_with_stripe
from chalicelib.storage import retries
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import get, iterate_partition
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import iso
from chalicelib.storage.tenants import Tenant

# Limits memory use. The next run finds the rest.
MAX_FINDINGS_PER_CODE = 500
# Enough for any damage short of a lost table, and few enough to check within API Gateway's limit of
# 29 seconds.
MAX_STRIPE_CHECKS = 15
TENANT_COLUMNS = ["reseller_id", "id", "name", "is_active", "deleted_at", "holds_license"]
# The sweep runs every 15 minutes. If a purchase is overdue by more than this, the sweep missed it.
SWEEP_GRACE = timedelta(hours=1)
SLOWEST_PAYMENT = timedelta(days=14)
# A purchase older than this can no longer get a session.
SESSION_DEADLINE = timedelta(hours=24)
# Buyers can dispute a payment for 120 days.
DORMANT_AFTER = timedelta(days=180)
AWAITED_STATUSES = frozenset({Status.PENDING, Status.PROCESSING, Status.QUARANTINED})


class ResellerBusy(Busy):
    """The reseller changed during every attempt to take a snapshot. The next run tries again."""


@dataclass(slots=True)
class Inspection:
    """A consistent snapshot of one reseller.

    Attributes:
        reseller: The reseller's row at the time of the snapshot.
        tenants: The number of tenants, including deleted ones.
        findings: Findings about the counters and the tenants' license marks.
        purchases: Facts by purchase ID, oldest first. Stripe was queried about those with a
            `worth`.
        drift: The part of license_count that neither the ledger nor a purchase explains.
        truncated: Whether there were more findings with the same code than are kept.
    """

    reseller: Reseller
    pool: PoolFacts
    tenants: int
    findings: list[Finding] = field(default_factory=list)
    purchases: dict[str, PurchaseFacts] = field(default_factory=dict)
    drift: int = 0
    truncated: bool = False

    def keep(self, finding: Finding | None) -> None:
        if finding is None:
            return
        if sum(kept.code == finding.code for kept in self.findings) >= MAX_FINDINGS_PER_CODE:
            self.truncated = True
        else:
            self.findings.append(finding)

    def find(self, code: str, subject: str) -> Finding | None:
        return next((f for f in self.findings if f.code == code and f.subject == subject), None)

    def keep_purchase_findings(self) -> None:
        """Keep the findings about purchases that need no query to Stripe."""
        for facts in self.purchases.values():
            self.keep(purchase_finding(facts))


def inspect_reseller(reseller_id: str, *, ask_stripe: bool = False) -> Inspection | None:
    """Take a snapshot of a reseller; return None if it doesn't exist.

    With `ask_stripe`, query Stripe about up to MAX_STRIPE_CHECKS purchases whose row and ledger
    disagree, because only those can explain a difference in license_count. Raises ResellerBusy,
    Busy, and, with `ask_stripe`, PaymentProviderUnavailable.
    """
    return retries.retry(
        lambda: inspect_once(reseller_id, ask_stripe=ask_stripe), otherwise=ResellerBusy()
    )


def inspect_once(reseller_id: str, *, ask_stripe: bool = False) -> Inspection | None:
    """Like `inspect_reseller`, but raises VersionConflict if the reseller changes meanwhile.

    For a caller that writes what it finds, and so has to read again after its own conflicts too.
    """
    reseller = get(Reseller, reseller_id)
    if reseller is None:
        return None
    inspection = _count_reseller(reseller)
    again = get(Reseller, reseller_id)
    if again is None or _counters(again) != _counters(reseller):
        raise VersionConflict
    _explain(inspection, MAX_STRIPE_CHECKS if ask_stripe else 0)
    return inspection


def _explain(inspection: Inspection, max_stripe_checks: int) -> None:
    inconsistent = [facts for facts in inspection.purchases.values() if facts.inconsistent]
    checked = {
        facts.id: compare_with_stripe(facts) or facts for facts in inconsistent[:max_stripe_checks]
    }
    explained = explain_drift(inspection.pool, (inspection.purchases | checked).values())
    inspection.purchases = {facts.id: facts for facts in explained.purchases}
    inspection.drift = explained.drift
    for finding in pool_findings(inspection.pool, explained.drift):
        inspection.keep(finding)


def _counters(reseller: Reseller) -> tuple[int | None, ...]:
    return reseller.version, reseller.license_count, reseller.license_used


def _count_reseller(reseller: Reseller) -> Inspection:
    """Stream the reseller's rows, keeping only sums and the facts of each purchase in memory."""
    count, used, credited = _ledger_sums(reseller.id)
    pool = PoolFacts(
        reseller.id, reseller.license_count or 0, reseller.license_used or 0, count, used, 0
    )
    inspection = Inspection(reseller, pool, 0)
    holders = 0
    for tenant in iterate_partition(Tenant, reseller.id, attributes_to_get=TENANT_COLUMNS):
        facts = tenant_facts(tenant)
        holders += should_hold(facts.is_active, facts.is_deleted, facts.holds_license)
        inspection.keep(holding_finding(facts))
        inspection.tenants += 1
    inspection.pool = replace(pool, holders=holders)
    for row in iterate_partition(Purchase, reseller.id):
        inspection.purchases[row.id] = purchase_facts(row, credited.get(row.id, 0))
    return inspection


def _ledger_sums(reseller_id: str) -> tuple[int, int, dict[str, int]]:
    """Return the ledger's total count change and used change, and the count change per purchase."""
    count = used = 0
    credited: dict[str, int] = defaultdict(int)
    columns = ["count_change", "used_change", "ref"]
    for entry in iterate_partition(LedgerEntry, reseller_id, attributes_to_get=columns):
        change = entry.count_change or 0
        count += change
        used += entry.used_change or 0
        if entry.ref and change and entry.ref.startswith("pur_"):
            credited[entry.ref] += change
    return count, used, credited


def tenant_facts(tenant: Tenant) -> TenantFacts:
    return TenantFacts(
        id=tenant.id,
        reseller_id=tenant.reseller_id,
        name=tenant.name or tenant.id,
        is_active=bool(tenant.is_active),
        is_deleted=tenant.deleted_at is not None,
        holds_license=bool(tenant.holds_license),
    )


def purchase_facts(purchase: Purchase, credited: int) -> PurchaseFacts:
    """Return the facts about a purchase that the tables provide, without Stripe."""
    return PurchaseFacts(
        id=purchase.id,
        reseller_id=purchase.reseller_id,
        status=purchase.status,
        granted=purchase.licenses_granted or 0,
        credited=credited,
        overdue=_overdue(purchase),
        dormant=_is_dormant(purchase),
        paid_elsewhere=purchase.paid_elsewhere,
    )


def _is_dormant(purchase: Purchase) -> bool:
    """Return whether the purchase is settled and too old for a dispute or a delayed payment.

    Such a purchase can still be refunded. Stripe keeps the refund's event for 30 days, and the
    sweep reads events every 15 minutes.
    """
    awaited = purchase.status in AWAITED_STATUSES or purchase.paid_elsewhere
    settled = purchase.unsettled is None and not awaited
    return settled and clock.now() - purchase.created_at > DORMANT_AFTER


def _overdue(purchase: Purchase) -> Sentences:
    """Return why the purchase needs attention, or nothing."""
    now = clock.now()
    match purchase.status:
        case Status.PENDING if purchase.session_id is None:
            if now - purchase.created_at > SESSION_DEADLINE + SWEEP_GRACE:
                return say(MessageCode.NEVER_OPENED)
        case Status.PENDING if now - purchase.expires_at > SWEEP_GRACE:
            return say(MessageCode.EXPIRED_UNNOTICED, at=iso(purchase.expires_at))
        case Status.PROCESSING if now - purchase.created_at > SLOWEST_PAYMENT:
            return say(MessageCode.PROCESSING_TOO_LONG, since=iso(purchase.created_at))
        case Status.PENDING | Status.PROCESSING if purchase.unsettled is None:
            return say(MessageCode.NOT_SWEPT, status=purchase.status)
        case Status.QUARANTINED:
            return say(MessageCode.PAYMENT_DIFFERS) + purchase.reasons
    return purchase.reasons if purchase.paid_elsewhere else ()
