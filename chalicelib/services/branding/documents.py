"""White-label branding: each level's own document, and what a visitor is shown.

A document is written whole, on condition that the row is as it was read. So two people who
edit at once never lose each other's fields: the second is told, or reads again. Told only where
the document itself has changed: its version is made of it, not of the row's other columns.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.domain import branding
from chalicelib.domain.branding import Effective, LowContrast, Own, Source, readable
from chalicelib.domain.names import check_slug
from chalicelib.errors import NotFound
from chalicelib.services.core import audit
from chalicelib.services.domains import hosts
from chalicelib.services.settings import platform_settings
from chalicelib.services.settings.branding_validation import validate_branding
from chalicelib.storage.claims import owner_of
from chalicelib.storage.domains import Domain, domain_claim
from chalicelib.storage.platform_settings import PlatformSettings
from chalicelib.storage.reads import get, get_one_of_each
from chalicelib.storage.resellers import Reseller, slug_claim
from chalicelib.storage.tenants import Tenant, tenant_slug_claim
from chalicelib.storage.transactions import Transaction

# Looked up where there is nobody to look up, so that a stranger's host takes the same reads.
NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class BrandingView:
    """One level's branding. version: of its own document, whatever else the row holds."""

    own: Own
    effective: dict[str, str | None]
    sources: dict[str, Source]
    version: str

    @property
    def low_contrast(self) -> list[LowContrast]:
        return branding.low_contrast(self.effective)


def platform_view(row: PlatformSettings) -> BrandingView:
    own = readable(row.branding_config)
    return _view(own, branding.inherit(own))


def reseller_view(reseller: Reseller) -> BrandingView:
    own = readable(reseller.branding_config)
    return _view(own, branding.inherit(_platform_own(), own))


def tenant_view(reseller: Reseller, tenant: Tenant) -> BrandingView:
    own = readable(tenant.branding_config)
    inherited = readable(reseller.branding_config)
    return _view(own, branding.inherit(_platform_own(), inherited, own))


def _view(own: Own, effective: Effective) -> BrandingView:
    return BrandingView(own, effective.values, effective.sources, _version(own))


def version_of(row: Reseller | Tenant) -> str:
    """The version of the row's own document."""
    return _version(readable(row.branding_config))


def _version(own: Own) -> str:
    return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()[:16]


def inherited_by_tenants(reseller_id: str) -> dict[str, str | None]:
    """What a tenant of this reseller shows before it has a look of its own."""
    reseller = get(Reseller, reseller_id)
    own = readable(reseller.branding_config) if reseller else None
    return branding.inherit(_platform_own(), own).values


def _platform_own() -> Own:
    return readable(platform_settings.cached_settings().branding_config)


def set_reseller_branding(
    reseller: Reseller, document: Mapping[str, Any], *, by: str
) -> BrandingView:
    """Replace the reseller's own document. Raises InvalidRequest, VersionConflict."""
    inherited = branding.inherit(_platform_own()).values
    own = validate_branding(document, inherited=inherited, before=reseller_view(reseller).effective)
    _set(reseller, own, by=by, reseller_id=reseller.id, noun="reseller")
    return reseller_view(reseller)


def set_tenant_branding(
    reseller: Reseller, tenant: Tenant, document: Mapping[str, Any], *, by: str
) -> BrandingView:
    """Replace the tenant's own document; an empty one inherits everything.

    Raises InvalidRequest, NotFound (deleted), VersionConflict.
    """
    if tenant.deleted_at is not None:
        raise NotFound("tenant")
    inherited = branding.inherit(_platform_own(), readable(reseller.branding_config)).values
    before = tenant_view(reseller, tenant).effective
    own = validate_branding(document, inherited=inherited, before=before)
    _set(tenant, own, by=by, reseller_id=reseller.id, noun="tenant")
    return tenant_view(reseller, tenant)


def merged(row: Reseller | Tenant, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The row's own document with some fields changed; None resets one to what is inherited."""
    return {**readable(row.branding_config), **changes}


def _set(row: Reseller | Tenant, own: Own, *, by: str, reseller_id: str, noun: str) -> None:
    """Invariant: a document is replaced only by one made from it. Condition: the row's version.

    Asked again after a lost reply, it finds the document as it should be and writes nothing.
    """
    if own == row.branding_config:
        return
    tx = Transaction()
    audit.record(
        tx,
        actor=by,
        action=f"{noun}.branding_changed",
        target=row.id,
        reseller_id=reseller_id,
        before=dict(readable(row.branding_config)),
        after=dict(own),
    )
    tx.change(row, branding_config=own)
    tx.commit()


def for_login(
    host: str | None = None, reseller_slug: str | None = None, tenant_slug: str | None = None
) -> dict[str, str | None]:
    """What the login page of a host, or of a reseller or its tenant by slug, looks like.

    Whoever is unknown gets the platform's own look after the same reads, so that neither the
    answer nor its time tells which hosts and slugs there are.
    """
    if host is not None:
        reseller_id, tenant_id = _owner_of_host(host)
    elif reseller_slug is not None:
        reseller_id, tenant_id = _owner_of_slug(reseller_slug, tenant_slug)
    else:
        return branding.inherit(_platform_own()).values
    reseller, tenant = get_one_of_each((Reseller, reseller_id), (Tenant, reseller_id, tenant_id))
    return branding.inherit(
        _platform_own(),
        readable(reseller.branding_config) if isinstance(reseller, Reseller) else None,
        # A deleted tenant's address shows its reseller's look.
        readable(tenant.branding_config)
        if isinstance(tenant, Tenant) and tenant.deleted_at is None
        else None,
    ).values


def _owner_of_host(host: str) -> tuple[str, str]:
    name = hosts.normalised(host) or NOBODY
    reseller_id = owner_of(domain_claim(name)) or NOBODY
    domain = get(Domain, reseller_id, name)
    if domain is None:
        return NOBODY, NOBODY
    return reseller_id, domain.tenant_id or NOBODY


def _owner_of_slug(reseller_slug: str, tenant_slug: str | None) -> tuple[str, str]:
    reseller_id = owner_of(slug_claim(_slug(reseller_slug))) or NOBODY
    tenant_id = owner_of(tenant_slug_claim(reseller_id, _slug(tenant_slug or "")))
    return reseller_id, tenant_id or NOBODY


def _slug(text: str) -> str:
    try:
        return check_slug(text)
    except ValueError:
        return NOBODY
