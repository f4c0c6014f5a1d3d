"""Repairs for names, links, and individual tenants.

Each function adds its steps to a transaction and returns what they do.
"""

from collections.abc import Mapping

from chalicelib.domain.findings import Action
from chalicelib.domain.messages import MessageCode, Sentences, say
from chalicelib.domain.reconciliation import should_hold
from chalicelib.errors import InvalidRequest, NotFound, VersionConflict
from chalicelib.services.core import audit
from chalicelib.services.reconciliation import name_checks
from chalicelib.services.reconciliation.facts import tenant_facts
from chalicelib.services.reconciliation.repair_request import RepairRequest
from chalicelib.services.tenants.lifecycle import RESTORABLE
from chalicelib.storage import pool
from chalicelib.storage.audit import AuditAction
from chalicelib.storage.claims import Claim, claim_name, owner_of, release_name, transfer_claim
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import Pagination, get, query_page
from chalicelib.storage.resellers import Reseller, slug_claim
from chalicelib.storage.rows import Row
from chalicelib.storage.tenants import Tenant, tenant_slug_claim
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User


def repair_license_mark(tx: Transaction, request: RepairRequest) -> Sentences:
    tenant = _read_tenant(request)
    facts = tenant_facts(tenant)
    correct = should_hold(facts.is_active, facts.is_deleted, facts.holds_license)
    _audit(
        tx,
        request,
        AuditAction.TENANT_LICENSE_MARK_REPAIRED,
        {"holds_license": facts.holds_license},
        {"holds_license": correct},
    )
    tx.change(tenant, holds_license=correct)
    if correct:
        return say(MessageCode.MARKED_HOLDING)
    return say(MessageCode.MARKED_NOT_HOLDING)


def free_claim(tx: Transaction, request: RepairRequest) -> Sentences:
    """Delete a claim whose owner doesn't have the name.

    No condition on the owner is needed: to start using the name, the owner would have to claim it.
    """
    orphan = get(Claim, request.finding.subject)
    if orphan is None or orphan.owner != request.finding.evidence["owner"]:
        raise VersionConflict
    unchanged = (Claim.owner == orphan.owner) & (Claim.created_at == orphan.created_at)
    tx.delete(orphan, condition=unchanged, otherwise=VersionConflict())
    _audit(tx, request, AuditAction.CLAIM_FREED, {"name": orphan.name, "owner": orphan.owner}, None)
    return say(MessageCode.NAME_FREED, claim=orphan.name)


def repair_missing_claim(tx: Transaction, request: RepairRequest) -> Sentences:
    """Claim the row's name, or rename or delete the row if another row has the same name."""
    row = _read_named_row(request)
    if request.action is Action.DELETE:
        return _delete(tx, request, row)
    name = str(request.finding.evidence["name"])
    claim = get(Claim, name)
    owner = claim.owner if claim else None
    if name_checks.claim_name_of(row) != name or owner == row.id:
        raise VersionConflict
    if claim is not None and name_checks.is_claim_valid(claim):
        return _rename(tx, request, row)
    if claim is None:
        claim_name(tx, name, row.id, otherwise=VersionConflict())
    else:
        transfer_claim(tx, claim, row.id, otherwise=VersionConflict())
    _check_unchanged(tx, row)
    _audit(
        tx, request, AuditAction.CLAIM_REPAIRED, {"owner": owner}, {"name": name, "owner": row.id}
    )
    return say(MessageCode.NAME_CLAIMED, claim=name, row=row.id)


def _rename(tx: Transaction, request: RepairRequest, row: name_checks.Named) -> Sentences:
    if isinstance(row, User):
        raise VersionConflict
    slug = f"{row.slug}-{row.id[-8:].lower()}"
    _audit(tx, request, AuditAction.SLUG_REPAIRED, {"slug": row.slug}, {"slug": slug})
    tx.change(row, slug=slug)
    name = (
        slug_claim(slug) if isinstance(row, Reseller) else tenant_slug_claim(row.reseller_id, slug)
    )
    claim_name(tx, name, row.id, otherwise=VersionConflict())
    return say(MessageCode.SLUG_CHANGED, row=row.id, slug=slug)


def _delete(tx: Transaction, request: RepairRequest, row: name_checks.Named) -> Sentences:
    if isinstance(row, Tenant):
        facts = tenant_facts(row)
        held = should_hold(facts.is_active, facts.is_deleted, facts.holds_license)
        inspection = request.require_inspection()
        pool.set_used(
            tx,
            inspection.reseller,
            inspection.pool.holders - held,
            inspection.pool.ledger_used,
            request.move,
        )
        _audit(tx, request, AuditAction.TENANT_DELETED, {"slug": row.slug}, None)
        tx.change(row, deleted_at=tx.now, purge_at=tx.now + RESTORABLE, holds_license=False)
    else:
        _audit(tx, request, AuditAction.USER_DELETED, {"email": getattr(row, "email", None)}, None)
        _delete_row(tx, row)
    return say(MessageCode.ROW_DELETED, row=row.id)


def resolve_orphan_tenant(tx: Transaction, request: RepairRequest) -> Sentences:
    """Move a tenant whose reseller doesn't exist to another reseller, or delete the tenant."""
    tenant = _read_tenant(request)
    if get(Reseller, tenant.reseller_id) is not None:
        raise VersionConflict
    _delete_row(tx, tenant)
    old_name = name_checks.claim_name_of(tenant)
    if old_name is not None:
        release_name(tx, old_name, tenant.id)
    before = {"reseller_id": tenant.reseller_id, "name": tenant.name, "slug": tenant.slug}
    if request.action is Action.DELETE:
        _audit(tx, request, AuditAction.TENANT_DELETED, before, None)
        return say(MessageCode.ORPHAN_DELETED, name=tenant.name)
    return _adopt(tx, request, tenant, before)


def _adopt(
    tx: Transaction, request: RepairRequest, tenant: Tenant, before: Mapping[str, object]
) -> Sentences:
    reseller = get(Reseller, str(request.to))
    if reseller is None:
        raise InvalidRequest.of("to", "This reseller doesn't exist.")
    moved = Tenant(reseller.id, tenant.id)
    moved.unknown_columns = tenant.unknown_columns
    for name, value in tenant.attribute_values.items():
        if name not in ("reseller_id", "id"):
            setattr(moved, name, value)
    facts = tenant_facts(tenant)
    moved.holds_license = should_hold(facts.is_active, facts.is_deleted, facts.holds_license)
    if not facts.is_deleted:
        if owner_of(tenant_slug_claim(reseller.id, tenant.slug)) is not None:
            moved.slug = f"{tenant.slug}-{tenant.id[-8:].lower()}"
        name = tenant_slug_claim(reseller.id, moved.slug)
        claim_name(tx, name, tenant.id, otherwise=VersionConflict())
    tx.create(moved, otherwise=VersionConflict())
    if moved.holds_license:
        pool.take(tx, reseller.id, request.move)
    _audit(
        tx,
        request,
        AuditAction.TENANT_ADOPTED,
        before,
        {"reseller_id": reseller.id, "slug": moved.slug},
    )
    return say(MessageCode.TENANT_MOVED, name=tenant.name, company=reseller.company_name)


def resolve_reseller_user(tx: Transaction, request: RepairRequest) -> Sentences:
    """Relink the reseller to its user, link it to another user, or delete the reseller."""
    reseller = get(Reseller, request.finding.subject)
    if reseller is None:
        raise VersionConflict
    if request.action is Action.DELETE:
        return _delete_reseller(tx, request, reseller)
    user = get(User, str(request.to) if request.action is Action.ADOPT else reseller.user_id)
    if user is None:
        raise InvalidRequest.of("to", "This user doesn't exist.")
    if user.reseller_id not in (None, reseller.id):
        raise InvalidRequest.of("to", "This user already has a reseller account.")
    _audit(
        tx,
        request,
        AuditAction.RESELLER_LINKED,
        {"user_id": reseller.user_id},
        {"user_id": user.id},
    )
    tx.change(reseller, user_id=user.id)
    tx.change(user, reseller_id=reseller.id)
    return say(MessageCode.USER_LINKED, email=user.email, company=reseller.company_name)


def _delete_reseller(tx: Transaction, request: RepairRequest, reseller: Reseller) -> Sentences:
    for model in (Tenant, LedgerEntry, Purchase):
        if query_page(model, reseller.id, Pagination(limit=1)).rows:
            raise InvalidRequest.of(
                "action",
                f"This reseller can't be deleted, because it has rows in the {model.noun} table.",
            )
    _audit(
        tx,
        request,
        AuditAction.RESELLER_DELETED,
        {"company_name": reseller.company_name, "slug": reseller.slug},
        None,
    )
    release_name(tx, slug_claim(reseller.slug), reseller.id)
    _delete_row(tx, reseller)
    return say(MessageCode.RESELLER_DELETED, company=reseller.company_name)


def unlink_user(tx: Transaction, request: RepairRequest) -> Sentences:
    user = get(User, request.finding.subject)
    if user is None or user.reseller_id != request.finding.evidence["reseller_id"]:
        raise VersionConflict
    _audit(
        tx,
        request,
        AuditAction.USER_UNLINKED,
        {"reseller_id": user.reseller_id},
        {"reseller_id": None},
    )
    tx.change(user, reseller_id=None)
    return say(MessageCode.USER_UNLINKED_NOW, email=user.email)


def _read_tenant(request: RepairRequest) -> Tenant:
    tenant = get(Tenant, str(request.finding.reseller_id), request.finding.subject)
    if tenant is None:
        raise NotFound("tenant")
    return tenant


def _read_named_row(request: RepairRequest) -> name_checks.Named:
    """Return the row that the finding is about. Raises VersionConflict if it is gone."""
    subject = request.finding.subject
    row: name_checks.Named | None
    if subject.startswith("tnt_"):
        row = get(Tenant, str(request.finding.reseller_id), subject)
    else:
        row = get(Reseller, subject) or get(User, subject)
    if row is None:
        raise VersionConflict
    return row


def _check_unchanged(tx: Transaction, row: Row) -> None:
    model = type(row)
    keys = name_checks.key_of(row)
    tx.check(model, *keys, condition=row.unchanged(), otherwise=VersionConflict())


def _delete_row(tx: Transaction, row: Row) -> None:
    tx.delete(row, condition=row.unchanged(), otherwise=VersionConflict())


def _audit(
    tx: Transaction,
    request: RepairRequest,
    action: AuditAction,
    before: Mapping[str, object] | None,
    after: Mapping[str, object] | None,
) -> None:
    audit.record(
        tx,
        actor=request.by,
        action=action,
        target=request.finding.subject,
        reseller_id=request.finding.reseller_id,
        before=before,
        after=after,
        reason=request.reason,
    )
