"""Checkout Sessions: opening one, and reading what became of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import stripe

from chalicelib.domain.purchases import Dispute, PaymentFacts, Refund
from chalicelib.payments.client import client, stripe_errors

EXPANDED = ["payment_intent.latest_charge", "invoice", "line_items"]


@dataclass(frozen=True, slots=True)
class Order:
    """What a Checkout Session is asked for. unit_amount: integer cents."""

    purchase_id: str
    reseller_id: str
    quantity: int
    unit_amount: int
    currency: str
    product_name: str
    customer_id: str | None
    customer_email: str
    expires_at: datetime
    success_url: str
    cancel_url: str


@dataclass(frozen=True, slots=True)
class OpenCheckout:
    session_id: str
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SessionReport:
    """A session and everything behind it, as Stripe has it now."""

    session_id: str
    purchase_id: str | None
    reseller_id: str | None
    facts: PaymentFacts
    payment_intent_id: str | None
    customer_id: str | None
    receipt_url: str | None
    invoice_url: str | None


def open_checkout(order: Order) -> OpenCheckout:
    """Open a session, or get the same one again: the purchase id is the idempotency key.

    Raises PaymentProviderUnavailable.
    """
    metadata = {"purchase_id": order.purchase_id, "reseller_id": order.reseller_id}
    params: Any = {
        "mode": "payment",
        "client_reference_id": order.purchase_id,
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "invoice_creation": {"enabled": True, "invoice_data": {"metadata": metadata}},
        "line_items": [
            {
                "quantity": order.quantity,
                "price_data": {
                    "currency": order.currency,
                    "unit_amount": order.unit_amount,
                    "product_data": {"name": order.product_name},
                },
            }
        ],
        "expires_at": int(order.expires_at.timestamp()),
        "success_url": order.success_url,
        "cancel_url": order.cancel_url,
    }
    if order.customer_id:
        params["customer"] = order.customer_id
    else:
        params |= {"customer_email": order.customer_email, "customer_creation": "always"}
    with stripe_errors():
        session = client().v1.checkout.sessions.create(
            params, {"idempotency_key": order.purchase_id}
        )
    if session.url is None:
        raise RuntimeError(f"Stripe gave session {session.id} no address.")
    return OpenCheckout(session.id, session.url, datetime.fromtimestamp(session.expires_at, UTC))


def expire_checkout(session_id: str) -> None:
    """Close a session that nobody should pay any more. Raises PaymentProviderUnavailable."""
    with stripe_errors():
        client().v1.checkout.sessions.expire(session_id)


def report(session_id: str) -> SessionReport:
    """What Stripe says now: the session, its charge, refunds and disputes.

    Raises PaymentProviderUnavailable.
    """
    with stripe_errors():
        session = client().v1.checkout.sessions.retrieve(session_id, {"expand": EXPANDED})
        intent = _expanded(session.payment_intent, stripe.PaymentIntent)
        refunds: Sequence[stripe.Refund] = ()
        disputes: Sequence[stripe.Dispute] = ()
        charge = _expanded(intent.latest_charge, stripe.Charge) if intent else None
        if intent is not None and charge is not None:
            if charge.amount_refunded or charge.refunded:
                refunds = _all(client().v1.refunds.list({"payment_intent": intent.id}))
            if charge.disputed:
                disputes = _all(client().v1.disputes.list({"payment_intent": intent.id}))
    invoice = _expanded(session.invoice, stripe.Invoice)
    metadata = session.metadata
    return SessionReport(
        session_id=session.id,
        purchase_id=session.client_reference_id or _get(metadata, "purchase_id"),
        reseller_id=_get(metadata, "reseller_id"),
        facts=_facts(session, intent, refunds, disputes),
        payment_intent_id=intent.id if intent else None,
        customer_id=_id(session.customer),
        receipt_url=charge.receipt_url if charge else None,
        invoice_url=invoice.hosted_invoice_url if invoice else None,
    )


def _facts(
    session: stripe.checkout.Session,
    intent: stripe.PaymentIntent | None,
    refunds: Sequence[stripe.Refund],
    disputes: Sequence[stripe.Dispute],
) -> PaymentFacts:
    totals = session.total_details
    lines = session.line_items.data if session.line_items else []
    return PaymentFacts(
        session_status=session.status or "open",
        payment_status=session.payment_status,
        currency=session.currency or "",
        livemode=session.livemode,
        quantity=sum(line.quantity or 0 for line in lines),
        amount_subtotal=session.amount_subtotal or 0,
        amount_discount=totals.amount_discount if totals else 0,
        amount_tax=totals.amount_tax if totals else 0,
        amount_total=session.amount_total or 0,
        payment_failed=intent is not None
        and intent.status in ("requires_payment_method", "canceled"),
        refunds=tuple(Refund(r.id, r.amount, r.status or "pending", _licenses(r)) for r in refunds),
        disputes=tuple(Dispute(d.id, d.amount, d.status) for d in disputes),
    )


def _licenses(refund: stripe.Refund) -> int | None:
    said = _get(refund.metadata, "licenses")
    return int(said) if said is not None and said.isdigit() else None


@dataclass(frozen=True, slots=True)
class SessionOwner:
    """Which purchase a session was made for, by its metadata."""

    session_id: str
    purchase_id: str | None
    reseller_id: str | None


def sessions_since(moment: datetime) -> Iterator[SessionOwner]:
    """All sessions made since then, newest first; pages are fetched as needed.

    Raises PaymentProviderUnavailable.
    """
    with stripe_errors():
        listing = client().v1.checkout.sessions.list(
            {"created": {"gte": int(moment.timestamp())}, "limit": 100}
        )
        for session in listing.auto_paging_iter():
            yield _owner(session)


def session_of_payment(payment_intent_id: str) -> SessionOwner | None:
    """The session that a payment came through. Raises PaymentProviderUnavailable."""
    with stripe_errors():
        listing = client().v1.checkout.sessions.list(
            {"payment_intent": payment_intent_id, "limit": 1}
        )
    return _owner(listing.data[0]) if listing.data else None


def _owner(session: stripe.checkout.Session) -> SessionOwner:
    metadata = session.metadata
    return SessionOwner(session.id, _get(metadata, "purchase_id"), _get(metadata, "reseller_id"))


def _all(listing: Any) -> list[Any]:
    return list(listing.auto_paging_iter())


def _expanded(value: Any, kind: type[Any]) -> Any:
    return value if isinstance(value, kind) else None


def _id(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value.id)


def _get(metadata: Any, key: str) -> str | None:
    value: str | None = metadata[key] if metadata is not None and key in metadata else None
    return value
