"""One purchase: how it stands, setting it right, and paying licenses back."""

from typing import Any

from chalice.app import Response

from chalicelib.api.purchases import Acceptance, NewRefund
from chalicelib.domain.purchases import REFUNDABLE
from chalicelib.errors import FieldError, InvalidRequest, TenantryError
from chalicelib.services.core import batch_reads
from chalicelib.services.purchases import accept_payment, search, settlement
from chalicelib.services.refunds import refund_requests
from chalicelib.services.resellers import accounts
from chalicelib.settings import settings
from chalicelib.storage.purchases import Purchase
from chalicelib.web.admin_shell.frame import format_licenses, render
from chalicelib.web.purchases.admin_purchases import purchase_views
from chalicelib.web.shell.forms import messages
from chalicelib.web.shell.rendering import amounts_in_text
from chalicelib.web.shell.routing import Audience, PageContext, Pages, RedirectTo

pages = Pages(__name__)

PURCHASE = "/admin/purchases/{id}"
REFUND = PURCHASE + "/refund"
# Neither the purchase nor the amount is a field of the form that asks for a refund.
NO_FIELDS = {"purchase": "", "amount": "", "kept": ""}


def _read(page: PageContext) -> Purchase:
    return search.find_purchase(page.path["id"])


def _path(purchase: Purchase) -> str:
    return f"/admin/purchases/{purchase.id}"


@pages.page("GET", PURCHASE, audience=Audience.ADMIN)
def show_purchase(page: PageContext, **context: Any) -> Response:
    purchase = _read(page)
    (shown,) = purchase_views([purchase])
    by = batch_reads.users_by_id(refund.by for refund in purchase.refund_list)
    return render(
        page,
        "purchase",
        title="Purchase",
        nav="purchases",
        purchase=shown,
        can_accept=accept_payment.can_accept(purchase),
        refundable_licenses=_refundable(purchase),
        refund_under_way=purchase.open_refund,
        refunds=[
            (refund, by[refund.by].email if refund.by in by else refund.by)
            for refund in purchase.refund_list
        ],
        stripe_ids=_stripe_ids(purchase),
        at_stripe=_at_stripe(purchase),
        **context,
    )


def _refundable(purchase: Purchase) -> int:
    """How many licenses the page offers to pay back: none where Stripe's dashboard must."""
    simple = purchase.status in REFUNDABLE and not purchase.status_reason
    return purchase.licenses_granted if simple else 0


def _stripe_ids(purchase: Purchase) -> list[tuple[str, str]]:
    known = [
        ("Checkout", purchase.session_id),
        ("Other checkouts", ", ".join(sorted(purchase.other_sessions or ()))),
        ("Payment", purchase.payment_intent_id),
    ]
    return [(label, id) for label, id in known if id]


def _at_stripe(purchase: Purchase) -> str | None:
    """The payment in Stripe's own dashboard; the stand-in has none."""
    if purchase.payment_intent_id is None or settings().stripe_api_base is not None:
        return None
    mode = "" if settings().livemode else "test/"
    return f"https://dashboard.stripe.com/{mode}payments/{purchase.payment_intent_id}"


@pages.page("POST", PURCHASE + "/settle", audience=Audience.ADMIN)
def settle(page: PageContext) -> Response:
    purchase = _read(page)
    try:
        settled = settlement.settle(purchase, by=page.by)
    except TenantryError as error:
        return page.rerender_with_error(error, show_purchase)
    return page.redirect(_path(purchase), flash=_said(settled.granted))


def _said(granted: int) -> str:
    if granted == 0:
        return "Stripe was asked. No license had to be moved."
    return (
        f"Stripe was asked: {format_licenses(granted)} {'added' if granted > 0 else 'taken back'}."
    )


@pages.page("POST", PURCHASE + "/accept", audience=Audience.ADMIN)
def accept(page: PageContext) -> Response:
    purchase, form = _read(page), page.form()
    try:
        reason = form.read(Acceptance).reason
        return page.run_once(
            form,
            lambda once: accept_payment.accept_as_paid(
                purchase, reason=reason, by=page.by, once=once
            ),
            lambda row: RedirectTo(
                _path(row), f"Accepted: {format_licenses(row.licenses_granted)} granted."
            ),
        )
    except TenantryError as error:
        if not accept_payment.can_accept(_read(page)):
            return page.rerender_with_error(
                error, show_purchase, " ".join(messages(error).values())
            )
        return page.rerender_form(error, show_purchase, form, field_names={"purchase": ""})


@pages.page("GET", REFUND, audience=Audience.ADMIN)
def review_refund(page: PageContext) -> Response:
    """The question before the deed: how much, and what it does to the reseller."""
    purchase, form = _read(page), page.form()
    under_way = purchase.open_refund  # it comes first, whatever is asked for
    try:
        wanted = under_way or form.read(NewRefund)
        quote = under_way or refund_requests.quote_refund(purchase, wanted.licenses)
    except TenantryError as error:
        return _refused(page, error)
    reseller = accounts.read_reseller(purchase.reseller_id)
    owned = reseller.license_count - max(0, purchase.licenses_granted - quote.kept)
    (shown,) = purchase_views([purchase])
    return render(
        page,
        "refund",
        title="Refund",
        nav="purchases",
        purchase=shown,
        refund={
            "licenses": quote.licenses,
            "kept": quote.kept,
            "amount": quote.amount,
            "reason": wanted.reason,
            "over_by": max(0, reseller.license_used - owned),
            "under_way": under_way is not None,
        },
    )


@pages.page("POST", REFUND, audience=Audience.ADMIN)
def refund(page: PageContext) -> Response:
    purchase, form = _read(page), page.form()
    try:
        wanted = form.read(NewRefund)
        return page.run_once(
            form,
            lambda once: refund_requests.refund_licenses(
                purchase,
                wanted.licenses,
                reason=wanted.reason,
                by=page.by,
                amount=wanted.amount,
                kept=wanted.kept,
                once=once,
            ),
            lambda made: RedirectTo(_path(made), f"{format_licenses(wanted.licenses)} refunded."),
        )
    except TenantryError as error:
        return _refused(page, error)


def _refused(page: PageContext, error: TenantryError) -> Response:
    """Beside the fields; of a purchase that can't be refunded now, the page has no such form."""
    purchase = _read(page)
    error = _in_money(error, purchase.currency)
    if purchase.open_refund or not _refundable(purchase):
        return page.rerender_with_error(error, show_purchase, " ".join(messages(error).values()))
    return page.rerender_form(error, show_purchase, page.form(), field_names=NO_FIELDS)


def _in_money(error: TenantryError, currency: str) -> TenantryError:
    if not isinstance(error, InvalidRequest):
        return error
    told = [FieldError(e.field, amounts_in_text(e.message, currency)) for e in error.errors]
    return InvalidRequest(told)
