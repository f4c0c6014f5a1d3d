"""A reseller's tenants, as an admin sees them."""

from chalice.app import Response

from chalicelib.services import resellers
from chalicelib.web.admin.frame import render
from chalicelib.web.routing import Audience, Pages, Visit
from chalicelib.web.tenant_list import listed_tenants

pages = Pages(__name__)

TENANTS = "/admin/resellers/{reseller}/tenants"


@pages.page("GET", TENANTS, audience=Audience.ADMIN)
def list_tenants(visit: Visit) -> Response:
    reseller = resellers.read_reseller(visit.path["reseller"])
    return render(
        visit,
        "tenants",
        title=f"Tenants of {reseller.company_name}",
        place="resellers",
        reseller=reseller,
        **listed_tenants(visit, reseller.id),
    )
