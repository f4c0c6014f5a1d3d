"""Settling: make the pool worth what Stripe says now.

`settle` is the one function behind every door: the webhook, the page that the buyer returns
to, the scheduled sweep, an admin's button. It looks, it never trusts what it was told, and it
writes only the difference, on condition that the purchase is still as it was read. So it can
be called any number of times, in any order, by anyone, and a crash costs one more look.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pynamodb.expressions.update import Action

from chalicelib.domain.ledger import Kind
from chalicelib.domain.purchases import UNPAID, Assessment, Status
from chalicelib.errors import Busy, NotFound, VersionConflict
from chalicelib.observability import count, logger
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.mail import reseller_notices
from chalicelib.services.purchases import stripe_sessions
from chalicelib.services.purchases.columns import (
    awaits_invoice,
    columns_from_stripe,
    columns_without_session,
    refund_behind_move,
)
from chalicelib.storage import pool
from chalicelib.storage.claims import free
from chalicelib.storage.pool import Move
from chalicelib.storage.purchases import (
    UNSETTLED,
    Purchase,
    RefundIntent,
    RefundState,
    checkout_claim,
)
from chalicelib.storage.reads import get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import differing
from chalicelib.storage.transactions import Transaction

ATTEMPTS = 5
STRIPE = "stripe"

ExtraColumns = Callable[[Purchase], dict[str, Any]]
"""Further columns to change in the same transaction, reckoned from the row as it was read."""


@dataclass(frozen=True, slots=True)
class SettleResult:
    """granted: how many licenses this call gave the pool (negative: took back).
    changed: whether it wrote anything of the purchase."""

    purchase: Purchase
    granted: int
    changed: bool


def settle(
    purchase: Purchase,
    *,
    session_id: str | None = None,
    by: str = STRIPE,
    once: IdempotentRequest = NO_KEY,
    also: ExtraColumns | None = None,
) -> SettleResult:
    """Look at Stripe and apply the difference, in one transaction.

    session_id: where it came to light that this purchase has a session its row never learnt.
    Invariant: the pool holds `licenses_granted` for this purchase, and after the call that
    is what the purchase is worth. Condition: the purchase's version; who loses that race
    looks again. Raises PaymentProviderUnavailable, Busy, NotFound.

    Who has changed a purchase that was paid before looks once more: a refund that failed
    meanwhile may have been seen by another, who found the row right as it still was and left
    it alone, and nobody else would come to correct an older look.
    """
    granted = 0
    changed = False
    for _ in range(ATTEMPTS):
        was_paid = Status(purchase.status) not in UNPAID
        try:
            settled = _settle(purchase, session_id, by=by, once=once, also=also)
        except VersionConflict:
            purchase = _read_again(purchase)
            continue
        granted += settled.granted
        changed = changed or settled.changed
        if not (was_paid and settled.changed):
            return SettleResult(settled.purchase, granted, changed)
        once, also = NO_KEY, None
    if changed:
        return SettleResult(purchase, granted, changed)
    raise Busy


def _read_again(purchase: Purchase) -> Purchase:
    again = get(Purchase, purchase.reseller_id, purchase.id)
    if again is None:
        raise NotFound("purchase")
    return again


def _settle(
    purchase: Purchase,
    session_id: str | None,
    *,
    by: str,
    once: IdempotentRequest,
    also: ExtraColumns | None,
) -> SettleResult:
    look = stripe_sessions.read_and_close_strays(purchase, session_id)
    further = also(purchase) if also else {}
    if look is None:
        return _apply(purchase, columns_without_session(purchase), further, by=by, once=once)
    columns = columns_from_stripe(purchase, look, further)
    assessment = look.assessment
    if awaits_invoice(purchase, assessment, columns):
        assessment = replace(assessment, awaited=True)
    return _apply(purchase, assessment, columns, by=by, once=once, look=look)


def _apply(
    purchase: Purchase,
    now: Assessment,
    columns: dict[str, Any],
    *,
    by: str,
    once: IdempotentRequest,
    look: stripe_sessions.SessionSnapshot | None = None,
) -> SettleResult:
    """Write what differs; nothing where nothing does."""
    before = _Before.of(purchase)
    refund = refund_behind_move(purchase, look)
    tx = Transaction()
    wanted = _target_columns(purchase, now, columns)
    if look is not None:
        wanted["bookings"] = purchase.booked(look.money, tx.now)
    if now.worth > before.granted and purchase.credited_at is None:
        wanted["credited_at"] = tx.now
    changed = differing(purchase, wanted)
    if changed:
        tx.change(purchase, **changed)
    if before.status == Status.PENDING != now.status:
        release_checkout_claim(tx, purchase)
    move = _move(now, before, by, purchase.id, refund)
    _move_licenses(tx, purchase, now.worth - before.granted, move, look)
    once.record(tx, purchase)
    tx.commit()
    if changed:
        _report_change(purchase, before)
    if now.worth != before.granted:
        reseller_notices.notify_low_supply(purchase.reseller_id)
    return SettleResult(purchase, now.worth - before.granted, bool(changed))


@dataclass(frozen=True, slots=True)
class _Before:
    """The row as it was read: the one in hand changes with the transaction."""

    status: Status
    granted: int
    refunded: int
    was_credited: bool

    @classmethod
    def of(cls, row: Purchase) -> "_Before":
        credited = row.credited_at is not None
        return cls(Status(row.status), row.licenses_granted, row.amount_refunded, credited)


def _target_columns(purchase: Purchase, now: Assessment, columns: dict[str, Any]) -> dict[str, Any]:
    refunds: dict[str, Any] = columns.get("refunds", purchase.refunds) or {}
    refunding = any(intent["state"] == RefundState.OPEN for intent in refunds.values())
    return {
        **columns,
        "status": now.status,
        "status_reason": now.reason,
        "licenses_granted": now.worth,
        "unsettled": UNSETTLED if now.awaited or refunding else None,
    }


def _move(
    now: Assessment, before: _Before, by: str, purchase_id: str, refund: RefundIntent | None
) -> Move:
    """Why licenses move, should they. Whoever sees it first, those of an admin's refund go by
    that admin's word."""
    if now.worth > before.granted:
        kind = Kind.REINSTATEMENT if before.was_credited else Kind.PURCHASE
        return Move(kind, by, purchase_id, now.reason)
    if now.status == Status.DISPUTED:
        return Move(Kind.DISPUTE, by, purchase_id)
    if refund is not None:
        return Move(Kind.REFUND, refund.by, purchase_id, refund.reason)
    return Move(Kind.REFUND, by, purchase_id, now.reason)


def _move_licenses(
    tx: Transaction,
    purchase: Purchase,
    difference: int,
    move: Move,
    look: stripe_sessions.SessionSnapshot | None,
) -> None:
    if difference > 0:
        customer_id = look.report.customer_id if look is not None else None
        also = _remember_customer(customer_id)
        pool.grant(tx, purchase.reseller_id, difference, move, also=also)
    elif difference < 0:
        pool.revoke(tx, purchase.reseller_id, -difference, move)
    if difference:
        reseller_notices.notify_purchase_change(tx, purchase, difference, move.kind)


def release_checkout_claim(tx: Transaction, purchase: Purchase) -> None:
    """The reseller can open another checkout of this quantity."""
    free(tx, checkout_claim(purchase.reseller_id, purchase.quantity), purchase.id)


def _remember_customer(customer_id: str | None) -> Sequence[Action]:
    """So that the reseller's next checkout knows the buyer; the first one stays."""
    column = Reseller.stripe_customer_id
    return [column.set(column | customer_id)] if customer_id else []


def _report_change(purchase: Purchase, before: _Before) -> None:
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
    count("PurchasesSettled")
    if before.status in UNPAID and purchase.status not in UNPAID:
        count("PurchasesPaid")
    if purchase.amount_refunded > before.refunded:
        count("PurchasesRefunded")
    if purchase.status == Status.DISPUTED != before.status:
        count("PurchasesDisputed")
    if purchase.status == Status.QUARANTINED != before.status:
        count("PurchasesQuarantined")
