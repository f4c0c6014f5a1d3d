"""The branding pages for a reseller and a tenant, used by the reseller and by admins."""

from dataclasses import dataclass
from urllib.parse import quote

from chalice.app import Response

from chalicelib.api.branding_config import BrandingConfig
from chalicelib.api.domains import NewDomain
from chalicelib.domain.branding import FIELDS
from chalicelib.errors import TenantryError
from chalicelib.services.branding import documents
from chalicelib.services.branding.documents import BrandingView, merge_changes
from chalicelib.services.domains import registry
from chalicelib.services.reconciliation.open_findings import count_open_findings
from chalicelib.services.resellers.accounts import read_reseller
from chalicelib.services.tenants import lifecycle
from chalicelib.storage.domains import Domain
from chalicelib.storage.reads import Pagination
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.tenants import Tenant
from chalicelib.web.shell.confirmation import Confirmation
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.rendering import View
from chalicelib.web.shell.routing import Audience, Form, FormFields, PageContext, Pages

pages = Pages(__name__)

OWN = "/reseller/branding"
TENANTS = "/reseller/tenants/{id}/branding"
ANY = "/admin/resellers/{reseller}/branding"
ANY_TENANTS = "/admin/resellers/{reseller}/tenants/{id}/branding"
AUDIENCES = {
    OWN: Audience.RESELLER,
    TENANTS: Audience.RESELLER,
    ANY: Audience.ADMIN,
    ANY_TENANTS: Audience.ADMIN,
}
MOST_DOMAINS = 100
EDIT = FormFields(BrandingConfig)
ADD_DOMAIN = FormFields(NewDomain, id="domain", only=("host",))


@dataclass(frozen=True, slots=True)
class BrandingLevel:
    """Whose branding a page edits: the tenant's, or the reseller's if `tenant` is None.

    `by_admin` is true on the admin pages.
    """

    reseller: Reseller
    tenant: Tenant | None
    by_admin: bool

    @classmethod
    def of(cls, page: PageContext) -> "BrandingLevel":
        """Read the reseller and tenant named in the path. Raises NotFound."""
        reseller_id = page.path.get("reseller")
        reseller = read_reseller(reseller_id) if reseller_id else page.reseller
        tenant_id = page.path.get("id")
        tenant = lifecycle.read_tenant(reseller.id, tenant_id) if tenant_id else None
        return cls(reseller, tenant, by_admin=bool(reseller_id))

    @property
    def path(self) -> str:
        of_reseller, of_tenant = (ANY, ANY_TENANTS) if self.by_admin else (OWN, TENANTS)
        if self.tenant is None:
            return of_reseller.replace("{reseller}", self.reseller.id)
        return of_tenant.format(reseller=self.reseller.id, id=self.tenant.id)

    @property
    def nav(self) -> MenuEntry:
        """The menu entry to highlight."""
        if self.by_admin:
            return MenuEntry.ADMIN_RESELLERS
        return MenuEntry.RESELLER_TENANTS if self.tenant else MenuEntry.RESELLER_BRANDING

    @property
    def tenant_id(self) -> str | None:
        return self.tenant.id if self.tenant else None

    def view(self) -> BrandingView:
        if self.tenant:
            return documents.tenant_view(self.reseller, self.tenant)
        return documents.reseller_view(read_reseller(self.reseller.id))

    def removal_of(self, host: str) -> Confirmation:
        """Return the confirmation for removing a domain."""
        return Confirmation(
            f"Remove {host}?",
            "Nobody reaches the login page there any more, and the host is free for anyone who "
            "can prove it is theirs.",
            f"{self.path}/domains/{quote(host)}/remove",
            "Remove domain",
        )

    def domains(self) -> list[Domain]:
        """Return the tenant's domains, or all of the reseller's, including those of its tenants."""
        if self.tenant:
            return registry.list_tenant_domains(self.tenant)
        return registry.list_domains(self.reseller.id, Pagination(MOST_DOMAINS)).rows


def show_branding(page: PageContext, **context: object) -> Response:
    level = BrandingLevel.of(page)
    view = level.view()
    domains = level.domains()
    return page.render(
        "branding/own.html",
        title=_title(level),
        nav_current=level.nav,
        findings_waiting=count_open_findings() if level.by_admin else 0,
        scope="tenant" if level.tenant else "reseller",
        reseller=level.reseller,
        tenant=level.tenant,
        by_admin=level.by_admin,
        base_path=level.path,
        branding=form_values(view),
        version=view.version,
        branding_form=EDIT,
        domains=domains,
        removals={domain.host: level.removal_of(domain.host) for domain in domains},
        domain_form=ADD_DOMAIN,
        **context,
    )


def _title(level: BrandingLevel) -> str:
    if level.tenant:
        return f"Branding of {level.tenant.name}"
    return f"Branding of {level.reseller.company_name}" if level.by_admin else "Branding"


def form_values(view: BrandingView) -> View:
    """Return the branding in the form's format, including inherited values."""
    return {
        "own": {name: view.own.get(name) for name in FIELDS},
        "effective": view.effective,
        "sources": view.sources,
        "low_contrast": view.low_contrast,
    }


def submitted_changes(form: Form[BrandingConfig]) -> dict[str, str | None]:
    """Return the submitted fields. None resets a field to the inherited value.

    A field's reset button changes only that field. Raises InvalidRequest.
    """
    if form.get("reset") in FIELDS:
        return {form.get("reset"): None}
    return form.read().model_dump(exclude_unset=True)


def save_branding(page: PageContext, form: Form[BrandingConfig]) -> Response:
    level = BrandingLevel.of(page)
    try:
        changes = submitted_changes(form)
        if level.tenant is not None:
            page.on_current(
                lambda: lifecycle.read_tenant(level.reseller.id, page.path["id"]),
                lambda row: documents.set_tenant_branding(
                    level.reseller, row, merge_changes(row, changes), by=page.by
                ),
                version=form.get("version"),
                version_of=documents.version_of,
            )
        else:
            page.on_current(
                lambda: read_reseller(level.reseller.id),
                lambda row: documents.set_reseller_branding(
                    row, merge_changes(row, changes), by=page.by
                ),
                version=form.get("version"),
                version_of=documents.version_of,
            )
    except TenantryError as error:
        return page.rerender_form(error, show_branding, form)
    return page.redirect(level.path, flash="Saved. Login pages wear it within minutes.")


for path, audience in AUDIENCES.items():
    pages.page("GET", path, audience=audience)(show_branding)
    pages.form(path, audience=audience, fields=EDIT)(save_branding)
