"""Tenants: each holds one license of its reseller's pool from creation to deletion."""

from datetime import timedelta
from enum import StrEnum
from typing import Any, Protocol

from chalicelib import clock
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
from chalicelib.storage.claims import claim, free, owner_of
from chalicelib.storage.pool import Move
from chalicelib.storage.reads import Page, Pagination, get, query_page
from chalicelib.storage.rows import differing, new_id
from chalicelib.storage.tenants import Tenant, name_key, tenant_slug_claim
from chalicelib.storage.transactions import Transaction

RESTORABLE = timedelta(days=30)


class State(StrEnum):
    """What a list of tenants can be narrowed to."""

    LIVE = "live"
    ACTIVE = "active"
    INACTIVE = "inactive"
    DELETED = "deleted"


def create_tenant(
    reseller_id: str,
    *,
    name: str,
    slug: str | None,
    contact_email: str | None,
    branding_config: dict[str, Any],
    by: str,
    once: IdempotentRequest = NO_KEY,
) -> Tenant:
    """A new tenant on one of the reseller's licenses, all in one transaction.

    Without a slug, one is made of the name. Raises LicensesExhausted, ResellerInactive,
    SlugTaken, NotFound, InvalidRequest (branding_config).
    """
    tenant_id = new_id("tnt")
    inherited = inherited_by_tenants(reseller_id) if branding_config else {}
    own = validate_branding(branding_config, inherited=inherited, within="branding_config")

    def create(slug: str) -> Tenant:
        tenant = Tenant(
            reseller_id,
            tenant_id,
            name=name,
            slug=slug,
            contact_email=contact_email,
            branding_config=own,
            name_key=name_key(name, tenant_id),
        )
        return _create(tenant, by=by, once=once)

    if slug is not None:
        return create(slug)
    derived = slugify(name, fallback=_unique("tenant", tenant_id))
    try:
        return create(derived)
    except SlugTaken:
        return create(_unique(derived, tenant_id))


def _unique(stem: str, tenant_id: str) -> str:
    return f"{stem[:54].rstrip('-')}-{tenant_id[-8:].lower()}"


def _create(tenant: Tenant, *, by: str, once: IdempotentRequest) -> Tenant:
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
    claim(tx, name, tenant.id, otherwise=SlugTaken(slug))


def slug_to_restore(tenant: Tenant) -> str:
    """A slug that a deleted tenant can come back under: its own, or, where another tenant has
    that by now, one made of it."""
    owner = owner_of(tenant_slug_claim(tenant.reseller_id, tenant.slug))
    return tenant.slug if owner in (None, tenant.id) else _unique(tenant.slug, tenant.id)


def read_tenant(reseller_id: str, tenant_id: str) -> Tenant:
    """A tenant, deleted ones too while they can be restored. Raises NotFound."""
    tenant = get(Tenant, reseller_id, tenant_id)
    if tenant is None or (tenant.purge_at is not None and tenant.purge_at <= clock.now()):
        raise NotFound("tenant")
    return tenant


def list_tenants(
    reseller_id: str, request: Pagination, *, state: State = State.LIVE, search: str = ""
) -> Page[Tenant]:
    """The reseller's tenants: newest first, or by name where `search` is its beginning."""
    deleted = Tenant.deleted_at.exists()
    condition = {
        State.LIVE: ~deleted,
        State.ACTIVE: ~deleted & (Tenant.is_active == True),  # noqa: E712
        State.INACTIVE: ~deleted & (Tenant.is_active == False),  # noqa: E712
        # DynamoDB may take days to remove what has expired.
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


def edit_tenant(tenant: Tenant, changes: dict[str, Any], *, by: str) -> Tenant:
    """Change some of name, slug, contact_email of the row as read.

    What is so already changes nothing. Raises NotFound (deleted), SlugTaken, VersionConflict.
    """
    _require_live(tenant)
    columns = differing(tenant, changes)
    if not columns:
        return tenant
    tx = Transaction()
    if "slug" in columns:
        free(tx, tenant_slug_claim(tenant.reseller_id, tenant.slug), tenant.id)
    if "name" in columns:
        columns["name_key"] = name_key(str(columns["name"]), tenant.id)
    _audit(tx, tenant, changes, by=by, action="tenant.edited")
    tx.change(tenant, **columns)
    if "slug" in columns:
        _claim_slug(tx, tenant, tenant.slug)
    tx.commit()
    return tenant


def deactivate_tenant(tenant: Tenant, *, by: str, once: IdempotentRequest = NO_KEY) -> Tenant:
    """It keeps its license, unless the platform's setting says otherwise.

    Raises NotFound (deleted), VersionConflict.
    """
    _require_live(tenant)
    keeps = (
        platform_settings.cached_settings().deactivated_tenants_hold_license or not tenant.is_active
    )

    def write(tenant: Tenant, *, release: bool) -> Tenant:
        tx = Transaction()
        if release:
            pool.release(tx, tenant.reseller_id, Move(Kind.TENANT_DEACTIVATED, by, tenant.id))
        else:
            _audit(tx, tenant, {"is_active": False}, by=by, action="tenant.deactivated")
        if tenant.is_active:
            tx.change(tenant, is_active=False, holds_license=tenant.holds_license and keeps)
        once.record(tx, tenant)
        tx.commit()
        if release:
            reseller_notices.notify_low_supply(tenant.reseller_id)
        return tenant

    return _releasing(tenant, write, release=tenant.holds_license and not keeps)


def reactivate_tenant(tenant: Tenant, *, by: str, once: IdempotentRequest = NO_KEY) -> Tenant:
    """Never fails for want of a license where the tenant kept its own.

    Raises NotFound (deleted), VersionConflict; LicensesExhausted and ResellerInactive where
    it has to take one again.
    """
    _require_live(tenant)
    tx = Transaction()
    if not tenant.holds_license:
        pool.take(tx, tenant.reseller_id, Move(Kind.TENANT_REACTIVATED, by, tenant.id))
    else:
        _audit(tx, tenant, {"is_active": True}, by=by, action="tenant.reactivated")
    if not tenant.is_active or not tenant.holds_license:
        tx.change(tenant, is_active=True, holds_license=True)
    once.record(tx, tenant)
    tx.commit()
    reseller_notices.notify_low_supply(tenant.reseller_id)
    return tenant


def delete_tenant(tenant: Tenant, *, by: str) -> Tenant:
    """Free the license and the slug at once; the row can be restored for 30 days.

    Deleting what is deleted does nothing. Raises VersionConflict.
    """
    if tenant.deleted_at is not None:
        return tenant

    def write(tenant: Tenant, *, release: bool) -> Tenant:
        tx = Transaction()
        if release:
            pool.release(tx, tenant.reseller_id, Move(Kind.TENANT_DELETED, by, tenant.id))
        free(tx, tenant_slug_claim(tenant.reseller_id, tenant.slug), tenant.id)
        purge_at = tx.now + RESTORABLE
        tx.change(tenant, deleted_at=tx.now, purge_at=purge_at, holds_license=False)
        tx.commit()
        reseller_notices.notify_low_supply(tenant.reseller_id)
        return tenant

    return _releasing(tenant, write, release=tenant.holds_license)


def restore_tenant(
    tenant: Tenant, *, by: str, slug: str | None = None, once: IdempotentRequest = NO_KEY
) -> Tenant:
    """Bring a deleted tenant back, active, on a license taken anew.

    slug: another than it had, which may have been taken meanwhile. Raises LicensesExhausted,
    ResellerInactive, SlugTaken, VersionConflict.
    """
    tx = Transaction()
    if tenant.deleted_at is not None:
        pool.take(tx, tenant.reseller_id, Move(Kind.TENANT_RESTORED, by, tenant.id))
        wanted = slug or tenant.slug
        if wanted != tenant.slug:
            _audit(tx, tenant, {"slug": wanted}, by=by, action="tenant.edited")
        _claim_slug(tx, tenant, wanted)
        tx.change(
            tenant,
            slug=wanted,
            deleted_at=None,
            purge_at=None,
            is_active=True,
            holds_license=True,
        )
    once.record(tx, tenant)
    tx.commit()
    reseller_notices.notify_low_supply(tenant.reseller_id)
    return tenant


def _audit(
    tx: Transaction, tenant: Tenant, changes: dict[str, Any], *, by: str, action: str
) -> None:
    """For what moves no license; what does is in the ledger."""
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


class _Write(Protocol):
    def __call__(self, tenant: Tenant, *, release: bool) -> Tenant: ...


def _releasing(tenant: Tenant, write: _Write, *, release: bool) -> Tenant:
    """Write, giving the license back; where the pool does not count it (somebody edited the
    counter), the tenant's owner is not made to wait for the repair."""
    try:
        return write(tenant, release=release)
    except pool.PoolDrifted as drift:
        logger.warning(str(drift), extra={"reseller_id": tenant.reseller_id})
        return write(read_tenant(tenant.reseller_id, tenant.id), release=False)
