"""White-label branding: each level's own document, and the combined result that visitors see.

A document is replaced as a whole, provided that its row has not changed since it was read.
Concurrent edits therefore never overwrite each other's fields: the second writer either gets a
conflict or re-reads the row. Clients see a hash of the document as its version, so a change to
another column of the row does not cause them a conflict.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.domain import branding
from chalicelib.domain.actors import Actor
from chalicelib.domain.branding import (
    EffectiveBranding,
    LowContrast,
    OwnFields,
    Source,
    valid_fields,
)
from chalicelib.domain.names import check_slug
from chalicelib.errors import NotFound
from chalicelib.services.core import audit
from chalicelib.services.domains import hosts
from chalicelib.services.settings import platform_settings
from chalicelib.services.settings.branding_validation import validate_branding
from chalicelib.storage.audit import AuditAction
from chalicelib.storage.claims import owner_of
from chalicelib.storage.domains import Domain, domain_claim
from chalicelib.storage.platform_settings import PlatformSettings
from chalicelib.storage.reads import get, get_one_of_each
from chalicelib.storage.resellers import Reseller, slug_claim
from chalicelib.storage.tenants import Tenant, tenant_slug_claim
from chalicelib.storage.transactions import Transaction

# Read this ID if a host or slug has no owner, so that unknown ones cost the same reads.
UNKNOWN_ID = "nobody"


@dataclass(frozen=True, slots=True)
class BrandingView:
    """The branding of the platform, a reseller, or a tenant. `version` depends only on `own`."""

    own: OwnFields
    effective: dict[str, str | None]
    sources: dict[str, Source]
    version: str

    @property
    def low_contrast(self) -> list[LowContrast]:
        return branding.find_low_contrast(self.effective)


def platform_view(row: PlatformSettings) -> BrandingView:
    own = valid_fields(row.branding_config)
    return _view(own, branding.inherit(own))


def reseller_view(reseller: Reseller) -> BrandingView:
    own = valid_fields(reseller.branding_config)
    return _view(own, branding.inherit(_platform_fields(), own))


def tenant_view(reseller: Reseller, tenant: Tenant) -> BrandingView:
    own = valid_fields(tenant.branding_config)
    inherited = valid_fields(reseller.branding_config)
    return _view(own, branding.inherit(_platform_fields(), inherited, own))


def _view(own: OwnFields, effective: EffectiveBranding) -> BrandingView:
    return BrandingView(own, effective.values, effective.sources, _document_version(own))


def version_of(row: Reseller | Tenant) -> str:
    """Return the version of the row's branding document."""
    return _document_version(valid_fields(row.branding_config))


def _document_version(own: OwnFields) -> str:
    return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()[:16]


def inherited_by_tenants(reseller_id: str) -> dict[str, str | None]:
    """Return the branding values that this reseller's tenants inherit."""
    reseller = get(Reseller, reseller_id)
    own = valid_fields(reseller.branding_config) if reseller else None
    return branding.inherit(_platform_fields(), own).values


def _platform_fields() -> OwnFields:
    return valid_fields(platform_settings.cached_settings().branding_config)


def set_reseller_branding(
    reseller: Reseller, document: Mapping[str, object], *, by: Actor
) -> BrandingView:
    """Replace the reseller's branding document. Raises InvalidRequest or VersionConflict."""
    inherited = branding.inherit(_platform_fields()).values
    own = validate_branding(document, inherited=inherited, before=reseller_view(reseller).effective)
    _save_document(
        reseller, own, by=by, reseller_id=reseller.id, action=AuditAction.RESELLER_BRANDING_CHANGED
    )
    return reseller_view(reseller)


def set_tenant_branding(
    reseller: Reseller, tenant: Tenant, document: Mapping[str, object], *, by: Actor
) -> BrandingView:
    """Replace the tenant's branding document. With an empty document, all values are inherited.

    Raises InvalidRequest, VersionConflict, or NotFound if the tenant is deleted.
    """
    if tenant.deleted_at is not None:
        raise NotFound("tenant")
    inherited = branding.inherit(_platform_fields(), valid_fields(reseller.branding_config)).values
    before = tenant_view(reseller, tenant).effective
    own = validate_branding(document, inherited=inherited, before=before)
    _save_document(
        tenant, own, by=by, reseller_id=reseller.id, action=AuditAction.TENANT_BRANDING_CHANGED
    )
    return tenant_view(reseller, tenant)


def merge_changes(row: Reseller | Tenant, changes: Mapping[str, object]) -> dict[str, object]:
    """Return the row's branding with `changes` applied. None makes a field inherited again."""
    return {**valid_fields(row.branding_config), **changes}


def _save_document(
    row: Reseller | Tenant, own: OwnFields, *, by: Actor, reseller_id: str, action: AuditAction
) -> None:
    """Replace the row's branding document, unless the new one is equal.

    Fields that only a later release knows are kept, since an editor running this release can't see
    them. Invariant: a document is replaced only by one derived from it. Condition: the row's
    version is unchanged. If the response is lost, a retry finds the new document already stored and
    writes nothing.
    """
    document = branding.with_unknown_fields(own, row.branding_config)
    if document == row.branding_config:
        return
    tx = Transaction()
    audit.record(
        tx,
        actor=by,
        action=action,
        target=row.id,
        reseller_id=reseller_id,
        before=dict(valid_fields(row.branding_config)),
        after=dict(own),
    )
    tx.change(row, branding_config=document)
    tx.commit()


def login_branding(
    host: str | None = None, reseller_slug: str | None = None, tenant_slug: str | None = None
) -> dict[str, str | None]:
    """Return the branding for the login page of a host, or of a reseller or tenant by slug.

    Unknown hosts and slugs get the platform's branding after the same reads, so neither the
    response nor its timing reveals which ones exist.
    """
    if host is not None:
        reseller_id, tenant_id = _owner_of_host(host)
    elif reseller_slug is not None:
        reseller_id, tenant_id = _owner_of_slug(reseller_slug, tenant_slug)
    else:
        return branding.inherit(_platform_fields()).values
    reseller, tenant = get_one_of_each((Reseller, reseller_id), (Tenant, reseller_id, tenant_id))
    return branding.inherit(
        _platform_fields(),
        valid_fields(reseller.branding_config) if isinstance(reseller, Reseller) else None,
        # A deleted tenant's login page shows the reseller's branding.
        valid_fields(tenant.branding_config)
        if isinstance(tenant, Tenant) and tenant.deleted_at is None
        else None,
    ).values


def _owner_of_host(host: str) -> tuple[str, str]:
    name = hosts.normalize_host(host) or UNKNOWN_ID
    reseller_id = owner_of(domain_claim(name)) or UNKNOWN_ID
    domain = get(Domain, reseller_id, name)
    if domain is None:
        return UNKNOWN_ID, UNKNOWN_ID
    return reseller_id, domain.tenant_id or UNKNOWN_ID


def _owner_of_slug(reseller_slug: str, tenant_slug: str | None) -> tuple[str, str]:
    reseller_id = owner_of(slug_claim(_slug_or_unknown(reseller_slug))) or UNKNOWN_ID
    tenant_id = owner_of(tenant_slug_claim(reseller_id, _slug_or_unknown(tenant_slug or "")))
    return reseller_id, tenant_id or UNKNOWN_ID


def _slug_or_unknown(text: str) -> str:
    try:
        return check_slug(text)
    except ValueError:
        return UNKNOWN_ID
