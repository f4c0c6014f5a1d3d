"""The sources of one reseller, read so that they belong to one moment.

Every move of a counter changes the reseller's version in its own transaction, as does every
ledger entry and every tenant's license. So what was read between two reads of the same
version was true together; where the version has moved, it is read again.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import timedelta

from chalicelib import clock
from chalicelib.domain.findings import Code, Finding
from chalicelib.domain.purchases import Status
from chalicelib.domain.reconciliation import (
    PoolFacts,
    PurchaseFacts,
    TenantFacts,
    explain,
    holding_finding,
    pool_findings,
    purchase_finding,
    should_hold,
)
from chalicelib.services.reconciliation.stripe_view import compare_with_stripe
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import get, iterate_partition
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import iso
from chalicelib.storage.tenants import Tenant

ATTEMPTS = 4
# More of one kind in one reseller are found by the next run: memory stays bounded.
MOST_OF_A_KIND = 500
# Enough for any damage but a lost table; few enough for a request of 29 seconds.
MOST_ASKED = 15
TENANT_COLUMNS = ["reseller_id", "id", "name", "is_active", "deleted_at", "holds_license"]
# The sweep settles every 15 minutes: what is later than this, it does not reach.
SWEPT_WITHIN = timedelta(hours=1)
SLOWEST_PAYMENT = timedelta(days=14)
# No session can be opened for a purchase that is older.
SESSIONLESS = timedelta(hours=24)
# A buyer may dispute for 120 days.
RESTING = timedelta(days=180)
WAITING = frozenset({Status.PENDING, Status.PROCESSING, Status.QUARANTINED})


class ResellerBusy(Exception):
    """The reseller was busy at every attempt to count it: the next run tries again."""


@dataclass(slots=True)
class Inspection:
    """What the tables say of one reseller at one moment.

    reseller: the row as it was then. findings: about its counters and its tenants' marks.
    purchases: by id, oldest first; Stripe was asked about those that have a worth. drift: what
    of license_count neither the ledger nor a purchase explains. cut: more was found than kept.
    """

    reseller: Reseller
    pool: PoolFacts
    tenants: int
    findings: list[Finding] = field(default_factory=list)
    purchases: dict[str, PurchaseFacts] = field(default_factory=dict)
    drift: int = 0
    cut: bool = False

    def keep(self, found: Finding | None) -> None:
        if found is None:
            return
        if sum(known.code == found.code for known in self.findings) >= MOST_OF_A_KIND:
            self.cut = True
        else:
            self.findings.append(found)

    def find(self, code: Code, subject: str) -> Finding | None:
        return next((f for f in self.findings if f.code == code and f.subject == subject), None)

    def keep_purchases(self) -> None:
        """What the tables alone say of the purchases, for whom Stripe is not asked."""
        for facts in self.purchases.values():
            self.keep(purchase_finding(facts))


def inspect_reseller(reseller_id: str, *, ask_stripe: bool = False) -> Inspection | None:
    """What is to be said of one reseller; None where there is none.

    ask_stripe: about the purchases whose row and ledger disagree, MOST_ASKED at most: they
    alone have a part in explaining license_count. Raises Unsteady, Busy, and where Stripe is
    asked PaymentProviderUnavailable.
    """
    for _ in range(ATTEMPTS):
        reseller = get(Reseller, reseller_id)
        if reseller is None:
            return None
        inspection = _count_reseller(reseller)
        again = get(Reseller, reseller_id)
        if again is not None and _counters(again) == _counters(reseller):
            _explain(inspection, MOST_ASKED if ask_stripe else 0)
            return inspection
    raise ResellerBusy(reseller_id)


def _explain(inspection: Inspection, most_asked: int) -> None:
    broken = [facts for facts in inspection.purchases.values() if facts.broken]
    seen = {facts.id: compare_with_stripe(facts) or facts for facts in broken[:most_asked]}
    explained = explain(inspection.pool, (inspection.purchases | seen).values())
    inspection.purchases = {facts.id: facts for facts in explained.purchases}
    inspection.drift = explained.drift
    for found in pool_findings(inspection.pool, explained.drift):
        inspection.keep(found)


def _counters(reseller: Reseller) -> tuple[int | None, ...]:
    return reseller.version, reseller.license_count, reseller.license_used


def _count_reseller(reseller: Reseller) -> Inspection:
    """Everything of the reseller, streamed; in memory are sums, and a line per purchase."""
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
    """Of count changes, of used changes, and of count changes by purchase."""
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
    """By the tables alone."""
    return PurchaseFacts(
        id=purchase.id,
        reseller_id=purchase.reseller_id,
        status=purchase.status,
        granted=purchase.licenses_granted or 0,
        credited=credited,
        late=_settlement_overdue(purchase),
        resting=_is_dormant(purchase),
        paid_elsewhere=purchase.paid_elsewhere,
    )


def _is_dormant(purchase: Purchase) -> bool:
    """Nothing is awaited, and it is older than any dispute or delayed payment takes to come.
    Refunds may come at any time; Stripe keeps their events for 30 days, and the sweep reads
    them every 15 minutes."""
    waits = purchase.status in WAITING or purchase.paid_elsewhere
    settled = purchase.unsettled is None and not waits
    return settled and clock.now() - purchase.created_at > RESTING


def _settlement_overdue(purchase: Purchase) -> str:
    """Why somebody should look at it again, in a sentence."""
    now = clock.now()
    match purchase.status:
        case Status.PENDING if purchase.session_id is None:
            if now - purchase.created_at > SESSIONLESS + SWEPT_WITHIN:
                return "The checkout was never opened at Stripe, and nobody has closed it since."
        case Status.PENDING if now - purchase.expires_at > SWEPT_WITHIN:
            return f"The checkout closed at {iso(purchase.expires_at)}; nobody looked since."
        case Status.PROCESSING if now - purchase.created_at > SLOWEST_PAYMENT:
            return f"The payment has been under way since {iso(purchase.created_at)}."
        case Status.PENDING | Status.PROCESSING if purchase.unsettled is None:
            return f"The purchase reads {purchase.status}, but is hidden from the sweep."
        case Status.QUARANTINED:
            return f"Paid, but not as quoted: {purchase.status_reason}"
    return purchase.status_reason or "" if purchase.paid_elsewhere else ""
