"""Dispatch each finding to its repair.

A repair adds its steps to a transaction, together with its ledger entry or audit entry. Each step
is conditional on its row being unchanged since the problem was found. If a row has changed, the
commit raises VersionConflict, and the finding has to be checked again.
"""

from collections.abc import Callable

from chalicelib.domain.findings import Action, Code, adopted_to
from chalicelib.domain.ledger import Kind
from chalicelib.domain.messages import MessageCode, Sentences, say
from chalicelib.errors import InvalidRequest
from chalicelib.services.reconciliation import name_repairs, purchase_repairs
from chalicelib.services.reconciliation.repair_request import RepairRequest
from chalicelib.storage import pool
from chalicelib.storage.pool import Move
from chalicelib.storage.transactions import Transaction


def add_repair(tx: Transaction, request: RepairRequest) -> Sentences:
    """Add the repair's steps to `tx` and return what they do.

    A purchase is settled immediately, in a separate transaction that is safe to repeat.
    Raises InvalidRequest, VersionConflict, and anything that the repair raises.
    """
    finding = request.finding
    if request.action not in finding.actions:
        available = ", ".join(finding.actions)
        raise InvalidRequest.of("action", f"For {finding.code}, use one of: {available}.")
    target = adopted_to(finding.code) if request.action is Action.ADOPT else None
    if target is not None and not request.to:
        raise InvalidRequest.of("to", f"Specify a {target}.")
    return _REPAIRS[finding.code](tx, request)


def _repair_used(tx: Transaction, request: RepairRequest) -> Sentences:
    inspection = request.require_inspection()
    facts = inspection.pool
    pool.set_used(tx, inspection.reseller, facts.holders, facts.ledger_used, request.move)
    return say(MessageCode.USED_SET, before=facts.license_used, after=facts.holders)


def _resolve_unexplained_count(tx: Transaction, request: RepairRequest) -> Sentences:
    inspection = request.require_inspection()
    reseller = inspection.reseller
    if request.action is Action.ADOPT:
        pool.adopt_count(tx, reseller, inspection.drift, request.move)
        return say(MessageCode.COUNT_ADOPTED, count=reseller.license_count)
    before = inspection.pool.license_count
    explained = before - inspection.drift
    pool.revert_count(tx, reseller, explained, request.move)
    return say(MessageCode.COUNT_REVERTED, before=before, after=explained)


def _allocate_missing(tx: Transaction, request: RepairRequest) -> Sentences:
    inspection = request.require_inspection()
    holders = inspection.pool.holders
    move = Move(Kind.ALLOCATION, request.by, request.ref, request.reason)
    pool.set_count(tx, inspection.reseller, holders, move)
    return say(MessageCode.COUNT_ALLOCATED, count=holders)


_Repair = Callable[[Transaction, RepairRequest], Sentences]

_REPAIRS: dict[Code, _Repair] = {
    Code.USED_MISMATCH: _repair_used,
    Code.COUNT_UNEXPLAINED: _resolve_unexplained_count,
    Code.OVER_ALLOCATED: _allocate_missing,
    Code.TENANT_HOLDS_WRONGLY: name_repairs.repair_license_mark,
    Code.PURCHASE_UNCREDITED: purchase_repairs.repair_purchase,
    Code.PURCHASE_OVERCREDITED: purchase_repairs.repair_purchase,
    Code.STUCK_PURCHASE: purchase_repairs.repair_purchase,
    Code.SESSION_WITHOUT_PURCHASE: purchase_repairs.repair_session,
    Code.ORPHAN_TENANT: name_repairs.resolve_orphan_tenant,
    Code.ORPHAN_CLAIM: name_repairs.free_claim,
    Code.MISSING_CLAIM: name_repairs.repair_missing_claim,
    Code.RESELLER_WITHOUT_USER: name_repairs.resolve_reseller_user,
    Code.USER_LINK_WRONG: name_repairs.unlink_user,
}
