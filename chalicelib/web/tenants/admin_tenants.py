"""The admin page that lists a reseller's tenants."""

from chalice.app import Response

from chalicelib.services.resellers import accounts
from chalicelib.web.admin_shell.frame import render
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.routing import Audience, PageContext, Pages
from chalicelib.web.tenants.listing import tenant_list_context

pages = Pages(__name__)

TENANTS = "/admin/resellers/{reseller}/tenants"


@pages.page("GET", TENANTS, audience=Audience.ADMIN)
def list_tenants(page: PageContext) -> Response:
    reseller = accounts.read_reseller(page.path["reseller"])
    return render(
        page,
        "admin/tenants.html",
        title=f"Tenants of {reseller.company_name}",
        nav=MenuEntry.ADMIN_RESELLERS,
        reseller=reseller,
        **tenant_list_context(page, reseller.id),
    )
