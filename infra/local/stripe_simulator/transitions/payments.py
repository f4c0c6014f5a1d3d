"""A payment: one PaymentIntent, and a charge for each attempt."""

from __future__ import annotations

from typing import Any

from infra.local.stripe_simulator.account import Account, Object
from infra.local.stripe_simulator.errors import InvalidAction
from infra.local.stripe_simulator.objects import charge as charges
from infra.local.stripe_simulator.objects.payment_intent import new_payment_intent

DECLINED = ("card_declined", "Your card was declined.")
DEBIT_FAILED = ("insufficient_funds", "The customer's account has insufficient funds.")


def charge_of(account: Account, id: str) -> Object:
    """The charge that an id of a session, a payment or a charge leads to."""
    kind = {"cs": "checkout.session", "pi": "payment_intent", "ch": "charge"}.get(id.split("_")[0])
    if kind is None:
        raise InvalidAction(f"{id} is neither a session, a payment intent nor a charge")
    found = account.get(kind, id)
    if kind == "charge":
        return found
    following = found["payment_intent" if kind == "checkout.session" else "latest_charge"]
    if following is None:
        raise InvalidAction(f"{id} has no payment yet")
    return charge_of(account, following)


def attempt(account: Account, session: Object, method: str) -> tuple[Object, Object]:
    """A charge under way, on the session's payment intent (made at the first attempt)."""
    if session["payment_intent"]:
        # An earlier attempt was declined; the customer may be known only now.
        intent = account.get("payment_intent", session["payment_intent"])
        intent = account.change(intent, customer=session["customer"])
    else:
        data = account.orders[session["id"]].payment_intent_data
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
    """A delayed method: the bank has the order, and nobody knows yet how it ends."""
    intent = account.change(intent, status="processing")
    account.emit("payment_intent.processing", intent)
    account.emit("charge.pending", charge)
    return intent


def succeed(account: Account, intent: Object, charge: Object) -> Object:
    charge = account.change(charge, **charges.succeeded(account, charge))
    intent = account.change(intent, status="succeeded", amount_received=intent["amount"])
    account.emit("charge.succeeded", charge)
    account.emit("payment_intent.succeeded", intent)
    return intent


def fail(account: Account, intent: Object, charge: Object, why: tuple[str, str]) -> Object:
    charge = account.change(charge, **charges.failed(*why))
    intent = account.change(
        intent,
        status="requires_payment_method",
        payment_method=None,
        last_payment_error=_error(charge),
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


def _error(charge: Object) -> dict[str, Any]:
    return {
        "charge": charge["id"],
        "code": charge["failure_code"],
        "decline_code": "generic_decline",
        "message": charge["failure_message"],
        "type": "card_error",
    }
