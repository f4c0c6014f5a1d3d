"""Apply a person's decision about one finding.

The facts are checked again first. If the problem has gone away, the finding is marked `gone`.
If the facts have changed since the finding was recorded, the decision is refused, and nothing is
written.
"""

from chalicelib import clock
from chalicelib.domain.actors import Actor
from chalicelib.domain.findings import CODES, Action, Code, Finding
from chalicelib.domain.messages import MessageCode, Sentences, say
from chalicelib.domain.reconciliation import holding_finding, purchase_finding
from chalicelib.errors import InvalidRequest, NotFound, VersionConflict
from chalicelib.services.core import audit
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.reconciliation import name_checks, repairs, unknown_sessions
from chalicelib.services.reconciliation.facts import (
    Inspection,
    inspect_reseller,
    tenant_facts,
)
from chalicelib.services.reconciliation.repair_request import RepairRequest
from chalicelib.services.reconciliation.runs import read_report
from chalicelib.services.reconciliation.stripe_view import compare_with_stripe
from chalicelib.storage.audit import AuditAction
from chalicelib.storage.claims import Claim, owner_of
from chalicelib.storage.findings import DECISIONS, GONE, IGNORED, OPEN, REPAIRED, FindingRow
from chalicelib.storage.reads import get
from chalicelib.storage.reports import Scope
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.tenants import Tenant
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User

POOL_CODES = frozenset({Code.USED_MISMATCH, Code.COUNT_UNEXPLAINED, Code.OVER_ALLOCATED})
PURCHASE_CODES = frozenset(
    {Code.PURCHASE_UNCREDITED, Code.PURCHASE_OVERCREDITED, Code.STUCK_PURCHASE}
)


def read_finding(report_id: str, finding_id: str) -> FindingRow:
    """Return the finding. Raises NotFound."""
    row = get(FindingRow, report_id, finding_id)
    if row is None or report_id == DECISIONS:
        raise NotFound("finding")
    return row


def resolve(
    row: FindingRow,
    action: Action,
    *,
    reason: str,
    by: Actor,
    to: str | None = None,
    once: IdempotentRequest = NO_KEY,
) -> FindingRow:
    """Carry out the decision and mark the finding, in one transaction.

    A finding that was already decided is returned unchanged, except that an ignored one can
    still be resolved. `to` is the ID of the new reseller or user, if an adoption needs one.
    Raises InvalidRequest, VersionConflict (the facts have changed: run reconciliation again),
    Busy, PaymentProviderUnavailable, and anything that the repair raises.
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
        row.outcome_columns(outcome),
        state=state,
        resolution=str(action),
        reason=reason,
        resolved_by=by.id,
        resolved_at=clock.now(),
    )
    once.record(tx, row)
    tx.commit()
    return row


def _ignore(tx: Transaction, row: FindingRow, *, reason: str, by: Actor) -> Sentences:
    """Record the decision so that later runs ignore the finding until its facts change."""
    columns = ("code", "subject", "reseller_id", "what", "why", "proposed", "safe", "fingerprint")
    decision = FindingRow(DECISIONS, row.id, **{name: getattr(row, name) for name in columns})
    decision.evidence, decision.actions = row.evidence, row.actions
    decision.messages = row.messages
    decision.state, decision.reason = IGNORED, reason
    decision.resolved_by, decision.resolved_at = by.id, clock.now()
    is_decision = FindingRow.id.does_not_exist() | (FindingRow.reconciliation_id == DECISIONS)
    tx.put(decision, condition=is_decision, otherwise=VersionConflict())
    # No reseller_id is recorded: the reseller must not see this entry, because its reason is meant
    # for admins.
    audit.record(
        tx,
        actor=by,
        action=AuditAction.FINDING_IGNORED,
        target=row.subject,
        reseller_id=None,
        after={"finding": row.sentences("what")},
        reason=reason,
    )
    return say(MessageCode.IGNORED)


def _repair(
    tx: Transaction, row: FindingRow, action: Action, *, reason: str, by: Actor, to: str | None
) -> tuple[Sentences, str]:
    """Add the repair to `tx` and return the outcome and the finding's new state."""
    if action not in row.actions:
        available = ", ".join(sorted(row.actions))
        raise InvalidRequest.of("action", f"For this finding, use one of: {available}.")
    if row.code not in CODES:
        raise InvalidRequest.of("action", f"A finding of kind {row.code} can only be ignored.")
    finding, inspection = _recheck(row)
    if finding is None:
        return say(MessageCode.GONE), GONE
    if finding.fingerprint != row.fingerprint:
        raise VersionConflict
    request = RepairRequest(
        finding,
        action,
        by=by,
        reason=reason,
        ref=row.reconciliation_id,
        to=to,
        inspection=inspection,
    )
    return repairs.add_repair(tx, request), REPAIRED


def _recheck(row: FindingRow) -> tuple[Finding | None, Inspection | None]:
    """Return the finding based on the current facts, and the snapshot that its repair needs.

    Stripe is queried only about the finding's own subject and about the purchases that can
    explain the counter.
    """
    code, reseller_id = row.code, str(row.reseller_id)
    if code in POOL_CODES | PURCHASE_CODES:
        ask_stripe = read_report(row.reconciliation_id).scope != Scope.PARTIAL
        inspection = inspect_reseller(reseller_id, ask_stripe=ask_stripe)
        if inspection is None:
            return None, None
        if code in POOL_CODES:
            return inspection.find(code, row.subject), inspection
        return _recheck_purchase(row, inspection, ask_stripe=ask_stripe), inspection
    needs_inspection = code == Code.MISSING_CLAIM and row.subject.startswith("tnt_")
    return _recheck_single(code, row), inspect_reseller(reseller_id) if needs_inspection else None


def _recheck_purchase(
    row: FindingRow, inspection: Inspection, *, ask_stripe: bool
) -> Finding | None:
    facts = inspection.purchases.get(row.subject)
    if facts is None:
        return None
    checked = compare_with_stripe(facts) if ask_stripe and facts.worth is None else facts
    if checked is None:
        raise VersionConflict
    finding = purchase_finding(checked)
    return finding if finding is not None and finding.code == row.code else None


def _recheck_single(code: str, row: FindingRow) -> Finding | None:
    subject, reseller_id = row.subject, str(row.reseller_id)
    match code:
        case Code.TENANT_HOLDS_WRONGLY:
            tenant = get(Tenant, reseller_id, subject)
            return holding_finding(tenant_facts(tenant)) if tenant else None
        case Code.ORPHAN_TENANT:
            tenant = get(Tenant, reseller_id, subject)
            gone = get(Reseller, reseller_id) is None
            return name_checks.orphan_tenant_finding(tenant) if tenant and gone else None
        case Code.ORPHAN_CLAIM:
            claim = get(Claim, subject)
            return (
                name_checks.orphan_claim_finding(claim)
                if claim and not name_checks.is_claim_valid(claim)
                else None
            )
        case Code.MISSING_CLAIM:
            return _recheck_missing_claim(subject, reseller_id)
        case Code.RESELLER_WITHOUT_USER:
            reseller = get(Reseller, subject)
            return name_checks.user_link_finding(reseller) if reseller else None
        case Code.USER_LINK_WRONG:
            user = get(User, subject)
            findings = name_checks.user_findings([user]) if user else ()
            return next((f for f in findings if f.code == code), None)
        case Code.SESSION_WITHOUT_PURCHASE:
            return unknown_sessions.recheck(row.evidence)
        case _:
            raise AssertionError(f"Checking {code} requires an inspection of its reseller.")


def _recheck_missing_claim(subject: str, reseller_id: str) -> Finding | None:
    row: name_checks.Named | None
    if subject.startswith("tnt_"):
        row = get(Tenant, reseller_id, subject)
    else:
        row = get(Reseller, subject) or get(User, subject)
    name = name_checks.claim_name_of(row) if row is not None else None
    if row is None or name is None:
        return None
    owner = owner_of(name)
    return name_checks.missing_claim_finding(row, name, owner) if owner != row.id else None
