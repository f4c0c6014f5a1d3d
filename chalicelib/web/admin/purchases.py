"""The purchases of all resellers, and of one."""

from collections.abc import Sequence
from typing import Any

from chalice.app import Response

from chalicelib.api.requests import may_be_id
from chalicelib.domain.purchases import Status
from chalicelib.errors import NotFound
from chalicelib.services import lookup, purchase_search, purchases, resellers
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import Page, PageRequest, sift
from chalicelib.storage.resellers import Reseller
from chalicelib.web.admin.frame import Shown, offered_months, render, shown_reseller
from chalicelib.web.routing import Audience, Pages, Visit

pages = Pages(__name__)

PURCHASES = "/admin/purchases"


@pages.page("GET", PURCHASES, audience=Audience.ADMIN)
def list_purchases(visit: Visit) -> Response:
    q, status, month = visit.search, visit.query("status"), visit.query("month")
    narrowed_to = visit.query("reseller")
    reseller = _reseller(narrowed_to)
    months = offered_months()
    month = month if month in months else ""
    if q:
        found = Page(_with_status(purchase_search.search(q), status), None)
    else:
        found = _listed(visit.page_request(), narrowed_to, month, status)
    return render(
        visit,
        "purchases",
        title="Purchases",
        place="purchases",
        purchases=shown_purchases(found.rows),
        reseller=reseller,
        q=q,
        status=status,
        month=month,
        months=list(months.items()),
        pages=visit.pages(found.next_cursor, q=q, status=status, month=month, reseller=narrowed_to),
    )


def _reseller(reseller_id: str) -> Reseller | None:
    """The one that the list is narrowed to. Raises NotFound."""
    if reseller_id and not may_be_id(reseller_id):
        raise NotFound("reseller")
    return resellers.read_reseller(reseller_id) if reseller_id else None


def _listed(request: PageRequest, reseller_id: str, month: str, status: str) -> Page[Purchase]:
    """Newest first: of one reseller, of one month, or all."""

    def read(request: PageRequest) -> Page[Purchase]:
        if reseller_id:
            return purchases.list_purchases(reseller_id, request)
        if month:
            return purchase_search.list_month(month, request)
        return purchase_search.list_recent(request)

    if status not in set(Status):
        return read(request)
    return sift(read, request, lambda purchase: purchase.status == status)


def _with_status(found: list[Purchase], status: str) -> list[Purchase]:
    return [p for p in found if p.status == status] if status in set(Status) else found


def shown_purchases(found: Sequence[Purchase]) -> list[Any]:
    companies = lookup.resellers(purchase.reseller_id for purchase in found)
    return [
        Shown(p, reseller=shown_reseller(companies.get(p.reseller_id), p.reseller_id))
        for p in found
    ]
