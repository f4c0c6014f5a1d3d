"""A Checkout Session: open, then complete or expired."""

from __future__ import annotations

import heapq
from typing import Any

from infra.local.stripe_simulator.account import Account, Object, SessionDetails
from infra.local.stripe_simulator.errors import InvalidAction
from infra.local.stripe_simulator.objects.customer import new_customer
from infra.local.stripe_simulator.objects.invoice import new_invoice
from infra.local.stripe_simulator.objects.line_item import new_item
from infra.local.stripe_simulator.objects.session import customer_details, new_session
from infra.local.stripe_simulator.transitions import payments

DELAYED_METHOD = "us_bank_account"


def start(account: Account, params: dict[str, Any]) -> Object:
    items = [new_item(account, line) for line in params["line_items"]]
    session = account.add(new_session(account, params, items))
    if session["customer"]:
        session = _with_customer(account, session, None)
    heapq.heappush(account.expiries, (session["expires_at"], session["id"]))
    account.orders[session["id"]] = SessionDetails(items, params.get("payment_intent_data", {}))
    return session


def expire_overdue(account: Account) -> None:
    """Nothing ticks in here: whoever looks at the account next finds the overdue expired."""
    while account.expiries and account.expiries[0][0] <= account.now():
        _, id = heapq.heappop(account.expiries)
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
    """By card, so that it is settled at once; by nothing at all, when the total is zero."""
    must_be_open(session)
    session = _with_customer(account, session, email)
    if session["amount_total"] == 0:
        session = _with_invoice(account, session)
        return _complete(account, session, payment_status="no_payment_required")
    intent = payments.succeed(account, *payments.attempt(account, session, "card"))
    session = account.change(session, payment_intent=intent["id"])
    session = _with_invoice(account, session)
    return _complete(account, session, payment_status="paid")


def pay_later(account: Account, session: Object, email: str | None) -> Object:
    """By a method whose outcome the bank tells days later."""
    must_be_open(session)
    if DELAYED_METHOD not in session["payment_method_types"]:
        raise InvalidAction(f"{session['id']} takes only {session['payment_method_types']}")
    if session["amount_total"] == 0:
        raise InvalidAction(f"{session['id']} has nothing to pay")
    session = _with_customer(account, session, email)
    intent = payments.process(account, *payments.attempt(account, session, DELAYED_METHOD))
    session = account.change(session, payment_intent=intent["id"])
    return _complete(account, session, payment_status="unpaid")


def decline_card(account: Account, session: Object) -> Object:
    """The session stays open, and the buyer can try again."""
    must_be_open(session)
    if session["amount_total"] == 0:
        raise InvalidAction(f"{session['id']} has nothing to pay")
    intent, charge = payments.attempt(account, session, "card")
    session = account.change(session, payment_intent=intent["id"])
    payments.fail(account, intent, charge, payments.DECLINED)
    return session


def bank_confirms(account: Account, session: Object) -> Object:
    intent, charge = _awaiting_bank(account, session)
    payments.succeed(account, intent, charge)
    session = _with_invoice(account, session)
    session = account.change(session, payment_status="paid")
    account.emit("checkout.session.async_payment_succeeded", session)
    return session


def bank_declines(account: Account, session: Object) -> Object:
    intent, charge = _awaiting_bank(account, session)
    payments.fail(account, intent, charge, payments.DEBIT_FAILED)
    account.emit("checkout.session.async_payment_failed", session)
    return session


def must_be_open(session: Object) -> None:
    if session["status"] != "open":
        raise InvalidAction(f"{session['id']} is {session['status']}, not open")


def _awaiting_bank(account: Account, session: Object) -> tuple[Object, Object]:
    if session["payment_intent"]:
        intent = account.get("payment_intent", session["payment_intent"])
        if intent["status"] == "processing":
            return intent, account.get("charge", intent["latest_charge"])
    raise InvalidAction(f"{session['id']} does not wait for a bank")


def _with_customer(account: Account, session: Object, email: str | None) -> Object:
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


def _with_invoice(account: Account, session: Object) -> Object:
    if not session["invoice_creation"]["enabled"]:
        return session
    customer = account.get("customer", session["customer"])
    items = account.orders[session["id"]].line_items
    invoice = account.add(new_invoice(account, session, customer, items))
    account.change(customer, next_invoice_sequence=customer["next_invoice_sequence"] + 1)
    account.emit("invoice.paid", invoice)
    return account.change(session, invoice=invoice["id"])


def _complete(account: Account, session: Object, *, payment_status: str) -> Object:
    session = account.change(session, status="complete", payment_status=payment_status, url=None)
    account.emit("checkout.session.completed", session)
    return session
