"""/admin/resellers/{id}/statement: a reseller's statement, for the platform's accounting."""

from chalice.app import Response

from chalicelib.services.resellers.accounts import read_reseller
from chalicelib.web.reporting.statement import show_statement
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.routing import Audience, PageContext, Pages

pages = Pages(__name__)


@pages.page("GET", "/admin/resellers/{reseller}/statement", audience=Audience.ADMIN)
def show_resellers_statement(page: PageContext) -> Response:
    reseller = read_reseller(page.path["reseller"])
    back = f"/admin/resellers/{reseller.id}"
    return show_statement(
        page, reseller, path=f"{back}/statement", back=back, nav=MenuEntry.ADMIN_RESELLERS
    )
