"""What Stripe says now of one Checkout Session and everything behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import stripe

from chalicelib.domain.purchases import Dispute, PaymentFacts, Refund
from chalicelib.payments.client import client, stripe_errors

# One answer, so one moment: a refund can't slip in between the charge and its refunds.
EXPANDED = ["payment_intent.latest_charge.refunds", "invoice", "line_items"]


@dataclass(frozen=True, slots=True)
class SessionReport:
    """purchase_id: whose it is by its metadata, which nobody but us can have written; a
    client_reference_id may come from a payment link's address."""

    session_id: str
    purchase_id: str | None
    url: str | None
    expires_at: datetime
    facts: PaymentFacts
    payment_intent_id: str | None
    customer_id: str | None
    paid_at: datetime | None
    receipt_url: str | None
    invoice_url: str | None


def fetch_session(session_id: str) -> SessionReport:
    """Session, payment, charge and refunds in one call; disputes, where there are, in another.

    Raises PaymentProviderUnavailable.
    """
    with stripe_errors():
        session = client().v1.checkout.sessions.retrieve(session_id, {"expand": EXPANDED})
        intent = _expanded(session.payment_intent, stripe.PaymentIntent)
        charge = _expanded(intent.latest_charge, stripe.Charge) if intent else None
        refunds: Sequence[stripe.Refund] = ()
        disputes: Sequence[stripe.Dispute] = ()
        if intent is not None and charge is not None:
            refunds = _refunds(intent.id, charge)
            if charge.disputed:  # true of inquiries too, and ever after
                disputes = _all(
                    client().v1.disputes.list({"payment_intent": intent.id, "limit": 100})
                )
    invoice = _expanded(session.invoice, stripe.Invoice)
    return SessionReport(
        session_id=session.id,
        purchase_id=metadata_value(session.metadata, "purchase_id"),
        url=session.url,
        expires_at=datetime.fromtimestamp(session.expires_at, UTC),
        facts=_facts(session, intent, refunds, disputes),
        payment_intent_id=intent.id if intent else None,
        customer_id=_id(session.customer),
        paid_at=_paid_at(charge, invoice),
        receipt_url=charge.receipt_url if charge else None,
        invoice_url=invoice.hosted_invoice_url if invoice else None,
    )


def _refunds(payment_intent_id: str, charge: stripe.Charge) -> Sequence[stripe.Refund]:
    shown = charge.refunds
    if shown is not None and not shown.has_more:
        return shown.data
    listing = client().v1.refunds.list({"payment_intent": payment_intent_id, "limit": 100})
    return _all(listing)


def _paid_at(charge: stripe.Charge | None, invoice: stripe.Invoice | None) -> datetime | None:
    """The invoice knows when a delayed payment came; a charge only when it was tried."""
    moment = invoice.status_transitions.paid_at if invoice else None
    if moment is None and charge is not None and charge.paid:
        moment = charge.created
    return datetime.fromtimestamp(moment, UTC) if moment else None


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
        amount_received=intent.amount_received if intent else None,
        payment_failed=intent is not None
        and intent.status in ("requires_payment_method", "canceled"),
        refunds=tuple(_refund(r) for r in refunds),
        disputes=tuple(_dispute(d, session) for d in disputes),
    )


def _refund(refund: stripe.Refund) -> Refund:
    status, intent = refund.status or "pending", metadata_value(refund.metadata, "refund_id")
    return Refund(refund.id, refund.amount, status, _licenses(refund), intent)


def _dispute(dispute: stripe.Dispute, session: stripe.checkout.Session) -> Dispute:
    """In a currency that is not the payment's, its amount says nothing here: it is all of it."""
    balance = sum(moved.amount for moved in dispute.balance_transactions)
    same = dispute.currency == session.currency
    amount = dispute.amount if same else session.amount_total or 0
    return Dispute(dispute.id, amount, dispute.status, balance)


def _licenses(refund: stripe.Refund) -> int | None:
    said = metadata_value(refund.metadata, "licenses")
    whole = said is not None and said.isascii() and said.isdecimal() and len(said) < 9
    return int(said) if said is not None and whole else None


def _all(listing: Any) -> list[Any]:
    return list(listing.auto_paging_iter())


def _expanded(value: Any, kind: type[Any]) -> Any:
    return value if isinstance(value, kind) else None


def _id(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value.id)


def metadata_value(metadata: Any, key: str) -> str | None:
    """One entry of an object's metadata."""
    value: str | None = metadata[key] if metadata is not None and key in metadata else None
    return value
