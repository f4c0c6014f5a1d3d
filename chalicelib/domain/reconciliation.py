"""What the facts of one reseller add up to. Pure: the facts are gathered elsewhere.

Four sources are held against each other: the sums of the ledger, the counters of the pool,
the tenants that hold a license, and what Stripe says of the purchases.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from chalicelib.domain.findings import Action, Code, Finding, make_finding
from chalicelib.domain.purchases import Status

RESETTLE = "Ask Stripe, set the purchase right, and give or take the licenses that differ"


@dataclass(frozen=True, slots=True)
class PoolFacts:
    """holders: the tenants that should hold a license, as `should_hold` says.
    ledger_count, ledger_used: the sums of the ledger's changes."""

    reseller_id: str
    license_count: int
    license_used: int
    ledger_count: int
    ledger_used: int
    holders: int


@dataclass(frozen=True, slots=True)
class PurchaseFacts:
    """granted: by its own row. credited: by the ledger's entries that refer to it.

    worth, true_status: by Stripe; None where Stripe was not asked. foreign: its session was
    made for another purchase. late: why somebody should look at it, in words, or empty.
    in_counter: how much of what the ledger lacks for it license_count has already; see `explain`.
    resting: Stripe can move it only in a way that one of its events tells of. paid_elsewhere:
    integer cents that other checkouts took for it, which a person has to pay back.
    """

    id: str
    reseller_id: str
    status: str
    granted: int
    credited: int
    worth: int | None = None
    true_status: str | None = None
    late: str = ""
    foreign: bool = False
    in_counter: int = 0
    resting: bool = False
    paid_elsewhere: int = 0

    @property
    def due(self) -> int:
        """What the ledger should say was credited for it."""
        return self.granted if self.worth is None else self.worth

    @property
    def missing(self) -> int:
        """What the ledger lacks for it, or has too much."""
        return self.due - self.credited

    @property
    def broken(self) -> bool:
        """Row and ledger are written together: one of them was changed by somebody else."""
        return self.granted != self.credited


@dataclass(frozen=True, slots=True)
class Explained:
    """purchases: with what the counter has already of each. drift: what is left of the
    difference between license_count and the ledger, which nothing explains."""

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
    """A deleted tenant never holds a license, an active one always; a deactivated one as the
    platform's setting was when it was deactivated, which its mark remembers."""
    return not is_deleted and (is_active or holds_license)


def explain(pool: PoolFacts, purchases: Iterable[PurchaseFacts]) -> Explained:
    """How much of the difference between counter and ledger is a purchase's lost entry.

    Only what the purchase's own row says was granted, and what it is worth: row, counter and
    entry were written together, so two of the three bear witness to the third. A difference
    that no row speaks of is somebody's edit, however well its size fits: a person decides.
    """
    drift = pool.license_count - pool.ledger_count
    told = []
    for purchase in purchases:
        lost = _least(drift, purchase.missing, purchase.granted - purchase.credited)
        drift -= lost
        told.append(replace(purchase, in_counter=lost) if lost else purchase)
    return Explained(told, drift)


def _least(*amounts: int) -> int:
    """The one nearest to zero; zero where their signs differ."""
    if min(amounts) > 0:
        return min(amounts)
    return max(amounts) if max(amounts) < 0 else 0


def pool_findings(pool: PoolFacts, drift: int) -> Iterator[Finding]:
    """drift: what is left of it when the purchases have explained theirs."""
    if pool.license_used != pool.holders or pool.ledger_used != pool.holders:
        yield _used_mismatch(pool)
    if drift:
        yield _count_unexplained(pool, drift)
    if pool.holders > pool.license_count:
        yield _over_allocated(pool)


def purchase_finding(purchase: PurchaseFacts) -> Finding | None:
    what = _what_is_wrong(purchase)
    if what is None:
        return None
    evidence = {
        "status": purchase.status,
        "licenses_granted": purchase.granted,
        "credited_by_ledger": purchase.credited,
        "worth_by_stripe": purchase.worth,
        "status_by_stripe": purchase.true_status,
        "already_in_license_count": purchase.in_counter,
    }
    if purchase.paid_elsewhere:
        evidence["paid_elsewhere"] = purchase.paid_elsewhere
    code = Code.STUCK_PURCHASE
    if purchase.missing:
        code = Code.PURCHASE_UNCREDITED if purchase.missing > 0 else Code.PURCHASE_OVERCREDITED
    actions = {Action.REPAIR: RESETTLE}
    if purchase.foreign and not purchase.missing:
        actions = {Action.DELETE: "Delete the row: its payment belongs to another purchase"}
    # Where row and ledger agree it is merely behind: to settle it is what the sweep does too,
    # and takes nothing of the counter's difference for its own.
    judged = purchase.status == Status.QUARANTINED or purchase.paid_elsewhere > 0
    behind = not purchase.broken and not judged
    return make_finding(
        code,
        purchase.id,
        purchase.reseller_id,
        what,
        evidence,
        actions,
        safe=behind and not purchase.foreign,
        basis=_basis(purchase),
    )


def _basis(purchase: PurchaseFacts) -> list[object]:
    """The same, whether Stripe was asked and agreed, as by night, or was not, as by the hour."""
    status = purchase.true_status or purchase.status
    told = (purchase.granted, purchase.due, purchase.credited, purchase.in_counter)
    return [purchase.status, status, *told, purchase.paid_elsewhere]


def _what_is_wrong(purchase: PurchaseFacts) -> str | None:
    if purchase.due != purchase.credited:
        return (
            f"The purchase is worth {_licenses(purchase.due)}, the ledger credits "
            f"{purchase.credited}."
        )
    if purchase.foreign:
        return "Its session at Stripe was made for another purchase, or is not there."
    if purchase.true_status is not None and purchase.true_status != purchase.status:
        return f"The purchase reads {purchase.status}; by Stripe it is {purchase.true_status}."
    if purchase.granted != purchase.due:
        return (
            f"Its row says {_licenses(purchase.granted)} granted; the ledger and Stripe say "
            f"{purchase.due}."
        )
    return purchase.late or None


def _used_mismatch(pool: PoolFacts) -> Finding:
    return make_finding(
        Code.USED_MISMATCH,
        pool.reseller_id,
        pool.reseller_id,
        f"license_used is {pool.license_used}, {_tenants(pool.holders)} a license, and the "
        f"ledger adds up to {pool.ledger_used}.",
        {
            "license_used": pool.license_used,
            "tenants_holding": pool.holders,
            "ledger_used": pool.ledger_used,
        },
        {Action.REPAIR: f"Set license_used to {pool.holders}, what the tenants add up to"},
        basis=[pool.license_used - pool.holders, pool.ledger_used - pool.holders],
    )


def _count_unexplained(pool: PoolFacts, drift: int) -> Finding:
    explained = pool.license_count - drift
    return make_finding(
        Code.COUNT_UNEXPLAINED,
        pool.reseller_id,
        pool.reseller_id,
        f"license_count is {pool.license_count}; allocations, purchases and refunds explain "
        f"{explained}.",
        {"license_count": pool.license_count, "explained": explained, "difference": drift},
        {
            Action.ADOPT: f"Keep {pool.license_count} and put {drift:+d} on record in the ledger",
            Action.REVERT: f"Set license_count back to {explained}",
        },
        basis=drift,
    )


def _over_allocated(pool: PoolFacts) -> Finding:
    short = pool.holders - pool.license_count
    return make_finding(
        Code.OVER_ALLOCATED,
        pool.reseller_id,
        pool.reseller_id,
        f"{_tenants(pool.holders)} a license, {pool.license_count} are owned.",
        {"license_count": pool.license_count, "tenants_holding": pool.holders},
        {Action.ADOPT: f"Allocate the missing {_licenses(short)} to the reseller"},
        basis=short,
    )


def holding_finding(tenant: TenantFacts) -> Finding | None:
    right = should_hold(tenant.is_active, tenant.is_deleted, tenant.holds_license)
    if tenant.holds_license == right:
        return None
    state = "deleted" if tenant.is_deleted else "active"
    has = "is marked as holding a license" if tenant.holds_license else "holds no license"
    return make_finding(
        Code.TENANT_HOLDS_WRONGLY,
        tenant.id,
        tenant.reseller_id,
        f"The tenant “{tenant.name}” is {state} and {has}.",
        {
            "is_active": tenant.is_active,
            "is_deleted": tenant.is_deleted,
            "holds_license": tenant.holds_license,
        },
        {Action.REPAIR: f"Set holds_license to {str(right).lower()}"},
    )


def _licenses(number: int) -> str:
    return f"{number} license" if number == 1 else f"{number} licenses"


def _tenants(number: int) -> str:
    return "1 tenant holds" if number == 1 else f"{number} tenants hold"
