"""A purchase's row made anew, from Stripe's session and the ledger's entries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.purchases import UNSETTLED, Purchase, RefundIntent, RefundState
from chalicelib.storage.reads import iterate_partition
from chalicelib.storage.rows import iso, made_at, new_id
from chalicelib.storage.transactions import Transaction

RETURNED = "Given back for no money before the row was lost: the ledger says so."


@dataclass(frozen=True, slots=True)
class _LedgerHistory:
    """What the ledger says. held: licenses that a dispute took and has not given back. first:
    when licenses were first credited."""

    credited: int
    held: int
    first: datetime | None


def recreate_purchase(
    reseller_id: str, purchase_id: str, session_id: str, order: RepairRequest
) -> None:
    """Write the row as it was when the ledger last heard of it, so that settling it moves only
    what has happened at Stripe since. Raises VersionConflict where the row is there,
    PaymentProviderUnavailable."""
    from chalicelib.payments.reports import fetch_session

    found = fetch_session(session_id)
    facts, past = found.facts, _ledger_history(reseller_id, purchase_id)
    begun = _created_at(purchase_id)
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
        licenses_granted=past.credited,
        credited_at=past.first,
        session_id=session_id,
        expires_at=found.expires_at,
        created_by=order.by,
        unsettled=UNSETTLED,
        month=f"{begun:%Y-%m}",
    )
    returned = _returned(facts, past)
    if returned:
        purchase.refunds = purchase.with_refund(_free_refund(returned, order))
    if past.first is not None and facts.paid:
        # In the books of its own month, which a statement of that month has told of.
        purchase.amount_paid = facts.money.gross
        purchase.bookings = purchase.booked(Money(facts.money.gross), past.first)
    tx = Transaction()
    tx.create(purchase, otherwise=VersionConflict())
    purchase.created_at = begun  # the row's, not the repair's
    audit.record(
        tx,
        actor=order.by,
        action="purchase.recreated",
        target=purchase_id,
        reseller_id=reseller_id,
        after={"session_id": session_id, "quantity": facts.quantity},
        reason=order.reason,
    )
    tx.commit()


def _ledger_history(reseller_id: str, purchase_id: str) -> _LedgerHistory:
    columns = ["at", "kind", "count_change", "ref"]
    entries = [
        entry
        for entry in iterate_partition(LedgerEntry, reseller_id, attributes_to_get=columns)
        if entry.ref == purchase_id and entry.count_change
    ]
    held = -_sum(entries, Kind.DISPUTE) - _sum(entries, Kind.REINSTATEMENT)
    return _LedgerHistory(
        credited=_sum(entries, *Kind),
        held=max(0, held),
        first=min((e.at for e in entries if e.count_change > 0), default=None),
    )


def _sum(entries: Sequence[LedgerEntry], *kinds: Kind) -> int:
    return sum(entry.count_change for entry in entries if entry.kind in kinds)


def _returned(facts: PaymentFacts, past: _LedgerHistory) -> int:
    """Licenses given back for no money are known to the ledger alone: it credits less than was
    bought, and neither a dispute nor Stripe's refunds say why. Where it credits nothing, the
    purchase may as well have been lost before it was credited at all."""
    level = past.credited + past.held
    quoted = Quoted(facts.quantity, facts.amount_subtotal, facts.currency, facts.livemode)
    lacking = facts.quantity - level - licenses_refunded(quoted, facts)
    return lacking if level > 0 and lacking > 0 else 0


def _free_refund(licenses: int, order: RepairRequest) -> RefundIntent:
    return RefundIntent(
        id=new_id("rfn"),
        licenses=licenses,
        amount=0,
        reason=RETURNED,
        by=order.by,
        at=iso(clock.now()),
        state=RefundState.DONE,
    )


def _tiers_for(quantity: int, unit_amount: int) -> dict[str, Any]:
    """Today's tiers where they give the price that was paid; of others only that price is known,
    and later refunds go by it."""
    now = platform_settings.cached_settings()
    if quantity and pricing.unit_amount(quantity, platform_settings.tiers(now)) == unit_amount:
        return {"tiers": now.price_tiers, "tiers_version": now.tiers_version}
    return {"tiers": {"tiers": [{"from": 1, "unit_amount": unit_amount}]}, "tiers_version": 0}


def _created_at(purchase_id: str) -> datetime:
    """Its id tells; the index of its month is what it is found by."""
    try:
        return made_at(purchase_id)
    except ValueError:
        return clock.now()
