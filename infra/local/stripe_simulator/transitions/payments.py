"""Payments: one PaymentIntent, and a charge for each attempt."""

from __future__ import annotations

from typing import Any

from infra.local.stripe_simulator.account import Account, Object
from infra.local.stripe_simulator.errors import InvalidAction
from infra.local.stripe_simulator.objects import charge as charges
from infra.local.stripe_simulator.objects.payment_intent import new_payment_intent

DECLINED = ("card_declined", "Your card was declined.")
DEBIT_FAILED = ("insufficient_funds", "The customer's account has insufficient funds.")


def charge_of(account: Account, id: str) -> Object:
    """Return the charge for the ID of a session, a payment intent, or a charge."""
    kind = {"cs": "checkout.session", "pi": "payment_intent", "ch": "charge"}.get(id.split("_")[0])
    if kind is None:
        raise InvalidAction(f"{id} is not a session, a payment intent, or a charge")
    found = account.get(kind, id)
    if kind == "charge":
        return found
    next_id = found["payment_intent" if kind == "checkout.session" else "latest_charge"]
    if next_id is None:
        raise InvalidAction(f"{id} has no payment yet")
    return charge_of(account, next_id)


def start_attempt(account: Account, session: Object, method: str) -> tuple[Object, Object]:
    """Create a pending charge and, at the first attempt, the payment intent. Return both."""
    if session["payment_intent"]:
        # An earlier attempt was declined. Since then, the customer may have become known.
        intent = account.get("payment_intent", session["payment_intent"])
        intent = account.change(intent, customer=session["customer"])
    else:
        data = account.session_details[session["id"]].payment_intent_data
        intent = account.add(new_payment_intent(account, session, data))
        account.emit("payment_intent.created", intent)
    payer = session["customer_details"] or {"email": session["customer_email"], "name": None}
    charge = account.add(charges.new_charge(account, intent, payer, method))
    intent = account.change(
        intent,
        latest_charge=charge["id"],
        last_payment_error=None,
        payment_method=charge["payment_method"],
    )
    return intent, charge


def process(account: Account, intent: Object, charge: Object) -> Object:
    """Leave a payment with a delayed method pending until the bank confirms or declines it."""
    intent = account.change(intent, status="processing")
    account.emit("payment_intent.processing", intent)
    account.emit("charge.pending", charge)
    return intent


def succeed(account: Account, intent: Object, charge: Object) -> Object:
    charge = account.change(charge, **charges.success_fields(account, charge))
    intent = account.change(intent, status="succeeded", amount_received=intent["amount"])
    account.emit("charge.succeeded", charge)
    account.emit("payment_intent.succeeded", intent)
    return intent


def fail(account: Account, intent: Object, charge: Object, reason: tuple[str, str]) -> Object:
    """Fail the charge. `reason` is a failure code and its message."""
    charge = account.change(charge, **charges.failure_fields(*reason))
    intent = account.change(
        intent,
        status="requires_payment_method",
        payment_method=None,
        last_payment_error=_payment_error(charge),
    )
    account.emit("charge.failed", charge)
    account.emit("payment_intent.payment_failed", intent)
    return intent


def cancel(account: Account, intent: Object) -> Object:
    intent = account.change(
        intent, status="canceled", canceled_at=account.now(), cancellation_reason="expired"
    )
    account.emit("payment_intent.canceled", intent)
    return intent


def _payment_error(charge: Object) -> dict[str, Any]:
    return {
        "charge": charge["id"],
        "code": charge["failure_code"],
        "decline_code": "generic_decline",
        "message": charge["failure_message"],
        "type": "card_error",
    }
