"""Settle a purchase: make the license pool match what Stripe says the purchase is worth now.

Every entry point (webhook, return page, sweep, admin button) calls `settle`. It re-reads Stripe,
ignores what the event claimed, and writes only the difference, provided the purchase has not
changed since it was read. Events can therefore be reordered, repeated, or lost; callers can run
concurrently; and after a crash, the next call writes what is missing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from pynamodb.expressions.update import Action

from chalicelib.domain.actors import STRIPE, Actor
from chalicelib.domain.ledger import Kind
from chalicelib.domain.purchases import UNPAID, Assessment, Status
from chalicelib.domain.wording import text_of
from chalicelib.errors import NotFound
from chalicelib.observability import Metric, count, follow_up, logger
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.mail import reseller_notices
from chalicelib.services.purchases import stripe_sessions
from chalicelib.services.purchases.columns import (
    assess_without_session,
    awaits_invoice,
    columns_from_stripe,
    refund_behind_move,
)
from chalicelib.services.purchases.stripe_sessions import SessionSnapshot
from chalicelib.storage import pool, retries
from chalicelib.storage.claims import release_name
from chalicelib.storage.pool import Move
from chalicelib.storage.purchases import (
    REFUND_STATES,
    UNSETTLED,
    Purchase,
    RefundIntent,
    RefundState,
    checkout_claim,
)
from chalicelib.storage.reads import get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import Columns, changed_columns
from chalicelib.storage.transactions import Transaction

# After a change, Stripe is checked again. Each further change means that it has moved once more.
MAX_CHECKS = 5

ExtraColumns = Callable[[Purchase], Columns]
"""Computes additional columns to write in the same transaction, from the row as it was read."""


@dataclass(frozen=True, slots=True)
class SettleResult:
    """The purchase as it is now, and what this call did.

    `granted` is the number of licenses added to the pool; negative if licenses were taken back.
    `changed` says whether any column of the purchase was written.
    """

    purchase: Purchase
    granted: int
    changed: bool


def settle(
    purchase: Purchase,
    *,
    session_id: str | None = None,
    by: Actor = STRIPE,
    once: IdempotentRequest = NO_KEY,
    extra_columns: ExtraColumns | None = None,
) -> SettleResult:
    """Re-read Stripe and write the difference to the pool, ledger, and purchase in one transaction.

    `session_id` is a session of this purchase that the row may not list yet. `extra_columns` and
    the response recorded by `once` are written in the same transaction.

    Invariant: the pool holds exactly `licenses_granted` licenses for this purchase, and when the
    call returns, that is what the purchase is worth according to Stripe.
    Condition: the purchase's version is unchanged since it was read. A caller that loses the
    race re-reads the row and Stripe, and tries again.
    A repeated call finds no difference and writes nothing. After a crash, either all of the
    transaction is in the database or none of it, and the next call writes what is missing. If the
    database's response is lost, the transaction layer finds out whether the commit succeeded.

    After a change to a purchase that was already paid, Stripe is checked once more. A refund may
    have failed in the meantime, and a concurrent caller may have seen that before our write. That
    caller found the row still correct and wrote nothing, and no later event would correct what we
    wrote from our older snapshot. If this check fails, the sweep makes up for it: it settles every
    purchase that Stripe has an event about.

    Raises PaymentProviderUnavailable, Busy, and NotFound (the row was deleted).
    """
    if _lacks_its_grant(purchase):
        extra = {"reseller_id": purchase.reseller_id, "purchase_id": purchase.id}
        logger.error("A credited purchase lacks licenses_granted: repair its finding", extra=extra)
        return SettleResult(purchase, granted=0, changed=False)

    def settle_once(current: Purchase) -> tuple[bool, SettleResult]:
        was_paid = current.status not in UNPAID
        return was_paid, _settle_once(
            current, session_id, by=by, once=once, extra_columns=extra_columns
        )

    def settle_current(purchase: Purchase) -> tuple[bool, SettleResult]:
        return retries.act_on_current(partial(_read_again, purchase), settle_once, first=purchase)

    was_paid, result = settle_current(purchase)
    settled = result
    once, extra_columns = NO_KEY, None  # both have been written
    with follow_up("check the purchase once more", purchase_id=purchase.id):
        for _ in range(MAX_CHECKS - 1):
            if not (was_paid and result.changed):
                break
            was_paid, result = settle_current(settled.purchase)
            settled = SettleResult(result.purchase, settled.granted + result.granted, True)
    return settled


def _lacks_its_grant(purchase: Purchase) -> bool:
    """Whether someone removed `licenses_granted` from a purchase that may have been credited.

    The column would read as 0, and settling would grant the licenses a second time.
    """
    may_be_credited = purchase.credited_at is not None or purchase.status not in UNPAID
    return may_be_credited and "licenses_granted" in purchase.missing_columns


def _read_again(purchase: Purchase) -> Purchase:
    found = get(Purchase, purchase.reseller_id, purchase.id)
    if found is None:
        raise NotFound("purchase")
    return found


def _settle_once(
    purchase: Purchase,
    session_id: str | None,
    *,
    by: Actor,
    once: IdempotentRequest,
    extra_columns: ExtraColumns | None,
) -> SettleResult:
    snapshot = stripe_sessions.read_and_close_strays(purchase, session_id)
    extra = extra_columns(purchase) if extra_columns else {}
    if snapshot is None:
        return _apply(purchase, assess_without_session(purchase), extra, by=by, once=once)
    columns = columns_from_stripe(purchase, snapshot, extra)
    assessment = snapshot.assessment
    if awaits_invoice(purchase, assessment, columns):
        assessment = replace(assessment, awaited=True)
    return _apply(purchase, assessment, columns, by=by, once=once, snapshot=snapshot)


def _apply(
    purchase: Purchase,
    assessment: Assessment,
    columns: Columns,
    *,
    by: Actor,
    once: IdempotentRequest,
    snapshot: SessionSnapshot | None = None,
) -> SettleResult:
    """Write the changed columns and move the difference in licenses, in one transaction."""
    before = _StateBefore.of(purchase)
    refund = refund_behind_move(purchase, snapshot)
    tx = Transaction()
    target = _target_columns(purchase, assessment, columns)
    if snapshot is not None:
        target["bookings"] = purchase.bookings_for(snapshot.money, tx.now)
    if assessment.worth > before.granted and purchase.credited_at is None:
        target["credited_at"] = tx.now
    changed = changed_columns(purchase, target)
    if changed:
        tx.change(purchase, changed)
    if before.status == Status.PENDING != assessment.status:
        release_checkout_claim(tx, purchase)
    move = _ledger_move(assessment, before, by, purchase.id, refund)
    difference = assessment.worth - before.granted
    _move_licenses(tx, purchase, difference, move, snapshot)
    once.record(tx, purchase)
    tx.commit()
    if changed:
        _report_change(purchase, before)
    if difference:
        reseller_notices.notify_low_supply(purchase.reseller_id)
    return SettleResult(purchase, difference, bool(changed))


@dataclass(frozen=True, slots=True)
class _StateBefore:
    """The row's state before `Transaction.change`, which updates the row object immediately."""

    status: str
    granted: int
    refunded: int
    was_credited: bool

    @classmethod
    def of(cls, row: Purchase) -> "_StateBefore":
        credited = row.credited_at is not None
        return cls(row.status, row.licenses_granted, row.amount_refunded, credited)


def _target_columns(purchase: Purchase, assessment: Assessment, columns: Columns) -> Columns:
    states = {entry.get("state") for entry in columns.get("refunds", purchase.refunds).values()}
    unsettled = UNSETTLED if assessment.awaited or RefundState.OPEN in states else None
    if unsettled is None and not states <= REFUND_STATES:  # a later release may await something
        unsettled = purchase.unsettled
    return {
        **columns,
        "status": assessment.status,
        **purchase.reason_columns(assessment.reasons),
        "licenses_granted": assessment.worth,
        "unsettled": unsettled,
    }


def _ledger_move(
    assessment: Assessment,
    before: _StateBefore,
    by: Actor,
    purchase_id: str,
    refund: RefundIntent | None,
) -> Move:
    """Return how the ledger explains the change.

    A refund that an admin requested is attributed to that admin, with the admin's reason,
    regardless of which caller settles it.
    """
    reason = text_of(assessment.reasons) or None
    if assessment.worth > before.granted:
        kind = Kind.REINSTATEMENT if before.was_credited else Kind.PURCHASE
        return Move(kind, by, purchase_id, reason)
    if assessment.status == Status.DISPUTED:
        return Move(Kind.DISPUTE, by, purchase_id)
    if refund is not None:
        return Move(Kind.REFUND, Actor(refund.by), purchase_id, refund.reason)
    return Move(Kind.REFUND, by, purchase_id, reason)


def _move_licenses(
    tx: Transaction,
    purchase: Purchase,
    difference: int,
    move: Move,
    snapshot: SessionSnapshot | None,
) -> None:
    """Add licenses or take them back. Taking them back can leave the reseller over-allocated."""
    if difference > 0:
        customer_id = snapshot.report.customer_id if snapshot is not None else None
        pool.grant(
            tx,
            purchase.reseller_id,
            difference,
            move,
            extra_actions=_remember_customer(customer_id),
        )
    elif difference < 0:
        pool.revoke(tx, purchase.reseller_id, -difference, move)
    if difference:
        reseller_notices.notify_purchase_change(tx, purchase, difference, move.kind)


def release_checkout_claim(tx: Transaction, purchase: Purchase) -> None:
    """Let the reseller open another checkout for this quantity."""
    release_name(tx, checkout_claim(purchase.reseller_id, purchase.quantity), purchase.id)


def _remember_customer(customer_id: str | None) -> Sequence[Action]:
    """Store the reseller's first Stripe customer ID, so that the next checkout reuses it."""
    column = Reseller.stripe_customer_id
    return [column.set(column | customer_id)] if customer_id else []


def _report_change(purchase: Purchase, before: _StateBefore) -> None:
    logger.info(
        "Purchase settled",
        extra={
            "purchase_id": purchase.id,
            "reseller_id": purchase.reseller_id,
            "before": before.status,
            "after": purchase.status,
            "licenses_moved": purchase.licenses_granted - before.granted,
        },
    )
    count(Metric.PURCHASES_SETTLED)
    if before.status in UNPAID and purchase.status not in UNPAID:
        count(Metric.PURCHASES_PAID)
    if purchase.amount_refunded > before.refunded:
        count(Metric.PURCHASES_REFUNDED)
    if purchase.status == Status.DISPUTED != before.status:
        count(Metric.PURCHASES_DISPUTED)
    if purchase.status == Status.QUARANTINED != before.status:
        count(Metric.PURCHASES_QUARANTINED)
