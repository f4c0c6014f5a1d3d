"""The admin page for a purchase: view its state, settle it, or accept an unexpected payment."""

from chalice.app import Response

from chalicelib.api.purchases import Acceptance, NewRefund
from chalicelib.domain.purchases import REFUNDABLE
from chalicelib.errors import TenantryError
from chalicelib.services.core import batch_reads
from chalicelib.services.purchases import accept_payment, search, settlement
from chalicelib.settings import settings
from chalicelib.storage.purchases import Purchase
from chalicelib.web.admin_shell.frame import company_names, format_licenses, render
from chalicelib.web.admin_shell.wording import Wording
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

PURCHASE = "/admin/purchases/{id}"
ACCEPT = FormFields(Acceptance, id="accept")
# What the refund's review asks for; the form on that page adds the amount that it showed.
REVIEW_REFUND = FormFields(NewRefund, id="refund", only=("licenses", "reason"))


def read_purchase(page: PageContext) -> Purchase:
    """Read the purchase named in the path. Raises NotFound."""
    return search.find_purchase(page.path["id"])


def purchase_path(purchase: Purchase) -> str:
    return f"/admin/purchases/{purchase.id}"


@pages.page("GET", PURCHASE, audience=Audience.ADMIN)
def show_purchase(page: PageContext, **context: object) -> Response:
    purchase = read_purchase(page)
    users = batch_reads.users_by_id(refund.by for refund in purchase.refund_list)
    return render(
        page,
        "admin/purchase.html",
        title="Purchase",
        nav=MenuEntry.ADMIN_PURCHASES,
        purchase=purchase,
        companies=company_names([purchase.reseller_id]),
        reasons=Wording(currency=purchase.currency).linked(purchase.reasons),
        can_accept=accept_payment.can_accept(purchase),
        refundable_licenses=refundable_licenses(purchase),
        refund_under_way=purchase.open_refund,
        refunds=[
            (refund, users[refund.by].email if refund.by in users else refund.by)
            for refund in purchase.refund_list
        ],
        stripe_ids=_stripe_ids(purchase),
        at_stripe=_dashboard_url(purchase),
        accept_form=ACCEPT,
        refund_form=REVIEW_REFUND,
        **context,
    )


def refundable_licenses(purchase: Purchase) -> int:
    """Return how many licenses can be refunded here, or 0 if Stripe's dashboard is required."""
    can_refund = purchase.status in REFUNDABLE and not purchase.reasons
    return purchase.licenses_granted if can_refund else 0


def _stripe_ids(purchase: Purchase) -> list[tuple[str, str]]:
    ids = [
        ("Checkout", purchase.session_id),
        ("Other checkouts", ", ".join(sorted(purchase.other_sessions or ()))),
        ("Payment", purchase.payment_intent_id),
    ]
    return [(label, id) for label, id in ids if id]


def _dashboard_url(purchase: Purchase) -> str | None:
    """Return the payment's URL in Stripe's dashboard, or None. The simulator has no dashboard."""
    if purchase.payment_intent_id is None or settings().stripe_api_base is not None:
        return None
    mode = "" if settings().livemode else "test/"
    return f"https://dashboard.stripe.com/{mode}payments/{purchase.payment_intent_id}"


@pages.page("POST", PURCHASE + "?action=settle", audience=Audience.ADMIN)
def settle(page: PageContext) -> Response:
    purchase = read_purchase(page)
    try:
        settled = settlement.settle(purchase, by=page.by)
    except TenantryError as error:
        return page.rerender_with_error(error, show_purchase)
    return page.redirect(purchase_path(purchase), flash=_settled_message(settled.granted))


def _settled_message(granted: int) -> str:
    if granted == 0:
        return "Stripe was asked. No license had to be moved."
    return (
        f"Stripe was asked: {format_licenses(granted)} {'added' if granted > 0 else 'taken back'}."
    )


@pages.form(PURCHASE + "?action=accept", audience=Audience.ADMIN, fields=ACCEPT)
def accept(page: PageContext, form: Form[Acceptance]) -> Response:
    purchase = read_purchase(page)
    try:
        reason = form.read().reason
        return page.run_once(
            form,
            lambda once: accept_payment.accept_as_paid(
                purchase, reason=reason, by=page.by, once=once
            ),
            lambda row: RedirectTo(
                purchase_path(row), f"Accepted: {format_licenses(row.licenses_granted)} granted."
            ),
        )
    except TenantryError as error:
        if not accept_payment.can_accept(read_purchase(page)):
            text = " ".join(messages(error).values())
            return page.rerender_with_error(error, show_purchase, text)
        return page.rerender_form(error, show_purchase, form, field_names={"purchase": ""})
