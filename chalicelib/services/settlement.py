"""Settling: make the pool worth what Stripe says now.

`settle` is the one function behind every door: the webhook, the page that the buyer returns
to, the scheduled sweep, an admin's button. It looks, it never trusts what it was told, and it
writes only the difference, on condition that the purchase is still as it was read. So it can
be called any number of times, in any order, by anyone, and a crash costs one more look.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chalicelib import clock
from chalicelib.domain.ledger import Kind
from chalicelib.domain.purchases import UNPAID, Assessment, Quoted, Status, assess
from chalicelib.domain.purchases import UNSETTLED as UNSETTLED_STATUSES
from chalicelib.errors import Busy, NotFound, VersionConflict
from chalicelib.observability import count, logger
from chalicelib.services.idempotency import UNKEYED, Once
from chalicelib.settings import settings
from chalicelib.storage import pool
from chalicelib.storage.claims import free
from chalicelib.storage.pool import Move
from chalicelib.storage.purchases import UNSETTLED, Purchase, checkout_claim
from chalicelib.storage.reads import get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.transactions import Transaction

ATTEMPTS = 5
# With this age and no session at Stripe, a purchase can never be paid.
ABANDONED = timedelta(hours=24)
STRIPE = "stripe"


class ForeignSession(RuntimeError):
    """A purchase row names a session that was made for another: never credited."""

    def __init__(self, session_id: str, purchase_id: str) -> None:
        super().__init__(f"Stripe's session {session_id} was not made for {purchase_id}.")


@dataclass(frozen=True, slots=True)
class Settled:
    """granted: how many licenses this call gave the pool (negative: took back)."""

    purchase: Purchase
    granted: int


def settle(
    purchase: Purchase,
    *,
    session_id: str | None = None,
    by: str = STRIPE,
    once: Once = UNKEYED,
) -> Settled:
    """Look at Stripe and apply the difference, in one transaction.

    session_id: where it came to light that this purchase has a session its row never learnt.
    Invariant: the pool holds `licenses_granted` for this purchase, and after the call that
    is what the purchase is worth. Condition: the purchase's version; who loses that race
    looks again. Raises PaymentProviderUnavailable, Busy, NotFound.
    """
    for _ in range(ATTEMPTS):
        try:
            return _settle(purchase, purchase.session_id or session_id, by=by, once=once)
        except VersionConflict:
            again = get(Purchase, purchase.reseller_id, purchase.id)
            if again is None:
                raise NotFound("purchase") from None
            purchase = again
    raise Busy


def _settle(purchase: Purchase, session_id: str | None, *, by: str, once: Once) -> Settled:
    if session_id is None:
        return _settle_without_session(purchase, once)
    from chalicelib.payments.checkout import report

    found = report(session_id)
    if found.purchase_id != purchase.id:
        raise ForeignSession(session_id, purchase.id)
    quoted = Quoted(purchase.quantity, purchase.total, purchase.currency, settings().livemode)
    now = assess(quoted, found.facts)
    columns: dict[str, Any] = {
        "session_id": session_id,
        "payment_intent_id": found.payment_intent_id or purchase.payment_intent_id,
        "receipt_url": found.receipt_url or purchase.receipt_url,
        "invoice_url": found.invoice_url or purchase.invoice_url,
        "amount_paid": found.facts.amount_total if found.facts.paid else 0,
        "amount_refunded": found.facts.amount_refunded,
    }
    if found.facts.paid and purchase.paid_at is None:
        columns["paid_at"] = clock.now()
    return _apply(purchase, now, columns, by=by, once=once, customer_id=found.customer_id)


def _settle_without_session(purchase: Purchase, once: Once) -> Settled:
    """A crash came between the purchase and its checkout. Until it is too old to be paid, the
    buyer's next request goes on with it."""
    abandoned = clock.now() - purchase.created_at > ABANDONED
    status = Status.EXPIRED if abandoned else Status(purchase.status)
    return _apply(purchase, Assessment(status, 0), {}, by=STRIPE, once=once)


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
    columns = columns | {
        "status": now.status,
        "status_reason": now.reason,
        "licenses_granted": now.worth,
        "unsettled": UNSETTLED if now.status in UNSETTLED_STATUSES else None,
    }
    changed = {k: v for k, v in columns.items() if getattr(purchase, k) != v}
    was_open = purchase.status == Status.PENDING
    before = Status(purchase.status)
    tx = Transaction()
    if changed:
        tx.change(purchase, **changed)
    if was_open and now.status != Status.PENDING:
        name = checkout_claim(purchase.reseller_id, purchase.quantity)
        free(tx, name, purchase.id)
    if difference:
        _move(tx, purchase, difference, before, now.status, by)
    once.record(tx, purchase)
    tx.commit()
    if changed:
        _tell(purchase, difference, before)
        _remember_customer(purchase.reseller_id, customer_id)
    return Settled(purchase, difference)


def _move(
    tx: Transaction, purchase: Purchase, difference: int, before: Status, after: Status, by: str
) -> None:
    if difference > 0:
        kind = Kind.PURCHASE if before in UNPAID | {Status.QUARANTINED} else Kind.REINSTATEMENT
        pool.grant(tx, purchase.reseller_id, difference, Move(kind, by, purchase.id))
    else:
        kind = Kind.DISPUTE if after == Status.DISPUTED else Kind.REFUND
        pool.revoke(tx, purchase.reseller_id, -difference, Move(kind, by, purchase.id))


def _tell(purchase: Purchase, difference: int, before: Status) -> None:
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
    if purchase.status == Status.QUARANTINED:
        count("PurchasesQuarantined")


def _remember_customer(reseller_id: str, customer_id: str | None) -> None:
    """So that the next checkout knows the buyer. Losing it loses nothing but convenience."""
    if customer_id is None:
        return
    reseller = get(Reseller, reseller_id)
    if reseller is None or reseller.stripe_customer_id is not None:
        return
    tx = Transaction()
    tx.update(
        reseller,
        [Reseller.stripe_customer_id.set(customer_id)],
        condition=Reseller.id.exists() & Reseller.stripe_customer_id.does_not_exist(),
        otherwise=VersionConflict(),
    )
    try:
        tx.commit()
    except VersionConflict:
        logger.info("Another checkout's customer is remembered", extra={"reseller": reseller_id})
