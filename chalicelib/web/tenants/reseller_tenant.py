"""/reseller/tenants/{id}: the reseller's page for one tenant."""

from chalice.app import Response

from chalicelib.domain.custom_domains import IN_USE
from chalicelib.services.domains import registry
from chalicelib.services.settings import platform_settings
from chalicelib.services.tenants import lifecycle
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.tenants import Tenant
from chalicelib.web.reseller_shell.frame import render
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.routing import Audience, PageContext, Pages
from chalicelib.web.shell.theme import login_address
from chalicelib.web.tenants.actions import TenantPage, add_tenant_actions, tenant_context

pages = Pages(__name__)

TENANT = "/reseller/tenants/{id}"


@pages.page("GET", TENANT, audience=Audience.RESELLER)
def show_tenant(page: PageContext, **context: object) -> Response:
    tenant = lifecycle.read_tenant(page.reseller.id, page.path["id"])
    return render(
        page,
        "reseller/tenant.html",
        title=tenant.name,
        nav=MenuEntry.RESELLER_TENANTS,
        tenant=tenant,
        login_urls=_login_urls(page.reseller, tenant),
        free_slug=lifecycle.slug_to_restore(tenant) if tenant.deleted_at else None,
        deactivated_hold_license=platform_settings.cached_settings().deactivated_tenants_hold_license,
        **tenant_context(tenant, TENANT.format(id=tenant.id)),
        **context,
    )


def _login_urls(reseller: Reseller, tenant: Tenant) -> list[str]:
    """Return the tenant's sign-in addresses: its custom domains first, then the platform's."""
    own = [
        f"https://{domain.host}/login"
        for domain in registry.list_tenant_domains(tenant)
        if domain.status in IN_USE
    ]
    return [*own, login_address(reseller.slug, tenant.slug)]


add_tenant_actions(
    pages,
    TenantPage(
        TENANT,
        MenuEntry.RESELLER_TENANTS,
        Audience.RESELLER,
        lambda page: page.reseller.id,
        "your",
        show_tenant,
    ),
)
