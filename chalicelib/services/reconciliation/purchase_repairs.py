"""Purchase repairs: align the row with the ledger, then settle the purchase.

This takes two transactions, and the books are consistent after each. The first makes the row,
the ledger, and the counter agree. Any remaining difference from Stripe is then settled as
usual. If the process crashes in between, the next settlement finishes the work.
"""

from chalicelib.domain.findings import Action
from chalicelib.domain.ledger import Kind
from chalicelib.domain.messages import MessageCode, Sentences, say
from chalicelib.domain.purchases import STATUSES, UNPAID, Status
from chalicelib.errors import InvalidRequest, VersionConflict
from chalicelib.services.core import audit
from chalicelib.services.purchases import settlement
from chalicelib.services.reconciliation.recreate_purchase import recreate_purchase
from chalicelib.services.reconciliation.repair_request import RepairRequest
from chalicelib.storage import pool
from chalicelib.storage.audit import AuditAction
from chalicelib.storage.claims import release_name
from chalicelib.storage.pool import Move
from chalicelib.storage.purchases import UNSETTLED, Purchase, checkout_claim
from chalicelib.storage.reads import get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.transactions import Transaction


def repair_purchase(tx: Transaction, request: RepairRequest) -> Sentences:
    purchase = get(Purchase, str(request.finding.reseller_id), request.finding.subject)
    if purchase is None:
        raise VersionConflict
    if request.action is Action.DELETE:
        return _delete(tx, request, purchase)
    _align(request, purchase)
    settled = settlement.settle(purchase, by=request.by)
    return say(
        MessageCode.PURCHASE_SETTLED,
        status=settled.purchase.status,
        granted=settled.purchase.licenses_granted,
        change=settled.granted,
    )


def _align(request: RepairRequest, purchase: Purchase) -> None:
    """Set the row's granted licenses to the number that was credited.

    That number is the total in the ledger plus any licenses that license_count already includes
    without a ledger entry; the missing entry is written now. Condition: neither the reseller's row
    nor the purchase has changed since they were read. The purchase's ledger entries change only
    together with the purchase.
    """
    inspection = request.require_inspection()
    facts = inspection.purchases[purchase.id]
    if purchase.licenses_granted != facts.granted:
        raise VersionConflict
    credited = facts.credited + facts.already_counted
    columns: dict[str, object] = {"licenses_granted": credited}
    if purchase.session_id is None and not credited and purchase.status in STATUSES - UNPAID:
        columns |= {"status": Status.PENDING, "unsettled": UNSETTLED}
    changed = {name: new for name, new in columns.items() if getattr(purchase, name) != new}
    if not changed and not facts.already_counted:
        return
    tx = Transaction()
    audit.record_edit(
        tx,
        purchase,
        changed,
        actor=request.by,
        action=AuditAction.PURCHASE_REPAIRED,
        target=purchase.id,
        reseller_id=purchase.reseller_id,
    )
    tx.change(purchase, changed)
    if facts.already_counted:
        move = Move(Kind.SYNC, request.by, purchase.id, request.reason)
        pool.adopt_count(tx, inspection.reseller, facts.already_counted, move)
    tx.commit()


def _delete(tx: Transaction, request: RepairRequest, purchase: Purchase) -> Sentences:
    tx.delete(purchase, condition=purchase.unchanged(), otherwise=VersionConflict())
    release_name(tx, checkout_claim(purchase.reseller_id, purchase.quantity), purchase.id)
    audit.record(
        tx,
        actor=request.by,
        action=AuditAction.PURCHASE_DELETED,
        target=purchase.id,
        reseller_id=purchase.reseller_id,
        before={"session_id": purchase.session_id, "status": purchase.status},
        reason=request.reason,
    )
    return say(MessageCode.PURCHASE_DELETED)


def repair_session(_tx: Transaction, request: RepairRequest) -> Sentences:
    """Settle the purchase with a session that its row doesn't list, or recreate the purchase.

    If the session is the one that counts, it becomes the row's own session; see
    `settlement.settle`.
    """
    evidence = request.finding.evidence
    if request.action is Action.ADOPT:
        return _recreate_and_settle(request)
    purchase = get(Purchase, str(evidence["reseller_id"]), str(evidence["purchase_id"]))
    if purchase is None:
        raise VersionConflict
    settled = settlement.settle(purchase, session_id=str(evidence["session_id"]), by=request.by)
    return say(
        MessageCode.SESSION_SETTLED,
        purchase=settled.purchase.id,
        status=settled.purchase.status,
        change=settled.granted,
    )


def _recreate_and_settle(request: RepairRequest) -> Sentences:
    evidence = request.finding.evidence
    reseller_id, purchase_id = str(evidence["reseller_id"]), str(evidence["purchase_id"])
    if get(Reseller, reseller_id) is None:
        raise InvalidRequest.of("action", "The reseller no longer exists.")
    recreate_purchase(reseller_id, purchase_id, str(evidence["session_id"]), request)
    purchase = get(Purchase, reseller_id, purchase_id)
    if purchase is None:
        raise VersionConflict
    settled = settlement.settle(purchase, by=request.by)
    return say(MessageCode.PURCHASE_RECREATED, status=settled.purchase.status)
