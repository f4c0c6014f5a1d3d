"""What a purchase's row should say, by a look at Stripe."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from chalicelib import clock
from chalicelib.domain.purchases import RESUMABLE, VOID_REFUNDS, Assessment, Refund, Status
from chalicelib.storage.purchases import Purchase, RefundIntent, RefundState

if TYPE_CHECKING:
    from chalicelib.services.purchases.stripe_sessions import SessionSnapshot

# Stripe makes the invoice shortly after the payment; so long the sweep asks for its address.
INVOICE_AWAITED = timedelta(hours=24)
DONE = {"state": RefundState.DONE, "note": None}
FAILED = {
    "state": RefundState.FAILED,
    "note": "It failed at Stripe: the money came back, and the licenses with it.",
}


def columns_without_session(purchase: Purchase) -> Assessment:
    """A crash came between the purchase and its checkout. Until it is too old to be given
    one, the buyer's next request goes on with it."""
    status, reason = Status(purchase.status), purchase.status_reason
    if status == Status.PENDING and clock.now() - purchase.created_at > RESUMABLE:
        status = Status.EXPIRED
    awaited = status == Status.PENDING
    return Assessment(status, purchase.licenses_granted, reason, awaited=awaited)


def columns_from_stripe(
    purchase: Purchase, look: "SessionSnapshot", further: dict[str, Any]
) -> dict[str, Any]:
    """But for what it is and is worth. further: columns that change beside them."""
    counted = look.counted
    columns: dict[str, Any] = {
        "amount_paid": counted.gross,
        "amount_refunded": counted.refunded,
    }
    if look.report.purchase_id != purchase.id:  # what else it says is another purchase's
        return columns | further
    columns |= _of_the_session(purchase, look) | further
    return columns | _refund_outcomes(columns.get("refunds", purchase.refunds), look)


def _of_the_session(purchase: Purchase, look: "SessionSnapshot") -> dict[str, Any]:
    found = look.report
    columns: dict[str, Any] = {
        "session_id": found.session_id,
        "other_sessions": look.other_sessions or None,
        "payment_intent_id": found.payment_intent_id or purchase.payment_intent_id,
        "receipt_url": found.receipt_url or purchase.receipt_url,
        "invoice_url": found.invoice_url or purchase.invoice_url,
    }
    if found.session_id != purchase.session_id:
        columns |= {"checkout_url": found.url, "expires_at": found.expires_at}
    if found.facts.paid and purchase.paid_at is None:
        columns["paid_at"] = found.paid_at or clock.now()
    return columns


def _refund_outcomes(refunds: dict[str, Any] | None, look: "SessionSnapshot") -> dict[str, Any]:
    """The column `refunds` with what has become at Stripe of those that are closed: one can
    fail weeks later. An open one is closed by whoever carries it out, so that to ask for the
    same again is to go on with it."""
    if not refunds:
        return {}
    by_intent = {r.intent: r for r in sorted(look.report.facts.refunds, key=_is_alive)}
    return {
        "refunds": {
            id: kept | _refund_outcome(kept, by_intent.get(id)) for id, kept in refunds.items()
        }
    }


def _is_alive(refund: Refund) -> bool:
    return refund.status not in VOID_REFUNDS


def _refund_outcome(kept: dict[str, Any], made: Refund | None) -> dict[str, Any]:
    if made is None or kept["state"] == RefundState.OPEN:
        return {}
    return {"stripe_id": made.id} | (DONE if _is_alive(made) else FAILED)


def refund_behind_move(purchase: Purchase, look: "SessionSnapshot | None") -> RefundIntent | None:
    """The admin's refund by which licenses go, should they: the open one, if Stripe has made
    it, or if there is nothing to pay. Else somebody refunded in Stripe's dashboard."""
    intent = purchase.open_refund
    if intent is None or look is None:
        return None
    made = any(r.intent == intent.id for r in look.report.facts.live_refunds)
    return intent if made or intent.amount == 0 else None


def awaits_invoice(purchase: Purchase, assessment: Assessment, columns: dict[str, Any]) -> bool:
    paid_at = columns.get("paid_at", purchase.paid_at)
    return (
        assessment.status == Status.PAID
        and columns["invoice_url"] is None
        and clock.now() - paid_at < INVOICE_AWAITED
    )
