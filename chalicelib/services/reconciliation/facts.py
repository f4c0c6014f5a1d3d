"""The sources of one reseller, read so that they belong to one moment.

Every move of a counter changes the reseller's version in its own transaction, as does every
ledger entry and every tenant's license. So what was read between two reads of the same
version was true together; where the version has moved, it is read again.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from chalicelib import clock
from chalicelib.domain.findings import Code, Finding
from chalicelib.domain.purchases import Status
from chalicelib.domain.reconciliation import (
    PoolFacts,
    PurchaseFacts,
    TenantFacts,
    holding_finding,
    pool_findings,
    purchase_finding,
    should_hold,
)
from chalicelib.errors import PaymentProviderUnavailable
from chalicelib.services.reconciliation import names
from chalicelib.services.reconciliation.stripe_view import worth_now
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import every, get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import iso
from chalicelib.storage.tenants import Tenant

ATTEMPTS = 4
# More of one kind in one reseller are found by the next run: memory stays bounded.
MOST_OF_A_KIND = 500
TENANT_BATCH = 100
# The sweep settles every 15 minutes: what is later than this, it does not reach.
SWEPT_WITHIN = timedelta(hours=1)
SLOWEST_PAYMENT = timedelta(days=14)
# No session can be opened for a purchase that is older.
SESSIONLESS = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Depth:
    """How far to look. claims: the names of the reseller and its tenants, and its user.
    asks_stripe: whether each purchase is held against Stripe."""

    claims: bool
    asks_stripe: bool


PARTIAL = Depth(claims=False, asks_stripe=False)
WHOLE = Depth(claims=True, asks_stripe=True)


class Unsteady(Exception):
    """The reseller was busy at every attempt to count it: the next run tries again."""


@dataclass(slots=True)
class Inspection:
    """reseller: the row as it was at the moment of the count. cut: more was found than kept.
    stripe_failed: Stripe was to be asked and did not answer."""

    reseller: Reseller
    pool: PoolFacts
    tenants: int
    findings: list[Finding] = field(default_factory=list)
    purchases: list[PurchaseFacts] = field(default_factory=list)
    cut: bool = False
    stripe_failed: bool = False

    def keep(self, found: Finding | None) -> None:
        if found is None:
            return
        if sum(known.code == found.code for known in self.findings) >= MOST_OF_A_KIND:
            self.cut = True
        else:
            self.findings.append(found)

    def find(self, code: Code, subject: str) -> Finding | None:
        return next((f for f in self.findings if f.code == code and f.subject == subject), None)


def inspect(reseller_id: str, depth: Depth) -> Inspection | None:
    """What is to be said of one reseller; None where there is none. Raises Unsteady."""
    for _ in range(ATTEMPTS):
        reseller = get(Reseller, reseller_id)
        if reseller is None:
            return None
        inspection = _count(reseller, depth)
        again = get(Reseller, reseller_id)
        if again is not None and _counters(again) == _counters(reseller):
            inspection.purchases = [_by_stripe(p, depth, inspection) for p in inspection.purchases]
            for found in pool_findings(inspection.pool, inspection.purchases):
                inspection.keep(found)
            if depth.claims:
                for found in names.reseller_findings(reseller):
                    inspection.keep(found)
            return inspection
    raise Unsteady(reseller_id)


def _counters(reseller: Reseller) -> tuple[int | None, ...]:
    return reseller.version, reseller.license_count, reseller.license_used


def _count(reseller: Reseller, depth: Depth) -> Inspection:
    """Everything of the reseller, streamed; in memory are sums, and a line per purchase."""
    count, used, credited = _ledger_sums(reseller.id)
    pool = PoolFacts(
        reseller.id, reseller.license_count or 0, reseller.license_used or 0, count, used, 0
    )
    inspection = Inspection(reseller, pool, 0)
    holders = 0
    for batch in _tenant_batches(reseller.id):
        for tenant in batch:
            facts = tenant_facts(tenant)
            holders += should_hold(facts.is_active, facts.is_deleted, facts.holds_license)
            inspection.keep(holding_finding(facts))
        inspection.tenants += len(batch)
        if depth.claims:
            for found in names.tenant_findings(batch):
                inspection.keep(found)
    inspection.pool = PoolFacts(
        reseller.id, pool.license_count, pool.license_used, count, used, holders
    )
    for purchase in every(Purchase, reseller.id):
        inspection.purchases.append(purchase_facts(purchase, credited.get(purchase.id, 0)))
    return inspection


def _ledger_sums(reseller_id: str) -> tuple[int, int, dict[str, int]]:
    """Of count changes, of used changes, and of count changes by purchase."""
    count = used = 0
    credited: dict[str, int] = defaultdict(int)
    columns = ["count_change", "used_change", "ref"]
    for entry in every(LedgerEntry, reseller_id, attributes_to_get=columns):
        change = entry.count_change or 0
        count += change
        used += entry.used_change or 0
        if entry.ref and change and entry.ref.startswith("pur_"):
            credited[entry.ref] += change
    return count, used, credited


def _tenant_batches(reseller_id: str) -> Iterator[list[Tenant]]:
    columns = ["reseller_id", "id", "name", "slug", "is_active", "deleted_at"]
    columns += ["holds_license", "version"]
    batch: list[Tenant] = []
    for tenant in every(Tenant, reseller_id, attributes_to_get=columns):
        batch.append(tenant)
        if len(batch) == TENANT_BATCH:
            yield batch
            batch = []
    yield batch


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
        late=_late(purchase),
    )


def _late(purchase: Purchase) -> str:
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
    return ""


def _by_stripe(facts: PurchaseFacts, depth: Depth, inspection: Inspection) -> PurchaseFacts:
    """With what Stripe says of it, where that is asked for and to be had."""
    purchase = get(Purchase, facts.reseller_id, facts.id) if depth.asks_stripe else None
    if purchase is None or inspection.stripe_failed:
        return facts
    try:
        view = worth_now(purchase, facts.credited)
    except PaymentProviderUnavailable:
        inspection.stripe_failed = True
        return facts
    seen = replace(facts, worth=view.worth, true_status=view.status, foreign=view.foreign)
    if purchase_finding(seen, 0) is not None and _moved(purchase):
        return facts  # it is being settled this very moment
    return seen


def _moved(purchase: Purchase) -> bool:
    again = get(Purchase, purchase.reseller_id, purchase.id)
    return again is None or again.version != purchase.version
