"""A tenant's lifecycle. From creation to deletion, it holds a license from its reseller's pool.

Every function that moves a license does so in the transaction that changes the tenant, so the
pool's count always matches the tenants that hold a license.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Unpack

from chalicelib import clock
from chalicelib.domain.actors import Actor
from chalicelib.domain.ledger import Kind
from chalicelib.domain.names import search_key, slugify
from chalicelib.errors import NotFound, SlugTaken, VersionConflict
from chalicelib.observability import logger
from chalicelib.services.branding.documents import inherited_by_tenants
from chalicelib.services.core import audit
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.mail import reseller_notices
from chalicelib.services.settings import platform_settings
from chalicelib.services.settings.branding_validation import validate_branding
from chalicelib.storage import pool
from chalicelib.storage.audit import AuditAction
from chalicelib.storage.claims import claim_name, owner_of, release_name
from chalicelib.storage.pool import Move
from chalicelib.storage.reads import Page, Pagination, get, query_page
from chalicelib.storage.rows import changed_columns, new_id, reads_as
from chalicelib.storage.tenants import Tenant, TenantDetails, name_key, tenant_slug_claim
from chalicelib.storage.transactions import Transaction

RESTORABLE = timedelta(days=30)


class State(StrEnum):
    """The states that a list of tenants can be filtered by. LIVE means not deleted."""

    LIVE = "live"
    ACTIVE = "active"
    INACTIVE = "inactive"
    DELETED = "deleted"


def create_tenant(
    reseller_id: str,
    *,
    name: str,
    slug: str | None = None,
    branding_config: Mapping[str, object] | None = None,
    by: Actor,
    once: IdempotentRequest = NO_KEY,
    **details: Unpack[TenantDetails],
) -> Tenant:
    """Create a tenant that takes one of the reseller's licenses, in one transaction.

    If no slug is given, one is derived from the name. Condition: the reseller is active, has an
    unused license, and the slug is free. Raises LicensesExhausted, ResellerInactive, SlugTaken,
    NotFound, and InvalidRequest for an invalid `branding_config`.
    """
    tenant_id = new_id("tnt")
    inherited = inherited_by_tenants(reseller_id) if branding_config else {}
    own = validate_branding(branding_config or {}, inherited=inherited, within="branding_config")

    def create_with(slug: str) -> Tenant:
        tenant = Tenant(
            reseller_id,
            tenant_id,
            name=name,
            slug=slug,
            branding_config=own,
            name_key=name_key(name, tenant_id),
            **details,
        )
        return _write_new_tenant(tenant, by=by, once=once)

    if slug is not None:
        return create_with(slug)
    derived = slugify(name, fallback=_unique_slug("tenant", tenant_id))
    try:
        return create_with(derived)
    except SlugTaken:
        return create_with(_unique_slug(derived, tenant_id))


def _unique_slug(stem: str, tenant_id: str) -> str:
    return f"{stem[:54].rstrip('-')}-{tenant_id[-8:].lower()}"


def _write_new_tenant(tenant: Tenant, *, by: Actor, once: IdempotentRequest) -> Tenant:
    tx = Transaction()
    tx.create(tenant, otherwise=VersionConflict())
    pool.take(tx, tenant.reseller_id, Move(Kind.TENANT_CREATED, by, tenant.id))
    _claim_slug(tx, tenant, tenant.slug)
    once.record(tx, tenant)
    tx.commit()
    reseller_notices.notify_low_supply(tenant.reseller_id)
    return tenant


def _claim_slug(tx: Transaction, tenant: Tenant, slug: str) -> None:
    name = tenant_slug_claim(tenant.reseller_id, slug)
    claim_name(tx, name, tenant.id, otherwise=SlugTaken(slug))


def slug_to_restore(tenant: Tenant) -> str:
    """Return the slug for restoring a deleted tenant: its own, or a variant if that is taken."""
    owner = owner_of(tenant_slug_claim(tenant.reseller_id, tenant.slug))
    return tenant.slug if owner in (None, tenant.id) else _unique_slug(tenant.slug, tenant.id)


def read_tenant(reseller_id: str, tenant_id: str) -> Tenant:
    """Return a tenant, or a deleted tenant that can still be restored. Raises NotFound."""
    tenant = get(Tenant, reseller_id, tenant_id)
    if tenant is None or (tenant.purge_at is not None and tenant.purge_at <= clock.now()):
        raise NotFound("tenant")
    return tenant


def list_tenants(
    reseller_id: str, request: Pagination, *, state: State = State.LIVE, search: str = ""
) -> Page[Tenant]:
    """List the reseller's tenants, newest first. With a name prefix in `search`, order by name."""
    deleted = Tenant.deleted_at.exists()
    condition = {
        State.LIVE: ~deleted,
        State.ACTIVE: ~deleted & reads_as(Tenant.is_active, True),
        State.INACTIVE: ~deleted & reads_as(Tenant.is_active, False),
        # DynamoDB can take days to remove expired rows.
        State.DELETED: Tenant.deleted_at > clock.now() - RESTORABLE,
    }[state]
    if search:
        return query_page(
            Tenant,
            reseller_id,
            request,
            index=Tenant.by_name,
            range_condition=Tenant.name_key.startswith(search_key(search)),
            filter_condition=condition,
        )
    return query_page(Tenant, reseller_id, request, filter_condition=condition, newest_first=True)


def edit_tenant(tenant: Tenant, changes: dict[str, object], *, by: Actor) -> Tenant:
    """Change the tenant's name, slug, or details. Values that have not changed are ignored.

    Condition: the row is unchanged since it was read. Raises NotFound for a deleted tenant,
    SlugTaken, and VersionConflict.
    """
    _require_live(tenant)
    columns = changed_columns(tenant, changes)
    if not columns:
        return tenant
    tx = Transaction()
    if "slug" in columns:
        release_name(tx, tenant_slug_claim(tenant.reseller_id, tenant.slug), tenant.id)
    if "name" in columns:
        columns["name_key"] = name_key(str(columns["name"]), tenant.id)
    _record_edit(tx, tenant, AuditAction.TENANT_EDITED, changes, by=by)
    tx.change(tenant, columns)
    if "slug" in columns:
        _claim_slug(tx, tenant, tenant.slug)
    tx.commit()
    return tenant


def deactivate_tenant(tenant: Tenant, *, by: Actor, once: IdempotentRequest = NO_KEY) -> Tenant:
    """Deactivate a tenant.

    The tenant keeps its license unless the platform setting `deactivated_tenants_hold_license`
    is off. Raises NotFound for a deleted tenant, and VersionConflict.
    """
    _require_live(tenant)
    keeps_license = (
        platform_settings.cached_settings().deactivated_tenants_hold_license or not tenant.is_active
    )

    def write(tenant: Tenant, release: bool) -> Tenant:
        tx = Transaction()
        if release:
            pool.release(tx, tenant.reseller_id, Move(Kind.TENANT_DEACTIVATED, by, tenant.id))
        else:
            _record_edit(tx, tenant, AuditAction.TENANT_DEACTIVATED, {"is_active": False}, by=by)
        if tenant.is_active:
            tx.change(tenant, is_active=False, holds_license=tenant.holds_license and keeps_license)
        once.record(tx, tenant)
        tx.commit()
        if release:
            reseller_notices.notify_low_supply(tenant.reseller_id)
        return tenant

    return _write_and_release(tenant, write, release=tenant.holds_license and not keeps_license)


def reactivate_tenant(tenant: Tenant, *, by: Actor, once: IdempotentRequest = NO_KEY) -> Tenant:
    """Reactivate a tenant. This cannot fail for lack of a license if the tenant kept its own.

    Raises NotFound for a deleted tenant, and VersionConflict. If the tenant has to take a license
    again, also raises LicensesExhausted and ResellerInactive.
    """
    _require_live(tenant)
    tx = Transaction()
    if not tenant.holds_license:
        pool.take(tx, tenant.reseller_id, Move(Kind.TENANT_REACTIVATED, by, tenant.id))
    else:
        _record_edit(tx, tenant, AuditAction.TENANT_REACTIVATED, {"is_active": True}, by=by)
    if not tenant.is_active or not tenant.holds_license:
        tx.change(tenant, is_active=True, holds_license=True)
    once.record(tx, tenant)
    tx.commit()
    reseller_notices.notify_low_supply(tenant.reseller_id)
    return tenant


def delete_tenant(tenant: Tenant, *, by: Actor) -> Tenant:
    """Soft delete a tenant. Its license and slug become available immediately.

    The tenant can be restored for 30 days. Deleting a deleted tenant does nothing. Raises
    VersionConflict.
    """
    if tenant.deleted_at is not None:
        return tenant

    def write(tenant: Tenant, release: bool) -> Tenant:
        tx = Transaction()
        if release:
            pool.release(tx, tenant.reseller_id, Move(Kind.TENANT_DELETED, by, tenant.id))
        release_name(tx, tenant_slug_claim(tenant.reseller_id, tenant.slug), tenant.id)
        tx.change(tenant, deleted_at=tx.now, purge_at=tx.now + RESTORABLE, holds_license=False)
        tx.commit()
        reseller_notices.notify_low_supply(tenant.reseller_id)
        return tenant

    return _write_and_release(tenant, write, release=tenant.holds_license)


def restore_tenant(
    tenant: Tenant, *, by: Actor, slug: str | None = None, once: IdempotentRequest = NO_KEY
) -> Tenant:
    """Restore a deleted tenant as active. It takes a license again.

    `slug` replaces the tenant's old slug, which another tenant may have taken since. Restoring
    a tenant that is not deleted does nothing. Raises LicensesExhausted, ResellerInactive,
    SlugTaken, and VersionConflict.
    """
    tx = Transaction()
    if tenant.deleted_at is not None:
        pool.take(tx, tenant.reseller_id, Move(Kind.TENANT_RESTORED, by, tenant.id))
        new_slug = slug or tenant.slug
        if new_slug != tenant.slug:
            _record_edit(tx, tenant, AuditAction.TENANT_EDITED, {"slug": new_slug}, by=by)
        _claim_slug(tx, tenant, new_slug)
        tx.change(
            tenant,
            slug=new_slug,
            deleted_at=None,
            purge_at=None,
            is_active=True,
            holds_license=True,
        )
    once.record(tx, tenant)
    tx.commit()
    reseller_notices.notify_low_supply(tenant.reseller_id)
    return tenant


def _record_edit(
    tx: Transaction, tenant: Tenant, action: AuditAction, changes: dict[str, object], *, by: Actor
) -> None:
    """Record a change that doesn't move a license. The ledger records changes that do."""
    audit.record_edit(
        tx,
        tenant,
        changes,
        actor=by,
        action=action,
        target=tenant.id,
        reseller_id=tenant.reseller_id,
    )


def _require_live(tenant: Tenant) -> None:
    if tenant.deleted_at is not None:
        raise NotFound("tenant")


def _write_and_release(
    tenant: Tenant, write: Callable[[Tenant, bool], Tenant], *, release: bool
) -> Tenant:
    """Call `write` with the tenant and whether to release its license.

    If the pool does not count that license (because someone edited the counter), write the change
    without releasing it rather than make the tenant's owner wait for the repair.
    """
    try:
        return write(tenant, release)
    except pool.PoolDrifted as drift:
        logger.warning(str(drift), extra={"reseller_id": tenant.reseller_id})
        return write(read_tenant(tenant.reseller_id, tenant.id), False)
