"""A person's decision about one finding.

The facts are looked up again. Where they are no longer those that the decision was about,
nothing is done: the finding is marked gone if the trouble is, and refused if it has changed.
"""

from chalicelib import clock
from chalicelib.domain.findings import Action, Code, Finding
from chalicelib.domain.reconciliation import holding_finding, purchase_finding
from chalicelib.errors import Busy, InvalidRequest, NotFound, VersionConflict
from chalicelib.services.core import audit
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.reconciliation import name_checks, repairs, unknown_sessions
from chalicelib.services.reconciliation.facts import (
    Inspection,
    ResellerBusy,
    inspect_reseller,
    tenant_facts,
)
from chalicelib.services.reconciliation.repair_request import RepairRequest
from chalicelib.services.reconciliation.runs import read_report
from chalicelib.services.reconciliation.stripe_view import compare_with_stripe
from chalicelib.storage.claims import Claim, owner_of
from chalicelib.storage.findings import DECISIONS, GONE, IGNORED, OPEN, REPAIRED, FindingRow
from chalicelib.storage.reads import get
from chalicelib.storage.reports import Scope
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.tenants import Tenant
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User

COUNTED = frozenset({Code.USED_MISMATCH, Code.COUNT_UNEXPLAINED, Code.OVER_ALLOCATED})
PURCHASES = frozenset({Code.PURCHASE_UNCREDITED, Code.PURCHASE_OVERCREDITED, Code.STUCK_PURCHASE})


def read_finding(report_id: str, finding_id: str) -> FindingRow:
    """Raises NotFound."""
    row = get(FindingRow, report_id, finding_id)
    if row is None or report_id == DECISIONS:
        raise NotFound("finding")
    return row


def resolve(
    row: FindingRow,
    action: Action,
    *,
    reason: str,
    by: str,
    to: str | None = None,
    once: IdempotentRequest = NO_KEY,
) -> FindingRow:
    """Carry the decision out, in one transaction with the mark on the finding. What was
    decided before stays as it is.

    to: the reseller or user that an adoption names. Raises InvalidRequest, VersionConflict
    (the facts are other than they were: reconcile again), Busy, PaymentProviderUnavailable,
    and what the repair raises.
    """
    tx = Transaction()
    if row.state != OPEN and not (row.state == IGNORED and action != Action.IGNORE):
        once.record(tx, row)
        tx.commit()
        return row
    if action is Action.IGNORE:
        outcome, state = _ignore(tx, row, reason=reason, by=by), IGNORED
    else:
        outcome, state = _repair(tx, row, action, reason=reason, by=by, to=to)
    tx.change(
        row,
        state=state,
        resolution=str(action),
        outcome=outcome,
        reason=reason,
        resolved_by=str(by),
        resolved_at=clock.now(),
    )
    once.record(tx, row)
    tx.commit()
    return row


def _ignore(tx: Transaction, row: FindingRow, *, reason: str, by: str) -> str:
    """Put down that these very facts are to be left alone, for the runs to come."""
    columns = ("code", "subject", "reseller_id", "what", "why", "proposed", "safe", "fingerprint")
    decision = FindingRow(DECISIONS, row.id, **{name: getattr(row, name) for name in columns})
    decision.evidence, decision.actions = row.evidence, row.actions
    decision.state, decision.reason = IGNORED, reason
    decision.resolved_by, decision.resolved_at = str(by), clock.now()
    other = FindingRow.id.does_not_exist() | (FindingRow.reconciliation_id == DECISIONS)
    tx.put(decision, condition=other, otherwise=VersionConflict())
    # For admins alone: why they leave something alone need not be a reseller's to read.
    audit.record(
        tx,
        actor=by,
        action="finding.ignored",
        target=row.subject,
        reseller_id=None,
        after={"finding": row.what},
        reason=reason,
    )
    return "It is left as it is, and reported again when it changes."


def _repair(
    tx: Transaction, row: FindingRow, action: Action, *, reason: str, by: str, to: str | None
) -> tuple[str, str]:
    """Outcome and state."""
    if action not in row.actions:
        raise InvalidRequest.of("action", f"Here it can be: {', '.join(sorted(row.actions))}.")
    found, inspection = _recheck(row)
    if found is None:
        return "There was nothing left to do: it had come right by itself.", GONE
    if found.fingerprint != row.fingerprint:
        raise VersionConflict
    order = RepairRequest(
        found, action, by=by, reason=reason, ref=row.reconciliation_id, to=to, inspection=inspection
    )
    return repairs.add(tx, order), REPAIRED


def _recheck(row: FindingRow) -> tuple[Finding | None, Inspection | None]:
    """The same finding by what is so now, with the count that its repair rests on. Stripe is
    asked about the finding's own subject and what explains the counter, not about the rest."""
    code, reseller_id = Code(row.code), str(row.reseller_id)
    if code in COUNTED | PURCHASES:
        asked = read_report(row.reconciliation_id).scope != Scope.PARTIAL
        counted = _inspect_again(reseller_id, ask_stripe=asked)
        if counted is None:
            return None, None
        if code in COUNTED:
            return counted.find(code, row.subject), counted
        return _purchase(row, counted, ask_stripe=asked), counted
    of_a_tenant = code == Code.MISSING_CLAIM and row.subject.startswith("tnt_")
    return _recheck_single(code, row), _inspect_again(reseller_id) if of_a_tenant else None


def _inspect_again(reseller_id: str, *, ask_stripe: bool = False) -> Inspection | None:
    try:
        return inspect_reseller(reseller_id, ask_stripe=ask_stripe)
    except ResellerBusy:
        raise Busy from None


def _purchase(row: FindingRow, counted: Inspection, *, ask_stripe: bool) -> Finding | None:
    facts = counted.purchases.get(row.subject)
    if facts is None:
        return None
    seen = compare_with_stripe(facts) if ask_stripe and facts.worth is None else facts
    if seen is None:
        raise VersionConflict
    found = purchase_finding(seen)
    return found if found is not None and found.code == row.code else None


def _recheck_single(code: Code, row: FindingRow) -> Finding | None:
    subject, reseller_id = row.subject, str(row.reseller_id)
    match code:
        case Code.TENANT_HOLDS_WRONGLY:
            tenant = get(Tenant, reseller_id, subject)
            return holding_finding(tenant_facts(tenant)) if tenant else None
        case Code.ORPHAN_TENANT:
            tenant = get(Tenant, reseller_id, subject)
            gone = get(Reseller, reseller_id) is None
            return name_checks.orphan_tenant(tenant) if tenant and gone else None
        case Code.ORPHAN_CLAIM:
            claim = get(Claim, subject)
            return (
                name_checks.orphan_claim(claim)
                if claim and not name_checks.is_rightful(claim)
                else None
            )
        case Code.MISSING_CLAIM:
            return _claim_of(subject, reseller_id)
        case Code.RESELLER_WITHOUT_USER:
            reseller = get(Reseller, subject)
            return name_checks.user_link_of(reseller) if reseller else None
        case Code.USER_LINK_WRONG:
            user = get(User, subject)
            found = name_checks.user_findings([user]) if user else ()
            return next((f for f in found if f.code == code), None)
        case Code.SESSION_WITHOUT_PURCHASE:
            return unknown_sessions.recheck(row.evidence)
        case _:
            raise AssertionError(f"{code} is looked at by a count of its reseller.")


def _claim_of(subject: str, reseller_id: str) -> Finding | None:
    row: name_checks.Named | None
    if subject.startswith("tnt_"):
        row = get(Tenant, reseller_id, subject)
    else:
        row = get(Reseller, subject) or get(User, subject)
    name = name_checks.name_of(row) if row is not None else None
    if row is None or name is None:
        return None
    owner = owner_of(name)
    return name_checks.missing_claim(row, name, owner) if owner != row.id else None
