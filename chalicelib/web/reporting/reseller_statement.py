"""/reseller/statement: the reseller's statement, for its own accounting."""

from chalice.app import Response

from chalicelib.web.reporting.statement import show_statement
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.routing import Audience, PageContext, Pages

pages = Pages(__name__)

STATEMENT = "/reseller/statement"


@pages.page("GET", STATEMENT, audience=Audience.RESELLER)
def show_own_statement(page: PageContext) -> Response:
    return show_statement(
        page,
        page.reseller,
        path=STATEMENT,
        back="/reseller/licenses",
        nav=MenuEntry.RESELLER_LICENSES,
    )
