"""Compute the columns for a purchase's row from a snapshot of its Stripe sessions."""

from datetime import timedelta
from typing import TYPE_CHECKING

from chalicelib import clock
from chalicelib.domain.purchases import (
    RESUMABLE_FOR,
    STATUSES,
    VOID_REFUNDS,
    Assessment,
    Refund,
    Status,
)
from chalicelib.storage.purchases import REFUND_STATES, Purchase, RefundIntent, RefundState
from chalicelib.storage.rows import Columns

if TYPE_CHECKING:
    from chalicelib.services.purchases.stripe_sessions import SessionSnapshot

# Stripe creates the invoice shortly after the payment. The sweep keeps looking for the invoice for
# this long.
INVOICE_AWAITED_FOR = timedelta(hours=24)
CLOSED = REFUND_STATES - {RefundState.OPEN}
REFUND_DONE = {"state": RefundState.DONE, "note": None}
REFUND_FAILED = {
    "state": RefundState.FAILED,
    "note": "The refund failed at Stripe: the money came back, and the licenses were restored.",
}


def assess_without_session(purchase: Purchase) -> Assessment:
    """Assess a purchase that has no session because of a crash before one was opened.

    The purchase stays pending, so that the buyer's next request can resume it, until it is too old
    for a session. A purchase whose status only a later release knows stays as it is.
    """
    status, reasons = purchase.status, purchase.reasons
    if status not in STATUSES:
        awaited = purchase.unsettled is not None
        return Assessment(status, purchase.licenses_granted, reasons, awaited=awaited)
    if status == Status.PENDING and clock.now() - purchase.created_at > RESUMABLE_FOR:
        status = Status.EXPIRED
    awaited = status == Status.PENDING
    return Assessment(status, purchase.licenses_granted, reasons, awaited=awaited)


def columns_from_stripe(purchase: Purchase, snapshot: "SessionSnapshot", extra: Columns) -> Columns:
    """Return the columns that come from Stripe, other than the status and the licenses granted.

    `extra` is merged in. A session that belongs to another purchase contributes no links or IDs.
    """
    counted = snapshot.counted
    columns: Columns = {
        "amount_paid": counted.gross,
        "amount_refunded": counted.refunded,
    }
    if snapshot.report.purchase_id != purchase.id:
        return columns | extra
    columns |= _session_columns(purchase, snapshot) | extra
    return columns | _refund_outcomes(columns.get("refunds", purchase.refunds), snapshot)


def _session_columns(purchase: Purchase, snapshot: "SessionSnapshot") -> Columns:
    report = snapshot.report
    columns: Columns = {
        "session_id": report.session_id,
        "other_sessions": snapshot.other_sessions or None,
        "payment_intent_id": report.payment_intent_id or purchase.payment_intent_id,
        "receipt_url": report.receipt_url or purchase.receipt_url,
        "invoice_url": report.invoice_url or purchase.invoice_url,
    }
    if report.session_id != purchase.session_id:
        columns |= {"checkout_url": report.url, "expires_at": report.expires_at}
    if report.facts.paid and purchase.paid_at is None:
        columns["paid_at"] = report.paid_at or clock.now()
    return columns


def _refund_outcomes(refunds: Columns | None, snapshot: "SessionSnapshot") -> Columns:
    """Return the `refunds` column with the current outcome of every closed refund.

    A refund can fail weeks after it was issued. An open refund keeps its state: only the request or
    sweep that executes the refund closes it, so that requesting the same refund again resumes it.
    """
    if not refunds:
        return {}
    # Effective refunds sort last, so they win if one intent has several refunds in Stripe.
    by_intent = {r.intent: r for r in sorted(snapshot.report.facts.refunds, key=_is_effective)}
    return {
        "refunds": {
            id: stored | _refund_outcome(stored, by_intent.get(id))
            for id, stored in refunds.items()
        }
    }


def _is_effective(refund: Refund) -> bool:
    return refund.status not in VOID_REFUNDS


def _refund_outcome(stored: Columns, refund: Refund | None) -> Columns:
    if refund is None or stored.get("state") not in CLOSED:
        return {}
    outcome = REFUND_DONE if _is_effective(refund) else REFUND_FAILED
    return {"stripe_id": refund.id} | outcome


def refund_behind_move(
    purchase: Purchase, snapshot: "SessionSnapshot | None"
) -> RefundIntent | None:
    """Return the admin's refund that caused licenses to be taken back, if there is one.

    This is the open refund, if Stripe has issued it or if it pays back no money. Otherwise, someone
    refunded the payment in Stripe's dashboard.
    """
    intent = purchase.open_refund
    if intent is None or snapshot is None:
        return None
    was_made = any(r.intent == intent.id for r in snapshot.report.facts.effective_refunds)
    return intent if was_made or intent.amount == 0 else None


def awaits_invoice(purchase: Purchase, assessment: Assessment, columns: Columns) -> bool:
    """Return whether a recently paid purchase has no invoice link yet."""
    paid_at = columns.get("paid_at", purchase.paid_at)
    return (
        assessment.status == Status.PAID
        and columns["invoice_url"] is None
        and clock.now() - paid_at < INVOICE_AWAITED_FOR
    )
