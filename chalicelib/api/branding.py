"""Branding for resellers and tenants, and the effective branding that visitors see."""

from collections.abc import Callable
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from chalicelib.api.branding_config import Brand, BrandingConfig, BrandingOutput
from chalicelib.api.declarations import Audience
from chalicelib.api.routing import Routes
from chalicelib.domain.scopes import Scope
from chalicelib.http.fields import Query
from chalicelib.http.requests import Call, Empty, I
from chalicelib.services.branding import documents
from chalicelib.services.branding.documents import BrandingView, merge_changes
from chalicelib.services.resellers import accounts
from chalicelib.services.tenants import lifecycle
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.tenants import Tenant

routes = Routes(__name__)

RESELLER = "/v1/resellers/{reseller}/branding"
TENANT = "/v1/resellers/{reseller}/tenants/{id}/branding"
MAX_AGE = 300  # seconds

_Name = Annotated[str, StringConstraints(max_length=1000)]


class BrandQuery(Query):
    """Whose branding to return: the platform's, if there are no parameters or no match."""

    host: _Name | None = Field(None, description="The host name the visitor opened.")
    reseller: _Name | None = Field(None, description="A reseller's slug, instead of `host`.")
    tenant: _Name | None = Field(None, description="The slug of one of the reseller's tenants.")

    @model_validator(mode="after")
    def _check_combination(self) -> "BrandQuery":
        if self.host is not None and (self.reseller is not None or self.tenant is not None):
            raise ValueError("Send either host or reseller.")
        if self.tenant is not None and self.reseller is None:
            raise ValueError("Send reseller along with tenant.")
        return self


@routes.get(
    "/v1/branding", Audience.PUBLIC, Scope.READ, returns=Brand, composed=True, max_age=MAX_AGE
)
def read_public_branding(call: Call[BrandQuery]) -> dict[str, str | None]:
    """Get the branding for a login page."""
    query = call.input
    return documents.login_branding(query.host, query.reseller, query.tenant)


def _read_tenant(call: Call[I]) -> Tenant:
    return lifecycle.read_tenant(call.reseller.id, call.path["id"])


def _edit_reseller(call: Call[I], edit: Callable[[Reseller], BrandingView]) -> BrandingView:
    """Edit the reseller's branding. If-Match applies to the document, not the whole row."""
    return call.on_current(
        lambda: accounts.read_reseller(call.reseller.id), edit, version_of=documents.version_of
    )


def _edit_tenant(call: Call[I], edit: Callable[[Tenant], BrandingView]) -> BrandingView:
    return call.on_current(lambda: _read_tenant(call), edit, version_of=documents.version_of)


@routes.get(RESELLER, Audience.RESELLER, Scope.READ, returns=BrandingOutput, composed=True)
def read_reseller_branding(call: Call[Empty]) -> BrandingView:
    """Get a reseller's branding."""
    return documents.reseller_view(call.reseller)


@routes.put(RESELLER, Audience.RESELLER, Scope.BRANDING, returns=BrandingOutput, composed=True)
def replace_reseller_branding(call: Call[BrandingConfig]) -> BrandingView:
    """Replace a reseller's branding.

    A field that is null or missing is reset to the inherited value.
    """
    own = call.input.model_dump()
    return _edit_reseller(call, lambda row: documents.set_reseller_branding(row, own, by=call.by))


@routes.patch(RESELLER, Audience.RESELLER, Scope.BRANDING, returns=BrandingOutput, composed=True)
def edit_reseller_branding(call: Call[BrandingConfig]) -> BrandingView:
    """Update fields in a reseller's branding.

    Null resets a field to the inherited value. Omitted fields keep their values.
    """
    return _edit_reseller(
        call,
        lambda row: documents.set_reseller_branding(
            row, merge_changes(row, call.changes()), by=call.by
        ),
    )


@routes.get(TENANT, Audience.RESELLER, Scope.READ, returns=BrandingOutput, composed=True)
def read_tenant_branding(call: Call[Empty]) -> BrandingView:
    """Get a tenant's branding."""
    return documents.tenant_view(call.reseller, _read_tenant(call))


@routes.put(TENANT, Audience.RESELLER, Scope.BRANDING, returns=BrandingOutput, composed=True)
def replace_tenant_branding(call: Call[BrandingConfig]) -> BrandingView:
    """Replace a tenant's branding.

    A field that is null or missing is reset to the inherited value.
    """
    own = call.input.model_dump()
    return _edit_tenant(
        call, lambda row: documents.set_tenant_branding(call.reseller, row, own, by=call.by)
    )


@routes.patch(TENANT, Audience.RESELLER, Scope.BRANDING, returns=BrandingOutput, composed=True)
def edit_tenant_branding(call: Call[BrandingConfig]) -> BrandingView:
    """Update fields in a tenant's branding.

    Null resets a field to the inherited value. Omitted fields keep their values.
    """
    return _edit_tenant(
        call,
        lambda row: documents.set_tenant_branding(
            call.reseller, row, merge_changes(row, call.changes()), by=call.by
        ),
    )


@routes.delete(TENANT, Audience.RESELLER, Scope.BRANDING)
def reset_tenant_branding(call: Call[Empty]) -> BrandingView:
    """Reset a tenant's branding to the inherited values."""
    return _edit_tenant(
        call, lambda row: documents.set_tenant_branding(call.reseller, row, {}, by=call.by)
    )
