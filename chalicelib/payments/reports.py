"""Read the current state of a Checkout Session, including its payment, refunds, and disputes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import stripe

from chalicelib.domain.purchases import Dispute, PaymentFacts, Refund
from chalicelib.payments.client import client, stripe_errors

T = TypeVar("T", bound=stripe.StripeObject)

# Expanded in one response, so that no refund can occur between reading the charge and its refunds.
EXPANDED = ["payment_intent.latest_charge.refunds", "invoice", "line_items"]


@dataclass(frozen=True, slots=True)
class SessionReport:
    """A Checkout Session as Stripe reports it now.

    `purchase_id` comes from the session's metadata, which only we can write. The session's
    client_reference_id is not used, because anyone can set it in a payment link's URL.
    """

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
    """Fetch a session with its payment, charge, and refunds in one call.

    Makes another call if the charge was ever disputed, and another if the charge has more refunds
    than Stripe includes in the session. Raises PaymentProviderUnavailable.
    """
    with stripe_errors():
        session = client().v1.checkout.sessions.retrieve(session_id, {"expand": EXPANDED})
        intent = _expanded(session.payment_intent, stripe.PaymentIntent)
        charge = _expanded(intent.latest_charge, stripe.Charge) if intent else None
        refunds: Sequence[stripe.Refund] = ()
        disputes: Sequence[stripe.Dispute] = ()
        if intent is not None and charge is not None:
            refunds = _list_refunds(intent.id, charge)
            if charge.disputed:  # also true for inquiries, and never reset to false
                disputes = _all_pages(
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
        customer_id=_reference_id(session.customer),
        paid_at=_paid_at(charge, invoice),
        receipt_url=charge.receipt_url if charge else None,
        invoice_url=invoice.hosted_invoice_url if invoice else None,
    )


def _list_refunds(payment_intent_id: str, charge: stripe.Charge) -> Sequence[stripe.Refund]:
    included = charge.refunds
    if included is not None and not included.has_more:
        return included.data
    listing = client().v1.refunds.list({"payment_intent": payment_intent_id, "limit": 100})
    return _all_pages(listing)


def _paid_at(charge: stripe.Charge | None, invoice: stripe.Invoice | None) -> datetime | None:
    """Return when the payment was made, according to the invoice if possible.

    An invoice has the time a delayed payment arrived. A charge has only the time of the attempt.
    """
    timestamp = invoice.status_transitions.paid_at if invoice else None
    if timestamp is None and charge is not None and charge.paid:
        timestamp = charge.created
    return datetime.fromtimestamp(timestamp, UTC) if timestamp else None


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
    """Convert a dispute.

    If its currency isn't the payment's, the payment's full amount counts as disputed.
    """
    balance = sum(transaction.amount for transaction in dispute.balance_transactions)
    same_currency = dispute.currency == session.currency
    amount = dispute.amount if same_currency else session.amount_total or 0
    return Dispute(dispute.id, amount, dispute.status, balance)


def _licenses(refund: stripe.Refund) -> int | None:
    """Return the number of licenses in a refund's metadata, or None if missing or invalid."""
    value = metadata_value(refund.metadata, "licenses")
    is_count = value is not None and value.isascii() and value.isdecimal() and len(value) < 9
    return int(value) if value is not None and is_count else None


def _all_pages(listing: stripe.ListObject[T]) -> list[T]:
    return list(listing.auto_paging_iter())


def _expanded(value: object, kind: type[T]) -> T | None:
    return value if isinstance(value, kind) else None


def _reference_id(value: str | stripe.Customer | None) -> str | None:
    return value.id if isinstance(value, stripe.Customer) else value


def metadata_value(metadata: stripe.StripeObject | None, key: str) -> str | None:
    """Return one value from a Stripe object's metadata, or None if it is missing."""
    value: str | None = metadata[key] if metadata is not None and key in metadata else None
    return value
