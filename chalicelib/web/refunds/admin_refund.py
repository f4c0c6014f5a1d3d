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
    REVIEW_REFUND,
    purchase_path,
    read_purchase,
    refundable_licenses,
    show_purchase,
)
from chalicelib.web.shell.forms import messages
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.routing import (
    Audience,
    Form,
    FormFields,
    PageContext,
    Pages,
    RedirectTo,
)

pages = Pages(__name__)

REFUND = PURCHASE + "/refund"
CONFIRM_REFUND = FormFields(NewRefund, id="refund")
# The refund form on the purchase's page has no fields with these names.
FIELD_NAMES = {"purchase": "", "amount": "", "kept": ""}


@pages.form(REFUND, audience=Audience.ADMIN, fields=REVIEW_REFUND, method="GET")
def review_refund(page: PageContext, form: Form[NewRefund]) -> Response:
    """Show the refund's amount and whether it leaves the reseller with too few licenses."""
    purchase = read_purchase(page)
    open_refund = purchase.open_refund  # must complete before another refund can start
    try:
        requested = open_refund or form.read()
        quote = open_refund or refund_requests.quote_refund(purchase, requested.licenses)
    except TenantryError as error:
        return _rerender_purchase(page, error, form)
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


@pages.form(REFUND, audience=Audience.ADMIN, fields=CONFIRM_REFUND)
def refund(page: PageContext, form: Form[NewRefund]) -> Response:
    purchase = read_purchase(page)
    try:
        requested = form.read()
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
        return _rerender_purchase(page, error, form)


def _rerender_purchase(page: PageContext, error: TenantryError, form: Form[NewRefund]) -> Response:
    """Show the error on the purchase's page: in its refund form, if it has one, or at the top."""
    purchase = read_purchase(page)
    if isinstance(error, RefundNotPossible):
        words = Wording(currency=purchase.currency).plain(error.why)
        error = InvalidRequest.of(error.field, words)
    if purchase.open_refund or not refundable_licenses(purchase):
        text = " ".join(messages(error).values())
        return page.rerender_with_error(error, show_purchase, text)
    return page.rerender_form(error, show_purchase, form, field_names=FIELD_NAMES)
