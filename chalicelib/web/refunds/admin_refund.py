"""The refund page, where an admin reviews the amount and its consequences and then confirms."""

from chalice.app import Response

from chalicelib.api.purchases import NewRefund
from chalicelib.errors import InvalidRequest, TenantryError
from chalicelib.services.refunds import refund_requests
from chalicelib.services.refunds.execution import RefundNotPossible
from chalicelib.services.resellers import accounts
from chalicelib.web.admin_shell.frame import format_licenses, render
from chalicelib.web.admin_shell.wording import Wording
from chalicelib.web.purchases.admin_purchase import (
    PURCHASE,
    purchase_path,
    read_purchase,
    refundable_licenses,
    show_purchase,
)
from chalicelib.web.shell.forms import messages
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.routing import Audience, PageContext, Pages, RedirectTo

pages = Pages(__name__)

REFUND = PURCHASE + "/refund"
# The refund form on the purchase's page has no fields with these names.
FIELD_NAMES = {"purchase": "", "amount": "", "kept": ""}


@pages.page("GET", REFUND, audience=Audience.ADMIN)
def review_refund(page: PageContext) -> Response:
    """Show the refund's amount and whether it leaves the reseller with too few licenses."""
    purchase, form = read_purchase(page), page.form()
    open_refund = purchase.open_refund  # must complete before another refund can start
    try:
        requested = open_refund or form.read(NewRefund)
        quote = open_refund or refund_requests.quote_refund(purchase, requested.licenses)
    except TenantryError as error:
        return _rerender_purchase(page, error)
    reseller = accounts.read_reseller(purchase.reseller_id)
    owned = reseller.license_count - max(0, purchase.licenses_granted - quote.kept)
    return render(
        page,
        "admin/refund.html",
        title="Refund",
        nav=MenuEntry.ADMIN_PURCHASES,
        purchase=purchase,
        company_name=reseller.company_name,
        refund={
            "licenses": quote.licenses,
            "kept": quote.kept,
            "amount": quote.amount,
            "reason": requested.reason,
            "over_by": max(0, reseller.license_used - owned),
            "under_way": open_refund is not None,
        },
    )


@pages.page("POST", REFUND, audience=Audience.ADMIN)
def refund(page: PageContext) -> Response:
    purchase, form = read_purchase(page), page.form()
    try:
        requested = form.read(NewRefund)
        return page.run_once(
            form,
            lambda once: refund_requests.refund_licenses(
                purchase,
                requested.licenses,
                reason=requested.reason,
                by=page.by,
                amount=requested.amount,
                kept=requested.kept,
                once=once,
            ),
            lambda refunded: RedirectTo(
                purchase_path(refunded), f"{format_licenses(requested.licenses)} refunded."
            ),
        )
    except TenantryError as error:
        return _rerender_purchase(page, error)


def _rerender_purchase(page: PageContext, error: TenantryError) -> Response:
    """Show the error on the purchase's page: in its refund form, if it has one, or at the top."""
    purchase = read_purchase(page)
    if isinstance(error, RefundNotPossible):
        words = Wording(currency=purchase.currency).plain(error.why)
        error = InvalidRequest.of(error.field, words)
    if purchase.open_refund or not refundable_licenses(purchase):
        text = " ".join(messages(error).values())
        return page.rerender_with_error(error, show_purchase, text)
    return page.rerender_form(error, show_purchase, page.form(), field_names=FIELD_NAMES)
