"""Repairs of names, links, and of single tenants."""

from typing import Any

from chalicelib.domain.findings import Action
from chalicelib.domain.reconciliation import should_hold
from chalicelib.errors import InvalidRequest, NotFound, VersionConflict
from chalicelib.services.core import audit
from chalicelib.services.reconciliation import name_checks
from chalicelib.services.reconciliation.facts import tenant_facts
from chalicelib.services.reconciliation.repair_request import RepairRequest
from chalicelib.services.tenants.lifecycle import RESTORABLE
from chalicelib.storage import pool
from chalicelib.storage.claims import Claim, claim, free, owner_of
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import Pagination, get, query_page
from chalicelib.storage.resellers import Reseller, slug_claim
from chalicelib.storage.rows import Row
from chalicelib.storage.tenants import Tenant, tenant_slug_claim
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User


def holds(tx: Transaction, order: RepairRequest) -> str:
    tenant = _tenant(order)
    facts = tenant_facts(tenant)
    right = should_hold(facts.is_active, facts.is_deleted, facts.holds_license)
    _audit(
        tx,
        order,
        "tenant.license_mark_repaired",
        {"holds_license": facts.holds_license},
        {"holds_license": right},
    )
    tx.change(tenant, holds_license=right)
    return f"holds_license is {str(right).lower()} now."


def orphan_claim(tx: Transaction, order: RepairRequest) -> str:
    """Its owner can't come to have the name meanwhile: it would have to claim it."""
    found = get(Claim, order.finding.subject)
    if found is None or found.owner != order.finding.evidence["owner"]:
        raise VersionConflict
    unchanged = (Claim.owner == found.owner) & (Claim.created_at == found.created_at)
    tx.delete(found, condition=unchanged, otherwise=VersionConflict())
    _audit(tx, order, "claim.freed", {"name": found.name, "owner": found.owner}, None)
    return f"“{found.name}” is free."


def missing_claim(tx: Transaction, order: RepairRequest) -> str:
    row = _named_row(order)
    if order.action is Action.DELETE:
        return _delete(tx, order, row)
    name = str(order.finding.evidence["name"])
    owner = owner_of(name)
    if name_checks.name_of(row) != name or owner == row.id:
        raise VersionConflict
    if owner is not None and name_checks.is_rightful(Claim(name, owner=owner)):
        return _rename(tx, order, row)
    if owner is None:
        claim(tx, name, row.id, otherwise=VersionConflict())
    else:
        taken = Claim(name, owner=row.id)
        tx.put(taken, condition=Claim.owner == owner, otherwise=VersionConflict())
    _unchanged(tx, row)
    _audit(tx, order, "claim.repaired", {"owner": owner}, {"name": name, "owner": row.id})
    return f"“{name}” is claimed for {row.id}."


def _rename(tx: Transaction, order: RepairRequest, row: name_checks.Named) -> str:
    if isinstance(row, User):
        raise VersionConflict
    slug = f"{row.slug}-{row.id[-8:].lower()}"
    _audit(tx, order, "slug.repaired", {"slug": row.slug}, {"slug": slug})
    tx.change(row, slug=slug)
    name = (
        slug_claim(slug) if isinstance(row, Reseller) else tenant_slug_claim(row.reseller_id, slug)
    )
    claim(tx, name, row.id, otherwise=VersionConflict())
    return f"The slug of {row.id} is “{slug}” now."


def _delete(tx: Transaction, order: RepairRequest, row: name_checks.Named) -> str:
    if isinstance(row, Tenant):
        facts = tenant_facts(row)
        held = should_hold(facts.is_active, facts.is_deleted, facts.holds_license)
        counted = order.counted
        pool.set_used(
            tx,
            counted.reseller,
            counted.pool.holders - held,
            counted.pool.ledger_used,
            order.move,
        )
        _audit(tx, order, "tenant.deleted", {"slug": row.slug}, None)
        tx.change(row, deleted_at=tx.now, purge_at=tx.now + RESTORABLE, holds_license=False)
    else:
        _audit(tx, order, "user.deleted", {"email": getattr(row, "email", None)}, None)
        _remove(tx, row)
    return f"{row.id} is deleted."


def orphan_tenant(tx: Transaction, order: RepairRequest) -> str:
    tenant = _tenant(order)
    if get(Reseller, tenant.reseller_id) is not None:
        raise VersionConflict
    _remove(tx, tenant)
    old_name = name_checks.name_of(tenant)
    if old_name is not None:
        free(tx, old_name, tenant.id)
    before = {"reseller_id": tenant.reseller_id, "name": tenant.name, "slug": tenant.slug}
    if order.action is Action.DELETE:
        _audit(tx, order, "tenant.deleted", before, None)
        return f"“{tenant.name}” is deleted for good."
    return _adopt(tx, order, tenant, before)


def _adopt(tx: Transaction, order: RepairRequest, tenant: Tenant, before: dict[str, Any]) -> str:
    reseller = get(Reseller, str(order.to))
    if reseller is None:
        raise InvalidRequest.of("to", "There is no such reseller.")
    moved = Tenant(reseller.id, tenant.id)
    for name, value in tenant.attribute_values.items():
        if name not in ("reseller_id", "id"):
            setattr(moved, name, value)
    facts = tenant_facts(tenant)
    moved.holds_license = should_hold(facts.is_active, facts.is_deleted, facts.holds_license)
    if not facts.is_deleted:
        if owner_of(tenant_slug_claim(reseller.id, tenant.slug)) is not None:
            moved.slug = f"{tenant.slug}-{tenant.id[-8:].lower()}"
        name = tenant_slug_claim(reseller.id, moved.slug)
        claim(tx, name, tenant.id, otherwise=VersionConflict())
    tx.create(moved, otherwise=VersionConflict())
    if moved.holds_license:
        pool.take(tx, reseller.id, order.move)
    _audit(tx, order, "tenant.adopted", before, {"reseller_id": reseller.id, "slug": moved.slug})
    return f"“{tenant.name}” belongs to {reseller.company_name} now."


def reseller_without_user(tx: Transaction, order: RepairRequest) -> str:
    reseller = get(Reseller, order.finding.subject)
    if reseller is None:
        raise VersionConflict
    if order.action is Action.DELETE:
        return _delete_reseller(tx, order, reseller)
    user = get(User, str(order.to) if order.action is Action.ADOPT else reseller.user_id)
    if user is None:
        raise InvalidRequest.of("to", "There is no such user.")
    if user.reseller_id not in (None, reseller.id):
        raise InvalidRequest.of("to", "This user already has a reseller account.")
    _audit(tx, order, "reseller.linked", {"user_id": reseller.user_id}, {"user_id": user.id})
    tx.change(reseller, user_id=user.id)
    tx.change(user, reseller_id=reseller.id)
    return f"{user.email} is linked to {reseller.company_name}."


def _delete_reseller(tx: Transaction, order: RepairRequest, reseller: Reseller) -> str:
    for model in (Tenant, LedgerEntry, Purchase):
        if query_page(model, reseller.id, Pagination(limit=1)).rows:
            raise InvalidRequest.of(
                "action", f"The reseller has {model.noun}: it can't be deleted."
            )
    _audit(
        tx,
        order,
        "reseller.deleted",
        {"company_name": reseller.company_name, "slug": reseller.slug},
        None,
    )
    free(tx, slug_claim(reseller.slug), reseller.id)
    _remove(tx, reseller)
    return f"{reseller.company_name} is deleted."


def user_link_wrong(tx: Transaction, order: RepairRequest) -> str:
    user = get(User, order.finding.subject)
    if user is None or user.reseller_id != order.finding.evidence["reseller_id"]:
        raise VersionConflict
    _audit(tx, order, "user.unlinked", {"reseller_id": user.reseller_id}, {"reseller_id": None})
    tx.change(user, reseller_id=None)
    return f"{user.email} is linked to no reseller now."


def _tenant(order: RepairRequest) -> Tenant:
    tenant = get(Tenant, str(order.finding.reseller_id), order.finding.subject)
    if tenant is None:
        raise NotFound("tenant")
    return tenant


def _named_row(order: RepairRequest) -> name_checks.Named:
    """Raises VersionConflict where it is gone."""
    subject = order.finding.subject
    row: name_checks.Named | None
    if subject.startswith("tnt_"):
        row = get(Tenant, str(order.finding.reseller_id), subject)
    else:
        row = get(Reseller, subject) or get(User, subject)
    if row is None:
        raise VersionConflict
    return row


def _unchanged(tx: Transaction, row: Row) -> None:
    model = type(row)
    keys = name_checks.key_of(row)
    tx.check(model, *keys, condition=model.version == row.version, otherwise=VersionConflict())


def _remove(tx: Transaction, row: Row) -> None:
    tx.delete(row, condition=type(row).version == row.version, otherwise=VersionConflict())


def _audit(
    tx: Transaction,
    order: RepairRequest,
    action: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> None:
    audit.record(
        tx,
        actor=order.by,
        action=action,
        target=order.finding.subject,
        reseller_id=order.finding.reseller_id,
        before=before,
        after=after,
        reason=order.reason,
    )
