"""The list of a reseller's tenants: the same for its reseller and for an admin."""

from typing import Any

from chalicelib.services.tenants import lifecycle
from chalicelib.services.tenants.lifecycle import State
from chalicelib.web.shell.page_context import PageContext


def listed_tenants(visit: PageContext, reseller_id: str) -> dict[str, Any]:
    """The page of it that a visit asks for, searched and narrowed: for components/tenant.html."""
    asked = visit.query("status")
    state = State(asked) if asked in set(State) else State.LIVE
    found = lifecycle.list_tenants(
        reseller_id, visit.page_request(), state=state, search=visit.search
    )
    return {
        "tenants": found.rows,
        "q": visit.search,
        "status": state.value,
        "pages": visit.pages(found.next_cursor, q=visit.search, status=asked),
    }
