"""Recreate a lost purchase row from its Stripe session and its ledger entries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib import clock
from chalicelib.domain import pricing
from chalicelib.domain.ledger import Kind
from chalicelib.domain.purchases import PaymentFacts, Quoted, Status, licenses_refunded
from chalicelib.domain.statements import Money
from chalicelib.errors import VersionConflict
from chalicelib.services.core import audit
from chalicelib.services.reconciliation.repair_request import RepairRequest
from chalicelib.services.settings import platform_settings
from chalicelib.settings import settings
from chalicelib.storage.audit import AuditAction
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.purchases import UNSETTLED, Purchase, RefundIntent, RefundState
from chalicelib.storage.reads import iterate_partition
from chalicelib.storage.rows import Columns, id_created_at, iso, new_id
from chalicelib.storage.transactions import Transaction

FREE_RETURN_REASON = "Returned without a refund before the row was lost, according to the ledger."


@dataclass(frozen=True, slots=True)
class _LedgerHistory:
    """What the ledger shows for one purchase.

    Attributes:
        credited: The licenses currently credited.
        held: Licenses that a dispute removed and that have not been restored.
        first_credit_at: When licenses were first credited.
    """

    credited: int
    held: int
    first_credit_at: datetime | None


def recreate_purchase(
    reseller_id: str, purchase_id: str, session_id: str, request: RepairRequest
) -> None:
    """Write the row in the state that matches its last ledger entry.

    Settling the purchase afterward then applies only what has happened in Stripe since. Raises
    VersionConflict if the row exists, and PaymentProviderUnavailable.
    """
    from chalicelib.payments.reports import fetch_session

    session = fetch_session(session_id)
    facts, history = session.facts, _ledger_history(reseller_id, purchase_id)
    created_at = _created_at(purchase_id)
    unit_amount = facts.amount_subtotal // max(facts.quantity, 1)
    purchase = Purchase(
        reseller_id,
        purchase_id,
        quantity=facts.quantity,
        unit_amount=unit_amount,
        total=facts.amount_subtotal,
        currency=facts.currency or settings().currency,
        **_tiers_for(facts.quantity, unit_amount),
        status=Status.PENDING,
        licenses_granted=history.credited,
        credited_at=history.first_credit_at,
        session_id=session_id,
        expires_at=session.expires_at,
        created_by=request.by.id,
        unsettled=UNSETTLED,
        month=f"{created_at:%Y-%m}",
    )
    returned = _returned_without_refund(facts, history)
    if returned:
        purchase.refunds = purchase.with_refund(_free_refund(returned, request))
    if history.first_credit_at is not None and facts.paid:
        # Book the payment in its original month, whose statement already includes it.
        purchase.amount_paid = facts.money.gross
        purchase.bookings = purchase.bookings_for(Money(facts.money.gross), history.first_credit_at)
    tx = Transaction()
    tx.create(purchase, otherwise=VersionConflict())
    purchase.created_at = created_at  # tx.create sets the current time
    audit.record(
        tx,
        actor=request.by,
        action=AuditAction.PURCHASE_RECREATED,
        target=purchase_id,
        reseller_id=reseller_id,
        after={"session_id": session_id, "quantity": facts.quantity},
        reason=request.reason,
    )
    tx.commit()


def _ledger_history(reseller_id: str, purchase_id: str) -> _LedgerHistory:
    columns = ["at", "kind", "count_change", "ref"]
    entries = [
        entry
        for entry in iterate_partition(LedgerEntry, reseller_id, attributes_to_get=columns)
        if entry.ref == purchase_id and entry.count_change
    ]
    held = -_sum(entries, Kind.DISPUTE, Kind.REINSTATEMENT)
    return _LedgerHistory(
        credited=sum(entry.count_change for entry in entries),
        held=max(0, held),
        first_credit_at=min((e.at for e in entries if e.count_change > 0), default=None),
    )


def _sum(entries: Sequence[LedgerEntry], *kinds: Kind) -> int:
    return sum(entry.count_change for entry in entries if entry.kind in kinds)


def _returned_without_refund(facts: PaymentFacts, history: _LedgerHistory) -> int:
    """Return the number of licenses that were given back without a refund.

    Only the ledger shows these: it credits fewer licenses than were bought, and neither a
    dispute nor Stripe's refunds explain the difference. If the ledger credits none, the row may
    have been lost before the purchase was credited, so none count as returned.
    """
    level = history.credited + history.held
    quoted = Quoted(facts.quantity, facts.amount_subtotal, facts.currency, facts.livemode)
    unexplained = facts.quantity - level - licenses_refunded(quoted, facts)
    return unexplained if level > 0 and unexplained > 0 else 0


def _free_refund(licenses: int, request: RepairRequest) -> RefundIntent:
    return RefundIntent(
        id=new_id("rfn"),
        licenses=licenses,
        amount=0,
        reason=FREE_RETURN_REASON,
        by=request.by.id,
        at=iso(clock.now()),
        state=RefundState.DONE,
    )


def _tiers_for(quantity: int, unit_amount: int) -> Columns:
    """Return the price tiers for the row, on which later refunds are based.

    These are the current tiers if they give the price that was paid. Otherwise, the price that was
    paid is the only one known.
    """
    current = platform_settings.cached_settings()
    tiers = platform_settings.tiers(current)
    if quantity and pricing.unit_amount(quantity, tiers) == unit_amount:
        return {"tiers": current.price_tiers, "tiers_version": current.tiers_version}
    return {"tiers": {"tiers": [{"from": 1, "unit_amount": unit_amount}]}, "tiers_version": 0}


def _created_at(purchase_id: str) -> datetime:
    """Return the creation time encoded in the ID, or the current time if there is none.

    Searches use an index by month, so the row needs its original month.
    """
    try:
        return id_created_at(purchase_id)
    except ValueError:
        return clock.now()
