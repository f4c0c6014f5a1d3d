"""Diagnose why a reseller can't create tenants.

Each check has a question, the evidence, and, if it failed, the next step. The texts can be sent to
the reseller as they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from chalicelib import clock
from chalicelib.domain.findings import DRIFT_CODES
from chalicelib.domain.purchases import Status
from chalicelib.services.reconciliation.facts import ResellerBusy, inspect_reseller
from chalicelib.services.settings import platform_settings
from chalicelib.storage.purchases import Purchase, unsettled_of
from chalicelib.storage.reads import get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import iso
from chalicelib.storage.stripe_events import LATEST, LatestEvent
from chalicelib.storage.users import User

# A webhook event should arrive for a pending purchase within this time.
WEBHOOK_SILENCE_LIMIT = timedelta(hours=1)
MAX_LISTED_PURCHASES = 3
# The checks that must pass before a tenant can be created.
REQUIRED = frozenset({"reseller_active", "licenses_available", "user_linked", "user_active"})


@dataclass(frozen=True, slots=True)
class Check:
    check: str
    question: str
    passed: bool
    evidence: str
    next_step: str | None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    reseller_id: str
    checks: list[Check]

    @property
    def can_create_tenants(self) -> bool:
        return all(check.passed for check in self.checks if check.check in REQUIRED)

    @property
    def message(self) -> str:
        """Return a text for an email: one sentence if all is well, otherwise the failed checks."""
        failed = [check for check in self.checks if not check.passed]
        if not failed:
            return "Everything is in order: new tenants can be created."
        lines = [f"- {check.evidence} {check.next_step}" for check in failed]
        can = "New tenants can be created, but there is something to look at:"
        cannot = "New tenants cannot be created at the moment:"
        return "\n".join([can if self.can_create_tenants else cannot, *lines])


def diagnose(reseller: Reseller, *, counting: bool = True) -> Diagnosis:
    """Run all checks. `counting` also compares the counters with all tenants and ledger entries."""
    user = get(User, reseller.user_id) if reseller.user_id else None
    return Diagnosis(
        reseller.id,
        [
            _check_active(reseller),
            _check_licenses(reseller),
            *_check_user(reseller, user),
            _check_over_allocation(reseller),
            *([_check_counters(reseller)] if counting else []),
            *_check_payments(reseller),
        ],
    )


def _make_check(name: str, question: str, passed: bool, evidence: str, next_step: str) -> Check:
    return Check(name, question, passed, evidence, None if passed else next_step)


def _check_active(reseller: Reseller) -> Check:
    passed = bool(reseller.is_active)
    state = "active" if passed else "inactive; existing tenants remain active"
    return _make_check(
        "reseller_active",
        "Is the reseller account active?",
        passed,
        f"The reseller account is {state}.",
        "An admin can reactivate it: edit the reseller and check “Is Active”.",
    )


def _check_licenses(reseller: Reseller) -> Check:
    available = reseller.license_available
    return _make_check(
        "licenses_available",
        "Are licenses available?",
        available > 0,
        f"{max(available, 0):,} of {reseller.license_count:,} licenses are available, "
        f"{reseller.license_used:,} in use.",
        "Buy licenses at /reseller/licenses, ask an admin for more, or delete tenants that are "
        "no longer needed.",
    )


def _check_user(reseller: Reseller, user: User | None) -> Iterator[Check]:
    linked = user is not None and user.reseller_id == reseller.id
    who = user.email if user else "a user that does not exist"
    yield _make_check(
        "user_linked",
        "Is a user account linked?",
        linked,
        f"The reseller names {who}{'' if linked else ', and is not linked by it'}.",
        "An admin can link the right user: edit the reseller and select it.",
    )
    active = user is not None and bool(user.is_active)
    barred = (
        not reseller.is_active and platform_settings.cached_settings().restrict_inactive_resellers
    )
    yield _make_check(
        "user_active",
        "Can the user sign in?",
        active and not barred,
        f"The user account {who} is {'active' if active else 'not active'}"
        f"{', but inactive resellers may not sign in' if barred else ''}.",
        "An admin can activate the user, and the reseller. Make sure to sign in as this user.",
    )


def _check_over_allocation(reseller: Reseller) -> Check:
    return _make_check(
        "not_over_allocated",
        "Are there at least as many licenses as tenants that hold one?",
        not reseller.over_allocated,
        f"In use: {reseller.license_used:,}; owned: {reseller.license_count:,}.",
        "After a refund this can be so. Existing tenants keep running; buy the missing licenses, "
        "or delete tenants.",
    )


def _check_counters(reseller: Reseller) -> Check:
    question = "Do the license counts match what is there?"
    try:
        inspection = inspect_reseller(reseller.id)
    except ResellerBusy:
        inspection = None
    if inspection is None:
        return Check("counts_match", question, True, "Too much is going on to count.", None)
    drift = [found.what for found in inspection.findings if found.code in DRIFT_CODES]
    return _make_check(
        "counts_match",
        question,
        not drift,
        " ".join(drift) or f"Licenses held, counted: {inspection.pool.holders:,}.",
        "An admin can sync the reseller, or decide the finding under Reconciliation.",
    )


def _check_payments(reseller: Reseller) -> Iterator[Check]:
    pending = _unpaid_purchases(reseller)
    listed = "; ".join(map(_describe_purchase, pending[:MAX_LISTED_PURCHASES]))
    yield _make_check(
        "no_checkout_pending",
        "Are all payments settled?",
        not pending,
        f"Under way: {listed}." if pending else "No payment is under way.",
        "Finish the checkout, or wait for the payment to arrive; the licenses come by themselves.",
    )
    yield _check_webhook(pending)


def _describe_purchase(purchase: Purchase) -> str:
    noun = "license" if purchase.quantity == 1 else "licenses"
    until = iso(purchase.expires_at)
    return f"{purchase.quantity:,} {noun}, {purchase.status}, open until {until}"


def _unpaid_purchases(reseller: Reseller) -> list[Purchase]:
    """Return the purchases that are awaiting payment, newest first."""
    waiting = (Status.PENDING, Status.PROCESSING)
    return [purchase for purchase in unsettled_of(reseller.id) if purchase.status in waiting]


def _check_webhook(pending: list[Purchase]) -> Check:
    """Check that Stripe's events arrive. Silence is suspicious only if a purchase is pending."""
    latest = get(LatestEvent, LATEST)
    now = clock.now()
    seen = latest.seen_at if latest else None
    overdue = [p for p in pending if now - p.created_at > WEBHOOK_SILENCE_LIMIT]
    heard = seen is not None and all(seen > p.created_at for p in overdue)
    return _make_check(
        "webhook_seen",
        "Do messages from the payment provider arrive?",
        heard or not overdue,
        f"The last one arrived at {iso(seen)}." if seen else "None has arrived so far.",
        "An admin should look at the webhook's deliveries in Stripe's dashboard; until then, "
        "payments are found by the sweep every 15 minutes.",
    )
