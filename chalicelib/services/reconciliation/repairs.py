"""What each action on a finding does.

A repair adds its steps to a transaction, each on condition that the rows are as they were
when it was found; its ledger entry or audit line is part of it. What moved meanwhile raises
VersionConflict at commit, and the finding is looked at again.
"""

from collections.abc import Callable

from chalicelib.domain.findings import Action, Code
from chalicelib.domain.ledger import Kind
from chalicelib.errors import InvalidRequest
from chalicelib.services.reconciliation import name_repairs, purchase_repairs
from chalicelib.services.reconciliation.repair_request import RepairRequest
from chalicelib.storage import pool
from chalicelib.storage.pool import Move
from chalicelib.storage.transactions import Transaction


def add(tx: Transaction, order: RepairRequest) -> str:
    """Add the repair's steps to `tx`; what it will have done, in a sentence.

    What is settled with Stripe is settled here and now: that is a transaction of its own,
    which can be repeated. Raises InvalidRequest, VersionConflict, and what the repair raises.
    """
    found = order.finding
    if order.action not in found.actions:
        can = ", ".join(found.actions)
        raise InvalidRequest.of("action", f"For {found.code} it can be: {can}.")
    if order.action is Action.ADOPT and "`to`" in found.actions[Action.ADOPT] and not order.to:
        raise InvalidRequest.of("to", found.actions[Action.ADOPT] + ".")
    return _REPAIRS[found.code](tx, order)


def _used(tx: Transaction, order: RepairRequest) -> str:
    facts = order.counted.pool
    pool.set_used(tx, order.counted.reseller, facts.holders, facts.ledger_used, order.move)
    return f"license_used was {facts.license_used} and is {facts.holders}."


def _count(tx: Transaction, order: RepairRequest) -> str:
    counted, reseller = order.counted, order.counted.reseller
    if order.action is Action.ADOPT:
        pool.adopt_count(tx, reseller, counted.drift, order.move)
        return f"license_count stays {reseller.license_count}; the ledger explains it now."
    before, explained = counted.pool.license_count, counted.pool.license_count - counted.drift
    pool.revert_count(tx, reseller, explained, order.move)
    return f"license_count was {before} and is {explained}."


def _over_allocated(tx: Transaction, order: RepairRequest) -> str:
    holders = order.counted.pool.holders
    move = Move(Kind.ALLOCATION, order.by, order.ref, order.reason)
    pool.set_count(tx, order.counted.reseller, holders, move)
    return f"license_count is {holders} now."


_Repair = Callable[[Transaction, RepairRequest], str]

_REPAIRS: dict[Code, _Repair] = {
    Code.USED_MISMATCH: _used,
    Code.COUNT_UNEXPLAINED: _count,
    Code.OVER_ALLOCATED: _over_allocated,
    Code.TENANT_HOLDS_WRONGLY: name_repairs.holds,
    Code.PURCHASE_UNCREDITED: purchase_repairs.settle_purchase,
    Code.PURCHASE_OVERCREDITED: purchase_repairs.settle_purchase,
    Code.STUCK_PURCHASE: purchase_repairs.settle_purchase,
    Code.SESSION_WITHOUT_PURCHASE: purchase_repairs.settle_session,
    Code.ORPHAN_TENANT: name_repairs.orphan_tenant,
    Code.ORPHAN_CLAIM: name_repairs.orphan_claim,
    Code.MISSING_CLAIM: name_repairs.missing_claim,
    Code.RESELLER_WITHOUT_USER: name_repairs.reseller_without_user,
    Code.USER_LINK_WRONG: name_repairs.user_link_wrong,
}
