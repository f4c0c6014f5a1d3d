"""Find purchases across all resellers, for admins: by month, by ID, or by company name."""

from datetime import timedelta

from chalicelib import clock
from chalicelib.errors import InvalidRequest, NotFound
from chalicelib.services.resellers import accounts
from chalicelib.storage.purchases import Purchase, has_purchases, purchase_of_month
from chalicelib.storage.reads import Page, Pagination, query_page
from chalicelib.storage.rows import id_created_at

# The list covers this many months and stops early after a year without a purchase, because each
# empty month costs a query. Older purchases can be found by company or ID.
MONTHS = 36
QUIET_MONTHS = 12
# Limits for a search by company name.
MAX_COMPANIES = 10
MAX_PURCHASES_EACH = 25


def find_purchase(purchase_id: str) -> Purchase:
    """Return a purchase by its ID alone. Raises NotFound.

    The ID contains its creation time, which gives the month, and the index for that month gives the
    reseller. The row's month is computed at almost but not exactly the same time as the ID, so the
    months one second earlier and one second later are tried as well.
    """
    try:
        made = id_created_at(purchase_id)
        times = (made, made - timedelta(seconds=1), made + timedelta(seconds=1))
    except (ValueError, OverflowError):
        raise NotFound("purchase") from None
    for month in dict.fromkeys(f"{time:%Y-%m}" for time in times):
        purchase = purchase_of_month(month, purchase_id)
        if purchase is not None:
            return purchase
    raise NotFound("purchase")


def list_purchases_in_month(month: str, request: Pagination) -> Page[Purchase]:
    """Return a page of the purchases started in a month (such as `2026-11`), newest first."""
    return query_page(Purchase, month, request, index=Purchase.by_month, newest_first=True)


def list_recent_purchases(request: Pagination) -> Page[Purchase]:
    """Return a page of all purchases, newest first, across months.

    The cursor is `<month>~<cursor within the month>`. Raises InvalidRequest if the cursor does not
    belong to this list.
    """
    months = clock.recent_months(MONTHS)
    start_month, _, inner_cursor = (request.cursor or months[0]).partition("~")
    if start_month not in months:
        raise InvalidRequest.of("cursor", "This cursor is not valid for this list.")
    found: list[Purchase] = []
    quiet_months = 0
    for month in months[months.index(start_month) :]:
        page = list_purchases_in_month(
            month, Pagination(request.limit - len(found), inner_cursor or None)
        )
        found += page.rows
        inner_cursor = ""
        if page.next_cursor:
            return Page(found, f"{month}~{page.next_cursor}")
        if len(found) >= request.limit:
            return Page(found, _next_month_with_purchases(month, months))
        quiet_months = 0 if page.rows else quiet_months + 1
        if quiet_months == QUIET_MONTHS:
            break
    return Page(found, None)


def _next_month_with_purchases(month: str, months: list[str]) -> str | None:
    """Return the next older month that has a purchase, so that no cursor leads to an empty page."""
    following = months.index(month) + 1
    for older in months[following : following + QUIET_MONTHS]:
        if has_purchases(older):
            return older
    return None


def search_purchases(text: str) -> list[Purchase]:
    """Search by purchase ID or by the start of a company's name. Newest purchases come first."""
    if text.startswith("pur_"):
        try:
            return [find_purchase(text)]
        except NotFound:
            return []
    companies = accounts.list_resellers(Pagination(MAX_COMPANIES), search=text).rows
    found = [
        purchase
        for company in companies
        for purchase in query_page(
            Purchase, company.id, Pagination(MAX_PURCHASES_EACH), newest_first=True
        ).rows
    ]
    return sorted(found, key=lambda purchase: purchase.id, reverse=True)
