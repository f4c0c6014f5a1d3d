"""Repairs of purchases: the row is made to say what the ledger credits, then it is settled.

Two transactions, each of which leaves the books right: after the first the row, the ledger
and the counter agree; what Stripe says otherwise is then an ordinary settlement. A crash in
between leaves a purchase that the next look settles.
"""

from typing import Any

from chalicelib.domain.findings import Action
from chalicelib.domain.ledger import Kind
from chalicelib.domain.purchases import UNPAID, Status
from chalicelib.errors import InvalidRequest, VersionConflict
from chalicelib.services.core import audit
from chalicelib.services.purchases import settlement
from chalicelib.services.reconciliation.recreate_purchase import recreate_purchase
from chalicelib.services.reconciliation.repair_request import RepairRequest
from chalicelib.storage import pool
from chalicelib.storage.claims import free
from chalicelib.storage.pool import Move
from chalicelib.storage.purchases import UNSETTLED, Purchase, checkout_claim
from chalicelib.storage.reads import get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.transactions import Transaction


def settle_purchase(tx: Transaction, order: RepairRequest) -> str:
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


def _align(order: RepairRequest, purchase: Purchase) -> None:
    """What was credited: by the ledger, and what the counter has already although an entry
    is missing, for which one is written now. Condition: the reseller's row is as counted and
    the purchase as read; its ledger entries change with it alone."""
    facts = order.counted.purchases[purchase.id]
    if purchase.licenses_granted != facts.granted:
        raise VersionConflict
    credited = facts.credited + facts.in_counter
    columns: dict[str, Any] = {"licenses_granted": credited}
    if purchase.session_id is None and not credited and purchase.status not in UNPAID:
        columns |= {"status": Status.PENDING, "unsettled": UNSETTLED}
    changed = {name: new for name, new in columns.items() if getattr(purchase, name) != new}
    if not changed and not facts.in_counter:
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
    if facts.in_counter:
        move = Move(Kind.SYNC, order.by, purchase.id, order.reason)
        pool.adopt_count(tx, order.counted.reseller, facts.in_counter, move)
    tx.commit()


def _delete(tx: Transaction, order: RepairRequest, purchase: Purchase) -> str:
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


def settle_session(_tx: Transaction, order: RepairRequest) -> str:
    """The session is the row's own from now on, where it counts; see settlement.settle."""
    evidence = order.finding.evidence
    if order.action is Action.ADOPT:
        return _adopt_session(order)
    purchase = get(Purchase, str(evidence["reseller_id"]), str(evidence["purchase_id"]))
    if purchase is None:
        raise VersionConflict
    settled = settlement.settle(purchase, session_id=str(evidence["session_id"]), by=order.by)
    return (
        f"{settled.purchase.id} is {settled.purchase.status} ({settled.granted:+d} licenses now)."
    )


def _adopt_session(order: RepairRequest) -> str:
    """The purchase's row, made anew from its session, and settled."""
    evidence = order.finding.evidence
    reseller_id, purchase_id = str(evidence["reseller_id"]), str(evidence["purchase_id"])
    if get(Reseller, reseller_id) is None:
        raise InvalidRequest.of("action", "There is no such reseller any more.")
    recreate_purchase(reseller_id, purchase_id, str(evidence["session_id"]), order)
    purchase = get(Purchase, reseller_id, purchase_id)
    if purchase is None:
        raise VersionConflict
    settled = settlement.settle(purchase, by=order.by)
    return f"The purchase is there again, and {settled.purchase.status}."
