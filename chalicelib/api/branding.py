"""Branding of a reseller and of its tenants, and what visitors are shown."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import StringConstraints, model_validator

from chalicelib.api.branding_config import Brand, BrandingConfig, BrandingOutput
from chalicelib.api.declarations import Audience, Scope
from chalicelib.api.fields import Query
from chalicelib.api.requests import Call, Empty
from chalicelib.api.routing import Routes
from chalicelib.services.branding import documents
from chalicelib.services.branding.documents import BrandingView, merge_changes
from chalicelib.services.resellers import accounts
from chalicelib.services.tenants import lifecycle
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.tenants import Tenant

routes = Routes(__name__)

RESELLER_BRANDING = "/v1/resellers/{reseller}/branding"
TENANT_BRANDING = "/v1/resellers/{reseller}/tenants/{id}/branding"
CACHED_SECONDS = 300

_Lookup = Annotated[str, StringConstraints(max_length=1000)]


class BrandQuery(Query):
    """host: where the visitor is. Or reseller, and perhaps tenant: their slugs. Without any,
    and for whoever is unknown, the platform's own look."""

    host: _Lookup | None = None
    reseller: _Lookup | None = None
    tenant: _Lookup | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "BrandQuery":
        if self.host is not None and (self.reseller is not None or self.tenant is not None):
            raise ValueError("Send either host or reseller.")
        if self.tenant is not None and self.reseller is None:
            raise ValueError("Send reseller along with tenant.")
        return self


@routes.get(
    "/v1/branding",
    Audience.PUBLIC,
    Scope.READ,
    returns=Brand,
    composed=True,
    cached_seconds=CACHED_SECONDS,
)
def read_public_branding(call: Call[BrandQuery]) -> dict[str, str | None]:
    """What a login page looks like, before anyone has signed in."""
    query = call.input
    return documents.login_branding(query.host, query.reseller, query.tenant)


def _tenant(call: Call[Any]) -> Tenant:
    return lifecycle.read_tenant(call.reseller.id, call.path["id"])


def _on_reseller(call: Call[Any], act: Callable[[Reseller], BrandingView]) -> BrandingView:
    """Of an If-Match the document's version counts: licenses may move meanwhile."""
    return call.on_current(
        lambda: accounts.read_reseller(call.reseller.id), act, version_of=documents.version_of
    )


def _on_tenant(call: Call[Any], act: Callable[[Tenant], BrandingView]) -> BrandingView:
    return call.on_current(lambda: _tenant(call), act, version_of=documents.version_of)


@routes.get(RESELLER_BRANDING, Audience.RESELLER, Scope.READ, returns=BrandingOutput, composed=True)
def read_reseller_branding(call: Call[Empty]) -> BrandingView:
    """The reseller's branding: its own fields, what is shown, and where each comes from."""
    return documents.reseller_view(call.reseller)


@routes.put(
    RESELLER_BRANDING, Audience.RESELLER, Scope.BRANDING, returns=BrandingOutput, composed=True
)
def replace_reseller_branding(call: Call[BrandingConfig]) -> BrandingView:
    """Replace all of the reseller's own fields. One that is null or left out is inherited."""
    own = call.input.model_dump()
    return _on_reseller(call, lambda row: documents.set_reseller_branding(row, own, by=call.by))


@routes.patch(
    RESELLER_BRANDING, Audience.RESELLER, Scope.BRANDING, returns=BrandingOutput, composed=True
)
def edit_reseller_branding(call: Call[BrandingConfig]) -> BrandingView:
    """Override the fields that are sent; null resets one to what is inherited."""
    return _on_reseller(
        call,
        lambda row: documents.set_reseller_branding(
            row, merge_changes(row, call.changes()), by=call.by
        ),
    )


@routes.get(TENANT_BRANDING, Audience.RESELLER, Scope.READ, returns=BrandingOutput, composed=True)
def read_tenant_branding(call: Call[Empty]) -> BrandingView:
    """The tenant's branding: its own fields, what is shown, and where each comes from."""
    return documents.tenant_view(call.reseller, _tenant(call))


@routes.put(
    TENANT_BRANDING, Audience.RESELLER, Scope.BRANDING, returns=BrandingOutput, composed=True
)
def replace_tenant_branding(call: Call[BrandingConfig]) -> BrandingView:
    """Replace all of the tenant's own fields. One that is null or left out is inherited."""
    own = call.input.model_dump()
    return _on_tenant(
        call,
        lambda row: documents.set_tenant_branding(call.reseller, row, own, by=call.by),
    )


@routes.patch(
    TENANT_BRANDING, Audience.RESELLER, Scope.BRANDING, returns=BrandingOutput, composed=True
)
def edit_tenant_branding(call: Call[BrandingConfig]) -> BrandingView:
    """Override the fields that are sent; null resets one to what is inherited."""
    return _on_tenant(
        call,
        lambda row: documents.set_tenant_branding(
            call.reseller, row, merge_changes(row, call.changes()), by=call.by
        ),
    )


@routes.delete(TENANT_BRANDING, Audience.RESELLER, Scope.BRANDING)
def reset_tenant_branding(call: Call[Empty]) -> BrandingView:
    """Reset every field of the tenant to what is inherited."""
    return _on_tenant(
        call,
        lambda row: documents.set_tenant_branding(call.reseller, row, {}, by=call.by),
    )
