"""Everyone's purchases, for admins: by month, by id alone, of companies by name."""

from datetime import timedelta

from chalicelib import clock
from chalicelib.errors import InvalidRequest, NotFound
from chalicelib.services.resellers import accounts
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import Page, Pagination, get, query_page
from chalicelib.storage.rows import made_at

# The list goes back so far, and ends sooner where a whole year has none: each month without
# any is a query for nothing. What is older is found by its company or its id.
MONTHS = 36
QUIET_MONTHS = 12
# A search by name: so many companies, so many purchases of each.
COMPANIES = 10
OF_EACH = 25


def find_purchase(purchase_id: str) -> Purchase:
    """A purchase by its id alone. Raises NotFound.

    Its id is time-ordered, so it tells the month whose index knows the reseller. Months are
    written a moment apart from the id; hence a second of both sides.
    """
    try:
        made = made_at(purchase_id)
        sides = (made, made - timedelta(seconds=1), made + timedelta(seconds=1))
    except (ValueError, OverflowError):
        raise NotFound("purchase") from None
    for month in dict.fromkeys(f"{moment:%Y-%m}" for moment in sides):
        for found in Purchase.by_month.query(month, Purchase.id == purchase_id, limit=1):
            purchase = get(Purchase, found.reseller_id, found.id)
            if purchase is not None:
                return purchase
    raise NotFound("purchase")


def list_month(month: str, request: Pagination) -> Page[Purchase]:
    """The purchases that were begun in a month (`2026-11`), newest first."""
    return query_page(Purchase, month, request, index=Purchase.by_month, newest_first=True)


def list_recent(request: Pagination) -> Page[Purchase]:
    """Everyone's, newest first, month after month. Raises InvalidRequest (cursor)."""
    months = clock.recent_months(MONTHS)
    month, _, inner = (request.cursor or months[0]).partition("~")
    if month not in months:
        raise InvalidRequest.of("cursor", "The cursor is not one that this list gave out.")
    found: list[Purchase] = []
    quiet = 0
    for at in months[months.index(month) :]:
        page = list_month(at, Pagination(request.limit - len(found), inner or None))
        found += page.rows
        inner = ""
        if page.next_cursor:
            return Page(found, f"{at}~{page.next_cursor}")
        if len(found) >= request.limit:
            return Page(found, _older(at, months))
        quiet = 0 if page.rows else quiet + 1
        if quiet == QUIET_MONTHS:
            break
    return Page(found, None)


def _older(month: str, months: list[str]) -> str | None:
    """The next month that has any: a list that is full leads to no empty page."""
    next_one = months.index(month) + 1
    for older in months[next_one : next_one + QUIET_MONTHS]:
        if Purchase.by_month.count(older, limit=1):
            return older
    return None


def search(text: str) -> list[Purchase]:
    """The newest of the companies whose name begins so, or the one with this id."""
    if text.startswith("pur_"):
        try:
            return [find_purchase(text)]
        except NotFound:
            return []
    companies = accounts.list_resellers(Pagination(COMPANIES), search=text).rows
    found = [
        purchase
        for company in companies
        for purchase in query_page(
            Purchase, company.id, Pagination(OF_EACH), newest_first=True
        ).rows
    ]
    return sorted(found, key=lambda purchase: purchase.id, reverse=True)
