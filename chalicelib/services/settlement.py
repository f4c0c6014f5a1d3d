"""Settling: make the pool worth what Stripe says now.

`settle` is the one function behind every door: the webhook, the page that the buyer returns
to, the scheduled sweep, an admin's button. It looks, it never trusts what it was told, and it
writes only the difference, on condition that the purchase is still as it was read. So it can
be called any number of times, in any order, by anyone, and a crash costs one more look.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pynamodb.expressions.update import Action

from chalicelib import clock
from chalicelib.domain.ledger import Kind
from chalicelib.domain.purchases import (
    RESUMABLE,
    UNPAID,
    VOID_REFUNDS,
    Assessment,
    Status,
)
from chalicelib.domain.statements import Money
from chalicelib.errors import Busy, NotFound, VersionConflict
from chalicelib.observability import count, logger
from chalicelib.services import checkout_sessions, notices
from chalicelib.services.idempotency import UNKEYED, Once
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
from chalicelib.storage.transactions import Transaction

if TYPE_CHECKING:
    from chalicelib.services.checkout_sessions import Look

ATTEMPTS = 5
# Stripe makes the invoice shortly after the payment; so long the sweep asks for its address.
INVOICE_AWAITED = timedelta(hours=24)
STRIPE = "stripe"

Also = Callable[[Purchase], dict[str, Any]]
"""Further columns to change in the same transaction, reckoned from the row as it was read."""


@dataclass(frozen=True, slots=True)
class Settled:
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
    once: Once = UNKEYED,
    also: Also | None = None,
) -> Settled:
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
            return Settled(settled.purchase, granted, changed)
        once, also = UNKEYED, None
    if changed:
        return Settled(purchase, granted, changed)
    raise Busy


def _read_again(purchase: Purchase) -> Purchase:
    again = get(Purchase, purchase.reseller_id, purchase.id)
    if again is None:
        raise NotFound("purchase")
    return again


def _settle(
    purchase: Purchase, session_id: str | None, *, by: str, once: Once, also: Also | None
) -> Settled:
    look = checkout_sessions.look_and_close(purchase, session_id)
    further = also(purchase) if also else {}
    if look is None:
        return _apply(purchase, _without_session(purchase), further, by=by, once=once)
    columns = _columns(purchase, look) | further
    columns |= _fates(columns.get("refunds", purchase.refunds), look)
    assessment = look.assessment
    if _invoice_awaited(purchase, assessment, columns):
        assessment = replace(assessment, awaited=True)
    customer_id = look.report.customer_id
    return _apply(purchase, assessment, columns, by=by, once=once, customer_id=customer_id)


def _without_session(purchase: Purchase) -> Assessment:
    """A crash came between the purchase and its checkout. Until it is too old to be given
    one, the buyer's next request goes on with it."""
    status = Status(purchase.status)
    if status == Status.PENDING and clock.now() - purchase.created_at > RESUMABLE:
        status = Status.EXPIRED
    return Assessment(status, purchase.licenses_granted, awaited=status == Status.PENDING)


def _columns(purchase: Purchase, look: "Look") -> dict[str, Any]:
    found, facts = look.report, look.report.facts
    if found.purchase_id != purchase.id:  # what was paid is in another purchase's books
        return {"amount_paid": 0, "amount_refunded": 0}
    columns: dict[str, Any] = {
        "session_id": found.session_id,
        "other_sessions": look.other_sessions or None,
        "payment_intent_id": found.payment_intent_id or purchase.payment_intent_id,
        "receipt_url": found.receipt_url or purchase.receipt_url,
        "invoice_url": found.invoice_url or purchase.invoice_url,
        "amount_paid": facts.amount_total if facts.paid else 0,
        "amount_refunded": facts.amount_refunded,
    }
    if found.session_id != purchase.session_id:
        columns |= {"checkout_url": found.url, "expires_at": found.expires_at}
    if facts.paid and purchase.paid_at is None:
        columns["paid_at"] = found.paid_at or clock.now()
    return columns


def _fates(refunds: dict[str, Any] | None, look: "Look") -> dict[str, Any]:
    """The column `refunds` with what has become at Stripe of those that were made: one can
    fail weeks later."""
    if not refunds:
        return {}
    fates = {
        r.id: _FAILED if r.status in VOID_REFUNDS else _DONE for r in look.report.facts.refunds
    }
    told = {id: intent | fates.get(intent.get("stripe_id"), {}) for id, intent in refunds.items()}
    return {"refunds": told}


_DONE = {"state": RefundState.DONE, "note": None}
_FAILED = {
    "state": RefundState.FAILED,
    "note": "It failed at Stripe: the money came back, and the licenses with it.",
}


def _invoice_awaited(purchase: Purchase, assessment: Assessment, columns: dict[str, Any]) -> bool:
    paid_at = columns.get("paid_at", purchase.paid_at)
    return (
        assessment.status == Status.PAID
        and columns["invoice_url"] is None
        and clock.now() - paid_at < INVOICE_AWAITED
    )


def _apply(
    purchase: Purchase,
    now: Assessment,
    columns: dict[str, Any],
    *,
    by: str,
    once: Once,
    customer_id: str | None = None,
) -> Settled:
    """Write what differs; nothing where nothing does."""
    difference = now.worth - purchase.licenses_granted
    refund = purchase.open_refund
    wanted = {**columns, "status": now.status, "status_reason": now.reason}
    wanted["licenses_granted"] = now.worth
    refunds: dict[str, Any] = columns.get("refunds", purchase.refunds) or {}
    refunding = any(intent["state"] == RefundState.OPEN for intent in refunds.values())
    wanted["unsettled"] = UNSETTLED if now.awaited or refunding else None
    tx = Transaction()
    wanted["bookings"] = purchase.booked(_money(purchase, wanted), tx.now)
    first = difference > 0 and purchase.credited_at is None
    if first:
        wanted["credited_at"] = tx.now
    changed = {k: v for k, v in wanted.items() if getattr(purchase, k) != v}
    before = Status(purchase.status)
    paid_back = wanted.get("amount_refunded", 0) > purchase.amount_refunded
    if changed:
        tx.change(purchase, **changed)
    if before == Status.PENDING and now.status != Status.PENDING:
        free_claim(tx, purchase)
    if difference > 0:
        kind = Kind.PURCHASE if first else Kind.REINSTATEMENT
        move = Move(kind, by, purchase.id, now.reason)
        pool.grant(tx, purchase.reseller_id, difference, move, also=_remember(customer_id))
        notices.purchase_moved(tx, purchase, difference, kind)
    elif difference < 0:
        move = _taking_back(purchase, refund, now, by)
        pool.revoke(tx, purchase.reseller_id, -difference, move)
        notices.purchase_moved(tx, purchase, difference, move.kind)
    once.record(tx, purchase)
    tx.commit()
    if changed:
        _tell(purchase, difference, before, paid_back=paid_back)
    if difference:
        notices.watch_supply(purchase.reseller_id)
    return Settled(purchase, difference, bool(changed))


def _money(purchase: Purchase, columns: dict[str, Any]) -> Money:
    paid = columns.get("amount_paid", purchase.amount_paid)
    refunded = columns.get("amount_refunded", purchase.amount_refunded)
    held = paid - refunded if columns["status"] == Status.DISPUTED else 0
    return Money(paid, refunded, held)


def free_claim(tx: Transaction, purchase: Purchase) -> None:
    """The reseller can open another checkout of this quantity."""
    free(tx, checkout_claim(purchase.reseller_id, purchase.quantity), purchase.id)


def _taking_back(purchase: Purchase, refund: RefundIntent | None, now: Assessment, by: str) -> Move:
    """Whoever sees it first, the licenses of an admin's refund go by that admin's word."""
    if now.status == Status.DISPUTED:
        return Move(Kind.DISPUTE, by, purchase.id)
    if refund is not None:
        return Move(Kind.REFUND, refund.by, purchase.id, refund.reason)
    return Move(Kind.REFUND, by, purchase.id, now.reason)


def _remember(customer_id: str | None) -> Sequence[Action]:
    """So that the reseller's next checkout knows the buyer; the first one stays."""
    column = Reseller.stripe_customer_id
    return [column.set(column | customer_id)] if customer_id else []


def _tell(purchase: Purchase, difference: int, before: Status, *, paid_back: bool) -> None:
    logger.info(
        "Purchase settled",
        extra={
            "purchase_id": purchase.id,
            "reseller_id": purchase.reseller_id,
            "before": before,
            "after": purchase.status,
            "licenses_moved": difference,
        },
    )
    count("PurchasesSettled")
    if before in UNPAID and purchase.status not in UNPAID:
        count("PurchasesPaid")
    if paid_back:
        count("PurchasesRefunded")
    if purchase.status == Status.DISPUTED != before:
        count("PurchasesDisputed")
    if purchase.status == Status.QUARANTINED != before:
        count("PurchasesQuarantined")
