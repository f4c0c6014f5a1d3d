"""A reseller's tenants, as an admin sees them."""

from chalice.app import Response

from chalicelib.services import resellers, tenants
from chalicelib.services.tenants import State
from chalicelib.web.admin.frame import render, search_of
from chalicelib.web.routing import Audience, Pages, Visit

pages = Pages(__name__)

TENANTS = "/admin/resellers/{reseller}/tenants"


@pages.page("GET", TENANTS, audience=Audience.ADMIN)
def list_tenants(visit: Visit) -> Response:
    reseller = resellers.read_reseller(visit.path["reseller"])
    q, asked = search_of(visit), visit.query("status")
    state = State(asked) if asked in set(State) else State.LIVE
    found = tenants.list_tenants(reseller.id, visit.page_request(), state=state, search=q)
    return render(
        visit,
        "tenants",
        title=f"Tenants of {reseller.company_name}",
        place="resellers",
        reseller=reseller,
        tenants=found.rows,
        q=q,
        status=state.value,
        pages=visit.pages(found.next_cursor, q=q, status=asked),
    )
