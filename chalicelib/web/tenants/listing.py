"""The list of a reseller's tenants, shared by the reseller's page and the admin's page."""

from chalicelib.services.tenants import lifecycle
from chalicelib.services.tenants.lifecycle import State
from chalicelib.web.shell.page_context import PageContext
from chalicelib.web.shell.rendering import View

STATES: dict[State, str] = {
    State.LIVE: "All but deleted",
    State.ACTIVE: "Active",
    State.INACTIVE: "Deactivated",
    State.DELETED: "Deleted",
}


def tenant_list_context(page: PageContext, reseller_id: str) -> View:
    """Return the template context for the list, filtered and searched according to the query."""
    asked = page.query("status")
    state = State(asked) if asked in set(State) else State.LIVE
    found = lifecycle.list_tenants(reseller_id, page.pagination(), state=state, search=page.search)
    return {
        "tenants": found.rows,
        "q": page.search,
        "status": state.value,
        "states": list(STATES.items()),
        "pages": page.paging(found.next_cursor, q=page.search, status=asked),
    }
