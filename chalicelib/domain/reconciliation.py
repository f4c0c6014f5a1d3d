"""Derive findings from the facts about one reseller, which other modules gather.

Four sources are compared: the ledger's sums, the reseller's counters, the tenants that hold
a license, and what Stripe reports about the purchases.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from chalicelib.domain.findings import Action, Code, Finding, make_finding
from chalicelib.domain.messages import MessageCode, Sentences, say
from chalicelib.domain.purchases import Status


@dataclass(frozen=True, slots=True)
class PoolFacts:
    """A reseller's counters, and the numbers they should match.

    Attributes:
        ledger_count, ledger_used: The sums of the ledger's changes to each counter.
        holders: The number of tenants that should hold a license; see `should_hold`.
    """

    reseller_id: str
    license_count: int
    license_used: int
    ledger_count: int
    ledger_used: int
    holders: int


@dataclass(frozen=True, slots=True)
class PurchaseFacts:
    """What the tables, and possibly Stripe, report about one purchase.

    Attributes:
        granted: Licenses granted according to the purchase's row.
        credited: Licenses credited by the ledger entries that refer to the purchase.
        worth, stripe_status: The values according to Stripe; None if Stripe was not queried.
        overdue: Why the purchase needs attention, if it does.
        wrong_session: Whether its session was created for another purchase or is missing.
        already_counted: How many of the licenses missing from the ledger are already part of
            license_count; see `explain_drift`.
        dormant: Whether the purchase is settled and so old that only a refund can still change it.
            The sweep learns about refunds from Stripe's events.
        paid_elsewhere: Integer cents paid through other checkouts for this purchase, which a
            person has to refund.
    """

    id: str
    reseller_id: str
    status: str
    granted: int
    credited: int
    worth: int | None = None
    stripe_status: str | None = None
    overdue: Sentences = ()
    wrong_session: bool = False
    already_counted: int = 0
    dormant: bool = False
    paid_elsewhere: int = 0

    @property
    def expected(self) -> int:
        """The number of licenses that the ledger should credit for this purchase."""
        return self.granted if self.worth is None else self.worth

    @property
    def missing(self) -> int:
        """The number of licenses missing from the ledger; negative if it credits too many."""
        return self.expected - self.credited

    @property
    def inconsistent(self) -> bool:
        """Whether the row and the ledger disagree. They are written together, so one was edited."""
        return self.granted != self.credited


@dataclass(frozen=True, slots=True)
class ExplainedDrift:
    """The result of `explain_drift`.

    Attributes:
        purchases: The purchases, with `already_counted` set.
        drift: The remaining difference between license_count and the ledger, which no
            purchase explains.
    """

    purchases: list[PurchaseFacts]
    drift: int


@dataclass(frozen=True, slots=True)
class TenantFacts:
    id: str
    reseller_id: str
    name: str
    is_active: bool
    is_deleted: bool
    holds_license: bool


def should_hold(is_active: bool, is_deleted: bool, holds_license: bool) -> bool:
    """Return whether a tenant should hold a license.

    An active tenant always should, and a deleted one never should. A deactivated tenant keeps its
    current mark, which records the platform's setting at the time of the deactivation.
    """
    return not is_deleted and (is_active or holds_license)


def explain_drift(pool: PoolFacts, purchases: Iterable[PurchaseFacts]) -> ExplainedDrift:
    """Attribute the difference between license_count and the ledger to lost ledger entries.

    A transaction writes a purchase's row, the counter, and the ledger entry together. If the row
    says that licenses were granted and the purchase is worth them, only the ledger entry is
    missing, and the counter already includes the licenses. A difference that no row accounts for
    comes from an edit, even if the numbers happen to match, and a person has to decide what to do
    about it.
    """
    drift = pool.license_count - pool.ledger_count
    explained = []
    for purchase in purchases:
        lost = _closest_to_zero(drift, purchase.missing, purchase.granted - purchase.credited)
        drift -= lost
        explained.append(replace(purchase, already_counted=lost) if lost else purchase)
    return ExplainedDrift(explained, drift)


def _closest_to_zero(*amounts: int) -> int:
    """Return the amount closest to zero, or zero if the amounts differ in sign."""
    if min(amounts) > 0:
        return min(amounts)
    return max(amounts) if max(amounts) < 0 else 0


def pool_findings(pool: PoolFacts, drift: int) -> Iterator[Finding]:
    """Yield the findings about the counters. `drift` is the difference no purchase explains."""
    if pool.license_used != pool.holders or pool.ledger_used != pool.holders:
        yield _used_mismatch(pool)
    if drift:
        yield _count_unexplained(pool, drift)
    if pool.holders > pool.license_count:
        yield _over_allocated(pool)


def purchase_finding(purchase: PurchaseFacts) -> Finding | None:
    what = _problem(purchase)
    if not what:
        return None
    evidence = {
        "status": purchase.status,
        "licenses_granted": purchase.granted,
        "credited_by_ledger": purchase.credited,
        "worth_by_stripe": purchase.worth,
        "status_by_stripe": purchase.stripe_status,
        "already_in_license_count": purchase.already_counted,
    }
    if purchase.paid_elsewhere:
        evidence["paid_elsewhere"] = purchase.paid_elsewhere
    code = Code.STUCK_PURCHASE
    if purchase.missing:
        code = Code.PURCHASE_UNCREDITED if purchase.missing > 0 else Code.PURCHASE_OVERCREDITED
    actions = {Action.REPAIR: say(MessageCode.DO_RESETTLE)}
    if purchase.wrong_session and not purchase.missing:
        actions = {Action.DELETE: say(MessageCode.DO_DELETE_COPY)}
    # If the row and the ledger agree, the purchase is only out of date. The sweep would settle it
    # anyway, and settling doesn't absorb any of the difference in license_count.
    needs_person = purchase.status == Status.QUARANTINED or purchase.paid_elsewhere > 0
    only_outdated = not purchase.inconsistent and not needs_person
    return make_finding(
        code,
        purchase.id,
        purchase.reseller_id,
        what,
        evidence,
        actions,
        safe=only_outdated and not purchase.wrong_session,
        basis=_basis(purchase),
    )


def _basis(purchase: PurchaseFacts) -> list[object]:
    """Return facts that are the same whether Stripe agreed or was not queried at all.

    Nightly runs query Stripe, hourly runs don't, and a decision applies to both.
    """
    status = purchase.stripe_status or purchase.status
    numbers = (purchase.granted, purchase.expected, purchase.credited, purchase.already_counted)
    return [purchase.status, status, *numbers, purchase.paid_elsewhere]


def _problem(purchase: PurchaseFacts) -> Sentences:
    """Return what is wrong with the purchase, or nothing."""
    if purchase.expected != purchase.credited:
        return say(MessageCode.WORTH_DIFFERS, worth=purchase.expected, credited=purchase.credited)
    if purchase.wrong_session:
        return say(MessageCode.SESSION_IS_ANOTHERS)
    if purchase.stripe_status is not None and purchase.stripe_status != purchase.status:
        return say(
            MessageCode.STATUS_DIFFERS, status=purchase.status, by_stripe=purchase.stripe_status
        )
    if purchase.granted != purchase.expected:
        return say(MessageCode.GRANT_DIFFERS, granted=purchase.granted, expected=purchase.expected)
    return purchase.overdue


def _used_mismatch(pool: PoolFacts) -> Finding:
    return make_finding(
        Code.USED_MISMATCH,
        pool.reseller_id,
        pool.reseller_id,
        say(
            MessageCode.USED_DIFFERS,
            used=pool.license_used,
            holders=pool.holders,
            ledger=pool.ledger_used,
        ),
        {
            "license_used": pool.license_used,
            "tenants_holding": pool.holders,
            "ledger_used": pool.ledger_used,
        },
        {Action.REPAIR: say(MessageCode.DO_SET_USED, holders=pool.holders)},
        basis=[pool.license_used - pool.holders, pool.ledger_used - pool.holders],
    )


def _count_unexplained(pool: PoolFacts, drift: int) -> Finding:
    explained = pool.license_count - drift
    return make_finding(
        Code.COUNT_UNEXPLAINED,
        pool.reseller_id,
        pool.reseller_id,
        say(MessageCode.COUNT_DIFFERS, count=pool.license_count, explained=explained),
        {"license_count": pool.license_count, "explained": explained, "difference": drift},
        {
            Action.ADOPT: say(MessageCode.DO_KEEP_COUNT, count=pool.license_count, drift=drift),
            Action.REVERT: say(MessageCode.DO_REVERT_COUNT, explained=explained),
        },
        basis=drift,
    )


def _over_allocated(pool: PoolFacts) -> Finding:
    short = pool.holders - pool.license_count
    return make_finding(
        Code.OVER_ALLOCATED,
        pool.reseller_id,
        pool.reseller_id,
        say(MessageCode.MORE_HOLDERS_THAN_OWNED, holders=pool.holders, count=pool.license_count),
        {"license_count": pool.license_count, "tenants_holding": pool.holders},
        {Action.ADOPT: say(MessageCode.DO_ALLOCATE, short=short)},
        basis=short,
    )


def holding_finding(tenant: TenantFacts) -> Finding | None:
    """Return a finding if the tenant's license mark is wrong."""
    correct = should_hold(tenant.is_active, tenant.is_deleted, tenant.holds_license)
    if tenant.holds_license == correct:
        return None
    what = say(MessageCode.ACTIVE_TENANT_LACKS, name=tenant.name)
    repair = say(MessageCode.DO_MARK_HOLDING)
    if tenant.is_deleted:
        what = say(MessageCode.DELETED_TENANT_HOLDS, name=tenant.name)
        repair = say(MessageCode.DO_MARK_NOT_HOLDING)
    return make_finding(
        Code.TENANT_HOLDS_WRONGLY,
        tenant.id,
        tenant.reseller_id,
        what,
        {
            "is_active": tenant.is_active,
            "is_deleted": tenant.is_deleted,
            "holds_license": tenant.holds_license,
        },
        {Action.REPAIR: repair},
    )
