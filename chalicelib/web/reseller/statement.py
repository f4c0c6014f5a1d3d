"""/reseller/statement: a period for the books."""

from chalice.app import Response

from chalicelib.web.routing import Audience, Pages, Visit
from chalicelib.web.statements import show_statement

pages = Pages(__name__)

STATEMENT = "/reseller/statement"


@pages.page("GET", STATEMENT, audience=Audience.RESELLER)
def show_own_statement(visit: Visit) -> Response:
    return show_statement(
        visit, visit.reseller, path=STATEMENT, back="/reseller/licenses", nav="reseller/licenses"
    )
