"""/reseller/tenants/{id}: one tenant, edited, deactivated, deleted and restored."""

from typing import Any

from chalice.app import Response

from chalicelib.domain.custom_domains import IN_USE
from chalicelib.services import domains, platform, tenants
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.tenants import Tenant
from chalicelib.web.looks import login_address
from chalicelib.web.reseller.frame import render
from chalicelib.web.routing import Audience, Pages, Visit
from chalicelib.web.tenant_deeds import TenantPage, add_tenant_deeds

pages = Pages(__name__)

TENANT = "/reseller/tenants/{id}"


@pages.page("GET", TENANT, audience=Audience.RESELLER)
def show_tenant(visit: Visit, **context: Any) -> Response:
    tenant = tenants.read_tenant(visit.reseller.id, visit.path["id"])
    return render(
        visit,
        "tenant",
        title=tenant.name,
        nav="tenants",
        tenant=tenant,
        login_urls=_login_urls(visit.reseller, tenant),
        free_slug=tenants.slug_to_restore(tenant) if tenant.deleted_at else None,
        deactivated_hold_license=platform.current().deactivated_tenants_hold_license,
        **context,
    )


def _login_urls(reseller: Reseller, tenant: Tenant) -> list[str]:
    """Where the tenant's people sign in: at its own domains, and always at ours."""
    own = [
        f"https://{domain.host}/login"
        for domain in domains.domains_of_tenant(tenant)
        if domain.status in IN_USE
    ]
    return [*own, login_address(reseller.slug, tenant.slug)]


add_tenant_deeds(
    pages,
    TenantPage(
        TENANT,
        "reseller/tenants",
        Audience.RESELLER,
        lambda visit: visit.reseller.id,
        "your",
        show_tenant,
    ),
)
