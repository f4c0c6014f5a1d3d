"""/reseller/tenants/{id}: one tenant, edited, deactivated, deleted and restored."""

from typing import Any

from chalice.app import Response

from chalicelib.services import platform, tenants
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
        deactivated_hold_license=platform.current().deactivated_tenants_hold_license,
        **context,
    )


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
