"""Checkout Sessions: from open to complete or expired."""

from __future__ import annotations

import heapq
from typing import Any

from infra.local.stripe_simulator.account import Account, Object, SessionDetails
from infra.local.stripe_simulator.errors import InvalidAction
from infra.local.stripe_simulator.objects.customer import new_customer
from infra.local.stripe_simulator.objects.invoice import new_invoice
from infra.local.stripe_simulator.objects.line_item import new_line_item
from infra.local.stripe_simulator.objects.session import customer_details, new_session
from infra.local.stripe_simulator.transitions import payments

DELAYED_METHOD = "us_bank_account"


def create_session(account: Account, params: dict[str, Any]) -> Object:
    items = [new_line_item(account, line) for line in params["line_items"]]
    session = account.add(new_session(account, params, items))
    if session["customer"]:
        session = _set_customer(account, session, None)
    heapq.heappush(account.expirations, (session["expires_at"], session["id"]))
    details = SessionDetails(items, params.get("payment_intent_data", {}))
    account.session_details[session["id"]] = details
    return session


def expire_overdue(account: Account) -> None:
    """Expire overdue sessions. Each access to the account calls this, so no timer is needed."""
    while account.expirations and account.expirations[0][0] <= account.now():
        _, id = heapq.heappop(account.expirations)
        session = account.get("checkout.session", id)
        if session["status"] == "open":
            expire(account, session)


def expire(account: Account, session: Object) -> Object:
    if session["payment_intent"]:
        payments.cancel(account, account.get("payment_intent", session["payment_intent"]))
    session = account.change(session, status="expired", url=None)
    account.emit("checkout.session.expired", session)
    return session


def pay(account: Account, session: Object, email: str | None) -> Object:
    """Pay by card, which succeeds immediately. If the total is zero, complete without a payment."""
    require_open(session)
    session = _set_customer(account, session, email)
    if session["amount_total"] == 0:
        session = _create_invoice(account, session)
        return _complete(account, session, payment_status="no_payment_required")
    intent = payments.succeed(account, *payments.start_attempt(account, session, "card"))
    session = account.change(session, payment_intent=intent["id"])
    session = _create_invoice(account, session)
    return _complete(account, session, payment_status="paid")


def pay_later(account: Account, session: Object, email: str | None) -> Object:
    """Pay with a method whose outcome the bank reports days later."""
    require_open(session)
    if DELAYED_METHOD not in session["payment_method_types"]:
        raise InvalidAction(f"{session['id']} accepts only {session['payment_method_types']}")
    if session["amount_total"] == 0:
        raise InvalidAction(f"{session['id']} has nothing to pay")
    session = _set_customer(account, session, email)
    intent = payments.process(account, *payments.start_attempt(account, session, DELAYED_METHOD))
    session = account.change(session, payment_intent=intent["id"])
    return _complete(account, session, payment_status="unpaid")


def decline_card(account: Account, session: Object) -> Object:
    """Decline the card. The session stays open, and the buyer can try again."""
    require_open(session)
    if session["amount_total"] == 0:
        raise InvalidAction(f"{session['id']} has nothing to pay")
    intent, charge = payments.start_attempt(account, session, "card")
    session = account.change(session, payment_intent=intent["id"])
    payments.fail(account, intent, charge, payments.DECLINED)
    return session


def bank_confirms(account: Account, session: Object) -> Object:
    intent, charge = _processing_payment(account, session)
    payments.succeed(account, intent, charge)
    session = _create_invoice(account, session)
    session = account.change(session, payment_status="paid")
    account.emit("checkout.session.async_payment_succeeded", session)
    return session


def bank_declines(account: Account, session: Object) -> Object:
    intent, charge = _processing_payment(account, session)
    payments.fail(account, intent, charge, payments.DEBIT_FAILED)
    account.emit("checkout.session.async_payment_failed", session)
    return session


def require_open(session: Object) -> None:
    if session["status"] != "open":
        raise InvalidAction(f"{session['id']} is {session['status']}, not open")


def _processing_payment(account: Account, session: Object) -> tuple[Object, Object]:
    if session["payment_intent"]:
        intent = account.get("payment_intent", session["payment_intent"])
        if intent["status"] == "processing":
            return intent, account.get("charge", intent["latest_charge"])
    raise InvalidAction(f"{session['id']} is not waiting for a bank")


def _set_customer(account: Account, session: Object, email: str | None) -> Object:
    if session["customer"]:
        customer = account.get("customer", session["customer"])
        details = customer_details(email or customer["email"], customer["name"])
        return account.change(session, customer_details=details)
    email = session["customer_email"] or email or "buyer@example.com"
    session = account.change(session, customer_details=customer_details(email))
    if session["customer_creation"] != "always" and session["amount_total"]:
        return session  # a guest
    customer = account.add(new_customer(account, {"email": email}))
    account.emit("customer.created", customer)
    return account.change(session, customer=customer["id"])


def _create_invoice(account: Account, session: Object) -> Object:
    if not session["invoice_creation"]["enabled"]:
        return session
    customer = account.get("customer", session["customer"])
    items = account.session_details[session["id"]].line_items
    invoice = account.add(new_invoice(account, session, customer, items))
    account.change(customer, next_invoice_sequence=customer["next_invoice_sequence"] + 1)
    account.emit("invoice.paid", invoice)
    return account.change(session, invoice=invoice["id"])


def _complete(account: Account, session: Object, *, payment_status: str) -> Object:
    session = account.change(session, status="complete", payment_status=payment_status, url=None)
    account.emit("checkout.session.completed", session)
    return session
