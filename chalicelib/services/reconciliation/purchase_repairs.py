"""Repairs of purchases: the row is made to say what the ledger credits, then it is settled.

Two transactions, each of which leaves the books right: after the first the row, the ledger
and the counter agree; what Stripe says otherwise is then an ordinary settlement. A crash in
between leaves a purchase that the next look settles.
"""

from typing import Any

from chalicelib import clock
from chalicelib.domain.findings import Action
from chalicelib.domain.ledger import Kind
from chalicelib.domain.purchases import UNPAID, Status
from chalicelib.errors import InvalidRequest, VersionConflict
from chalicelib.services import audit, platform, settlement
from chalicelib.services.reconciliation.orders import Order
from chalicelib.settings import settings
from chalicelib.storage import pool
from chalicelib.storage.claims import free
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.pool import Move
from chalicelib.storage.purchases import UNSETTLED, Purchase, checkout_claim
from chalicelib.storage.reads import every, get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.transactions import Transaction


def settle_purchase(tx: Transaction, order: Order) -> str:
    purchase = get(Purchase, str(order.finding.reseller_id), order.finding.subject)
    if purchase is None:
        raise VersionConflict
    if order.action is Action.DELETE:
        return _delete(tx, order, purchase)
    _align(order, purchase)
    settled = settlement.settle(purchase, by=order.by)
    return (
        f"The purchase is {settled.purchase.status}; licenses for it: "
        f"{settled.purchase.licenses_granted} ({settled.granted:+d} now)."
    )


def _align(order: Order, purchase: Purchase) -> None:
    """What was credited: by the ledger, and what the counter has already although an entry
    is missing, for which one is written now. Condition: the reseller's row is as counted and
    the purchase as read; its ledger entries change with it alone."""
    evidence = order.finding.evidence
    in_counter = int(evidence["already_in_license_count"])
    columns: dict[str, Any] = {"licenses_granted": evidence["credited_by_ledger"] + in_counter}
    credited = columns["licenses_granted"]
    if purchase.session_id is None and not credited and purchase.status not in UNPAID:
        columns |= {"status": Status.PENDING, "unsettled": UNSETTLED}
    changed = {name: new for name, new in columns.items() if getattr(purchase, name) != new}
    if purchase.licenses_granted != evidence["licenses_granted"]:
        raise VersionConflict
    if not changed and not in_counter:
        return
    tx = Transaction()
    audit.record_edit(
        tx,
        purchase,
        changed,
        actor=order.by,
        action="purchase.repaired",
        target=purchase.id,
        reseller_id=purchase.reseller_id,
    )
    tx.change(purchase, **changed)
    if in_counter:
        move = Move(Kind.SYNC, order.by, purchase.id, order.reason)
        pool.adopt_count(tx, order.counted.reseller, in_counter, move)
    tx.commit()


def _delete(tx: Transaction, order: Order, purchase: Purchase) -> str:
    unchanged = Purchase.version == purchase.version
    tx.delete(purchase, condition=unchanged, otherwise=VersionConflict())
    free(tx, checkout_claim(purchase.reseller_id, purchase.quantity), purchase.id)
    audit.record(
        tx,
        actor=order.by,
        action="purchase.deleted",
        target=purchase.id,
        reseller_id=purchase.reseller_id,
        before={"session_id": purchase.session_id, "status": purchase.status},
        reason=order.reason,
    )
    return "The row is deleted."


def adopt_session(_tx: Transaction, order: Order) -> str:
    """The purchase's row, made anew from its session, and settled."""
    evidence = order.finding.evidence
    reseller_id, purchase_id = str(evidence["reseller_id"]), str(evidence["purchase_id"])
    if get(Reseller, reseller_id) is None:
        raise InvalidRequest.of("action", "There is no such reseller any more.")
    purchase = _recreate(reseller_id, purchase_id, str(evidence["session_id"]), order)
    settled = settlement.settle(purchase, by=order.by)
    return f"The purchase is there again, and {settled.purchase.status}."


def _recreate(reseller_id: str, purchase_id: str, session_id: str, order: Order) -> Purchase:
    from chalicelib.payments.reports import report

    facts = report(session_id).facts
    prices = platform.current()
    now = clock.now()
    purchase = Purchase(
        reseller_id,
        purchase_id,
        quantity=facts.quantity,
        unit_amount=facts.amount_subtotal // max(facts.quantity, 1),
        total=facts.amount_subtotal,
        currency=facts.currency or settings().currency,
        tiers=prices.price_tiers,
        tiers_version=prices.tiers_version,
        status=Status.PENDING,
        licenses_granted=_credited(reseller_id, purchase_id),
        session_id=session_id,
        expires_at=now,
        created_by=order.by,
        unsettled=UNSETTLED,
        month=f"{now:%Y-%m}",
    )
    tx = Transaction()
    tx.create(purchase, otherwise=VersionConflict())
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
    return purchase


def _credited(reseller_id: str, purchase_id: str) -> int:
    columns = ["count_change", "ref"]
    entries = every(LedgerEntry, reseller_id, attributes_to_get=columns)
    return sum(entry.count_change or 0 for entry in entries if entry.ref == purchase_id)
