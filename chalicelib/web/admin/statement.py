"""/admin/resellers/{id}/statement: a reseller's period, for the company's own books."""

from chalice.app import Response

from chalicelib.services.resellers import read_reseller
from chalicelib.web.routing import Audience, Pages, Visit
from chalicelib.web.statements import show_statement

pages = Pages(__name__)


@pages.page("GET", "/admin/resellers/{reseller}/statement", audience=Audience.ADMIN)
def show_resellers_statement(visit: Visit) -> Response:
    reseller = read_reseller(visit.path["reseller"])
    back = f"/admin/resellers/{reseller.id}"
    return show_statement(
        visit, reseller, path=f"{back}/statement", back=back, nav="admin/resellers"
    )
