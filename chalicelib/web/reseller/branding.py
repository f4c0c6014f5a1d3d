"""/reseller/branding and /reseller/tenants/{id}/branding: how the product looks."""

from dataclasses import dataclass
from typing import Any

from chalice.app import Response

from chalicelib.domain.branding import FIELDS
from chalicelib.errors import TenantryError
from chalicelib.services import branding, domains, tenants
from chalicelib.services.branding import BrandingView, merged
from chalicelib.services.resellers import read_reseller
from chalicelib.storage.domains import Domain
from chalicelib.storage.reads import PageRequest
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.tenants import Tenant
from chalicelib.web.forms import Form
from chalicelib.web.reseller.frame import render
from chalicelib.web.routing import Audience, Pages, Visit

pages = Pages(__name__)

OWN = "/reseller/branding"
TENANTS = "/reseller/tenants/{id}/branding"
MOST_DOMAINS = 100


@dataclass(frozen=True, slots=True)
class Level:
    """Whose look a page is about: the reseller's own, or that of a tenant of its."""

    reseller: Reseller
    tenant: Tenant | None

    @classmethod
    def of(cls, visit: Visit) -> "Level":
        """The one that the path names. Raises NotFound."""
        own = visit.reseller
        if "id" not in visit.path:
            return cls(own, None)
        return cls(own, tenants.read_tenant(own.id, visit.path["id"]))

    @property
    def path(self) -> str:
        return TENANTS.replace("{id}", self.tenant.id) if self.tenant else OWN

    @property
    def tenant_id(self) -> str | None:
        return self.tenant.id if self.tenant else None

    def view(self) -> BrandingView:
        if self.tenant:
            return branding.tenant_view(self.reseller, self.tenant)
        return branding.reseller_view(read_reseller(self.reseller.id))

    def domains(self) -> list[Domain]:
        """A tenant's own; of a reseller all, those of its tenants too."""
        rows = domains.list_domains(self.reseller.id, PageRequest(MOST_DOMAINS)).rows
        return [row for row in rows if not self.tenant or row.tenant_id == self.tenant.id]


def show_branding(visit: Visit, **context: Any) -> Response:
    level = Level.of(visit)
    view = level.view()
    return render(
        visit,
        "branding",
        title=f"Branding of {level.tenant.name}" if level.tenant else "Branding",
        nav="tenants" if level.tenant else "branding",
        scope="tenant" if level.tenant else "reseller",
        tenant=level.tenant,
        base_path=level.path,
        branding=filled(view),
        version=view.version,
        domains=level.domains(),
        **context,
    )


def filled(view: BrandingView) -> dict[str, Any]:
    """Every field, those that are inherited too, as the form wants them."""
    return {
        "own": {name: view.own.get(name) for name in FIELDS},
        "effective": view.effective,
        "sources": view.sources,
        "low_contrast": view.low_contrast,
    }


def asked_changes(form: Form) -> dict[str, str | None]:
    """The fields that a branding form sent; an empty one is inherited. The button beside a
    field resets it alone."""
    if form.get("reset") in FIELDS:
        return {form.get("reset"): None}
    return {name: form.get(name) or None for name in FIELDS if name in form.typed}


def save_branding(visit: Visit) -> Response:
    form = visit.form()
    level = Level.of(visit)
    changes = asked_changes(form)
    try:
        if level.tenant is not None:
            visit.on_current(
                lambda: tenants.read_tenant(level.reseller.id, visit.path["id"]),
                lambda row: _brand_tenant(visit, row, changes),
                version=form.get("version"),
                version_of=branding.version_of,
            )
        else:
            visit.on_current(
                lambda: read_reseller(level.reseller.id),
                lambda row: branding.set_reseller_branding(row, merged(row, changes), by=visit.by),
                version=form.get("version"),
                version_of=branding.version_of,
            )
    except TenantryError as error:
        return visit.refused(error, show_branding, form)
    return visit.redirect(level.path, flash="Saved. Login pages wear it within minutes.")


def _brand_tenant(visit: Visit, row: Tenant, changes: dict[str, str | None]) -> BrandingView:
    return branding.set_tenant_branding(visit.reseller, row, merged(row, changes), by=visit.by)


for path in (OWN, TENANTS):
    pages.page("GET", path, audience=Audience.RESELLER)(show_branding)
    pages.page("POST", path, audience=Audience.RESELLER)(save_branding)
