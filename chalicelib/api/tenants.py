"""A reseller's tenants."""

from typing import Any

from pydantic import Field

from chalicelib.api.branding_config import BrandingConfig, StoredBranding
from chalicelib.api.declarations import Audience
from chalicelib.api.routing import Routes
from chalicelib.domain.scopes import Scope
from chalicelib.http.fields import (
    Changes,
    Email,
    Input,
    ListQuery,
    RowOutput,
    Search,
    Slug,
    Text,
    Time,
)
from chalicelib.http.requests import Call, Empty, I
from chalicelib.services.tenants import lifecycle
from chalicelib.services.tenants.lifecycle import State
from chalicelib.storage.reads import Page
from chalicelib.storage.tenants import Tenant

routes = Routes(__name__)

TENANTS = "/v1/resellers/{reseller}/tenants"
TENANT = TENANTS + "/{id}"


class TenantOutput(RowOutput):
    """A tenant.

    `holds_license` says whether it counts toward `license_used`. `deleted_at` is set if the tenant
    is deleted; it can then be restored until `purge_at`.
    """

    id: str
    reseller_id: str
    name: str
    slug: str
    contact_email: str | None
    is_active: bool
    holds_license: bool
    branding_config: StoredBranding
    deleted_at: Time | None
    purge_at: Time | None


class TenantDetails(Input):
    """A tenant's optional fields. Add new fields here and to `TenantOutput`."""

    contact_email: Email | None = None


class NewTenant(TenantDetails):
    """A new tenant. If `slug` is omitted, it is derived from the name."""

    name: Text
    slug: Slug | None = None
    branding_config: BrandingConfig = Field(default_factory=BrandingConfig)

    def columns(self) -> dict[str, Any]:  # Any: from pydantic's model_dump
        """Return the keyword arguments for `create_tenant`."""
        branding = self.branding_config.model_dump(exclude_none=True)
        return {**self.model_dump(exclude={"branding_config"}), "branding_config": branding}


class TenantChanges(Changes, TenantDetails):
    """The fields to change. Omitted fields keep their values."""

    name: Text = ""
    slug: Slug = ""


class Restoration(Input):
    """A new `slug` is needed if another tenant has taken the old one."""

    slug: Slug | None = None


class TenantQuery(ListQuery):
    """Which tenants to list.

    `status` is `live` (not deleted, the default), `active`, `inactive`, or `deleted`.
    `search` is the beginning of the tenant's name.
    """

    status: State = State.LIVE
    search: Search = ""


@routes.post(TENANTS, Audience.RESELLER, Scope.TENANTS, returns=TenantOutput, created=TENANT)
def create_tenant(call: Call[NewTenant]) -> Tenant:
    """Create a tenant. The tenant uses one of the reseller's licenses."""
    return lifecycle.create_tenant(
        call.reseller.id, **call.input.columns(), by=call.by, once=call.once
    )


@routes.get(TENANTS, Audience.RESELLER, Scope.READ, returns=TenantOutput)
def list_tenants(call: Call[TenantQuery]) -> Page[Tenant]:
    """List the reseller's tenants, newest first. Search results are ordered by name."""
    query = call.input
    return lifecycle.list_tenants(
        call.reseller.id, query.page, state=query.status, search=query.search
    )


def _read(call: Call[I]) -> Tenant:
    return lifecycle.read_tenant(call.reseller.id, call.path["id"])


@routes.get(TENANT, Audience.RESELLER, Scope.READ, returns=TenantOutput)
def read_tenant(call: Call[Empty]) -> Tenant:
    """Get a tenant. A deleted tenant can be read for as long as it can be restored."""
    return _read(call)


@routes.patch(TENANT, Audience.RESELLER, Scope.TENANTS, returns=TenantOutput)
def edit_tenant(call: Call[TenantChanges]) -> Tenant:
    """Update a tenant. Omitted fields keep their values."""
    return call.on_current(
        lambda: _read(call),
        lambda tenant: lifecycle.edit_tenant(tenant, call.changes(), by=call.by),
    )


@routes.delete(TENANT, Audience.RESELLER, Scope.TENANTS)
def delete_tenant(call: Call[Empty]) -> Tenant:
    """Delete a tenant. Its license is freed immediately. The tenant can be restored for 30 days."""
    return call.on_current(
        lambda: _read(call), lambda tenant: lifecycle.delete_tenant(tenant, by=call.by)
    )


@routes.post(TENANT + "/deactivate", Audience.RESELLER, Scope.TENANTS, returns=TenantOutput)
def deactivate_tenant(call: Call[Empty]) -> Tenant:
    """Deactivate a tenant.

    The tenant keeps its license unless the platform settings say otherwise.
    """
    return call.on_current(
        lambda: _read(call),
        lambda tenant: lifecycle.deactivate_tenant(tenant, by=call.by, once=call.once),
    )


@routes.post(TENANT + "/reactivate", Audience.RESELLER, Scope.TENANTS, returns=TenantOutput)
def reactivate_tenant(call: Call[Empty]) -> Tenant:
    """Reactivate a tenant."""
    return call.on_current(
        lambda: _read(call),
        lambda tenant: lifecycle.reactivate_tenant(tenant, by=call.by, once=call.once),
    )


@routes.post(TENANT + "/restore", Audience.RESELLER, Scope.TENANTS, returns=TenantOutput)
def restore_tenant(call: Call[Restoration]) -> Tenant:
    """Restore a deleted tenant. The tenant uses a license again."""
    return call.on_current(
        lambda: _read(call),
        lambda tenant: lifecycle.restore_tenant(
            tenant, by=call.by, slug=call.input.slug, once=call.once
        ),
    )
