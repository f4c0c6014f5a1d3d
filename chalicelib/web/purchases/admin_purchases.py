"""The admin page that lists the purchases of all resellers or of one reseller."""

from chalice.app import Response

from chalicelib.domain.purchases import Status
from chalicelib.errors import NotFound
from chalicelib.http.requests import is_possible_id
from chalicelib.services.purchases import checkout, search
from chalicelib.services.resellers import accounts
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import Page, Pagination, filter_page
from chalicelib.storage.resellers import Reseller
from chalicelib.web.admin_shell.frame import company_names, offered_months, render
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.routing import Audience, PageContext, Pages
from chalicelib.web.shell.words import PURCHASE_STATUSES

pages = Pages(__name__)

PURCHASES = "/admin/purchases"


@pages.page("GET", PURCHASES, audience=Audience.ADMIN)
def list_purchases(page: PageContext) -> Response:
    q, status, month = page.search, page.query("status"), page.query("month")
    reseller_id = page.query("reseller")
    reseller = _read_reseller(reseller_id)
    months = offered_months()
    month = month if month in months else ""
    if q:
        found = Page(_with_status(search.search_purchases(q), status), None)
    else:
        found = _list_purchases(page.pagination(), reseller_id, month, status)
    return render(
        page,
        "admin/purchases.html",
        title="Purchases",
        nav=MenuEntry.ADMIN_PURCHASES,
        purchases=found.rows,
        companies=company_names(purchase.reseller_id for purchase in found.rows),
        reseller=reseller,
        q=q,
        status=status,
        month=month,
        months=list(months.items()),
        statuses=[(code, words) for code, (words, _) in PURCHASE_STATUSES.items()],
        pages=page.paging(found.next_cursor, q=q, status=status, month=month, reseller=reseller_id),
    )


def _read_reseller(reseller_id: str) -> Reseller | None:
    """Read the reseller that the list is filtered by, if any. Raises NotFound."""
    if reseller_id and not is_possible_id(reseller_id):
        raise NotFound("reseller")
    return accounts.read_reseller(reseller_id) if reseller_id else None


def _list_purchases(
    request: Pagination, reseller_id: str, month: str, status: str
) -> Page[Purchase]:
    """List purchases, newest first: one reseller's, one month's, or all."""

    def read(request: Pagination) -> Page[Purchase]:
        if reseller_id:
            return checkout.list_purchases(reseller_id, request)
        if month:
            return search.list_purchases_in_month(month, request)
        return search.list_recent_purchases(request)

    if status not in set(Status):
        return read(request)
    return filter_page(read, request, lambda purchase: purchase.status == status)


def _with_status(found: list[Purchase], status: str) -> list[Purchase]:
    return [p for p in found if p.status == status] if status in set(Status) else found
