"""Diagnose why a reseller can't create tenants.

Each check has a question, the evidence, and, if it failed, the next step. They are worded so that
they can be sent to the reseller.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain

from chalicelib import clock
from chalicelib.domain.findings import DRIFT_CODES
from chalicelib.domain.messages import MessageCode, Sentences, say
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
CHECKS = REQUIRED | {"not_over_allocated", "counts_match", "no_checkout_pending", "webhook_seen"}


@dataclass(frozen=True, slots=True)
class Check:
    """A check, and the facts behind its result. `check` identifies it."""

    check: str
    passed: bool
    evidence: Sentences

    @property
    def question(self) -> Sentences:
        return say(MessageCode[f"ASK_{self.check.upper()}"])

    @property
    def next_step(self) -> Sentences | None:
        """What the reseller can do, or None if the check passed."""
        return None if self.passed else say(MessageCode[f"NEXT_{self.check.upper()}"])


@dataclass(frozen=True, slots=True)
class Diagnosis:
    reseller_id: str
    checks: list[Check]

    @property
    def can_create_tenants(self) -> bool:
        return all(check.passed for check in self.checks if check.check in REQUIRED)

    @property
    def message(self) -> tuple[Sentences, ...]:
        """The lines of an email: one if all is well, otherwise also one for each failed check."""
        failed = [c.evidence + c.next_step for c in self.checks if c.next_step is not None]
        if not failed:
            return (say(MessageCode.ALL_IN_ORDER),)
        if self.can_create_tenants:
            return (say(MessageCode.CAN_CREATE_BUT), *failed)
        return (say(MessageCode.CANNOT_CREATE), *failed)


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


def _check_active(reseller: Reseller) -> Check:
    passed = bool(reseller.is_active)
    evidence = say(MessageCode.RESELLER_IS_INACTIVE)
    if passed:
        evidence = say(MessageCode.RESELLER_IS_ACTIVE)
    return Check("reseller_active", passed, evidence)


def _check_licenses(reseller: Reseller) -> Check:
    available = reseller.license_available
    evidence = say(
        MessageCode.LICENSES_LEFT,
        available=max(available, 0),
        count=reseller.license_count,
        used=reseller.license_used,
    )
    return Check("licenses_available", available > 0, evidence)


def _check_user(reseller: Reseller, user: User | None) -> Iterator[Check]:
    linked = user is not None and user.reseller_id == reseller.id
    email = user.email if user else ""
    evidence = say(MessageCode.NAMES_ANOTHERS_USER, email=email)
    if linked:
        evidence = say(MessageCode.NAMES_ITS_USER, email=email)
    yield Check("user_linked", linked, evidence)
    active = user is not None and bool(user.is_active)
    barred = (
        not reseller.is_active and platform_settings.cached_settings().restrict_inactive_resellers
    )
    yield Check("user_active", active and not barred, _user_evidence(email, active, barred))


def _user_evidence(email: str, active: bool, barred: bool) -> Sentences:
    match active, barred:
        case True, False:
            return say(MessageCode.USER_IS_ACTIVE, email=email)
        case True, True:
            return say(MessageCode.USER_IS_ACTIVE_BUT_BARRED, email=email)
        case False, True:
            return say(MessageCode.USER_IS_INACTIVE_AND_BARRED, email=email)
    return say(MessageCode.USER_IS_INACTIVE, email=email)


def _check_over_allocation(reseller: Reseller) -> Check:
    evidence = say(
        MessageCode.USED_AND_OWNED, used=reseller.license_used, count=reseller.license_count
    )
    return Check("not_over_allocated", not reseller.over_allocated, evidence)


def _check_counters(reseller: Reseller) -> Check:
    try:
        inspection = inspect_reseller(reseller.id)
    except ResellerBusy:
        inspection = None
    if inspection is None:
        return Check("counts_match", True, say(MessageCode.TOO_BUSY_TO_COUNT))
    drift = [found.what for found in inspection.findings if found.code in DRIFT_CODES]
    if drift:
        return Check("counts_match", False, tuple(chain.from_iterable(drift)))
    counted = say(MessageCode.LICENSES_COUNTED, holders=inspection.pool.holders)
    return Check("counts_match", True, counted)


def _check_payments(reseller: Reseller) -> Iterator[Check]:
    pending = _unpaid_purchases(reseller)
    evidence = say(MessageCode.NO_CHECKOUT_UNDER_WAY)
    if pending:
        checkouts = chain.from_iterable(map(_checkout, pending[:MAX_LISTED_PURCHASES]))
        evidence = say(MessageCode.CHECKOUTS_UNDER_WAY, checkouts=tuple(checkouts))
    yield Check("no_checkout_pending", not pending, evidence)
    yield _check_webhook(pending)


def _checkout(purchase: Purchase) -> Sentences:
    return say(
        MessageCode.CHECKOUT_UNDER_WAY,
        quantity=purchase.quantity,
        status=purchase.status,
        until=iso(purchase.expires_at),
    )


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
    evidence = say(MessageCode.LAST_EVENT, at=iso(seen)) if seen else say(MessageCode.NO_EVENT)
    return Check("webhook_seen", heard or not overdue, evidence)
