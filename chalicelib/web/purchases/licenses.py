"""/reseller/licenses: prices, the order form, open checkouts, and past purchases."""

from datetime import date, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from chalice.app import Response

from chalicelib import clock
from chalicelib.api.purchases import NewPurchase
from chalicelib.api.statements import StatementQuery
from chalicelib.domain.pricing import Quote
from chalicelib.domain.purchases import Status
from chalicelib.errors import InvalidRequest, TenantryError
from chalicelib.services.core.idempotency import IdempotentRequest
from chalicelib.services.purchases import checkout
from chalicelib.services.settings import platform_settings
from chalicelib.storage.purchases import Purchase
from chalicelib.web.reseller_shell.frame import render
from chalicelib.web.shell.forms import messages
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.rendering import View
from chalicelib.web.shell.routing import (
    Audience,
    Form,
    FormFields,
    PageContext,
    Pages,
    RedirectTo,
)

pages = Pages(__name__)

SUGGESTED_QUANTITY = 10
PRESETS = 3
BUY = FormFields(NewPurchase)
PERIOD = FormFields(StatementQuery, id="statement", only=("from", "to"))


@pages.page("GET", "/reseller/licenses", audience=Audience.RESELLER)
def show_licenses(
    page: PageContext,
    **context: Any,  # Any: values for the template
) -> Response:
    if page.query("purchase"):
        return back_from_payment(page)
    quantity = str(context.get("form", {}).get("quantity") or page.query("quantity"))
    price, errors = _quote(quantity or str(SUGGESTED_QUANTITY))
    purchases = checkout.list_purchases(page.reseller.id, page.pagination())
    response = render(
        page,
        "reseller/licenses.html",
        title="Licenses",
        nav=MenuEntry.RESELLER_LICENSES,
        **{
            "tiers": platform_settings.cached_settings().price_tiers["tiers"],
            "quote": price,
            "buy_form": BUY,
            "period_form": PERIOD,
            "open_checkouts": [p for p in purchases.rows if _can_be_paid(p)],
            "purchases": purchases.rows,
            "pages": page.paging(purchases.next_cursor),
            "errors": errors,
            "form": {"quantity": quantity} if errors else {},
            **statement_periods(clock.now().date()),
            **context,
        },
    )
    if errors:
        response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    return response


def back_from_payment(page: PageContext) -> Response:
    """Redirect a buyer who returns from Stripe's payment page to the purchase."""
    purchase_id = quote(page.query("purchase"), safe="")
    return page.redirect(f"/reseller/purchases/{purchase_id}?returned=1")


def _quote(quantity: str) -> tuple[Quote | None, dict[str, str]]:
    """Return a quote for the typed quantity, and the field errors."""
    try:
        wanted = Form(BUY, {"quantity": [quantity]}).read().quantity
        return platform_settings.quote(wanted), {}
    except InvalidRequest as error:
        return None, messages(error)


def _can_be_paid(purchase: Purchase) -> bool:
    return (
        purchase.status == Status.PENDING
        and purchase.checkout_url is not None
        and purchase.expires_at > clock.now()
    )


def statement_periods(today: date) -> View:
    """Return the periods that the statement form offers: this month and the preceding months."""
    presets = []
    last = today
    for _ in range(PRESETS):
        first = last.replace(day=1)
        presets.append({"label": f"{first:%B %Y}", "from": first, "to": last})
        last = first - timedelta(days=1)
    return {
        "statement_from": presets[0]["from"],
        "statement_to": today,
        "statement_presets": presets,
    }


@pages.form("/reseller/licenses", audience=Audience.RESELLER, fields=BUY)
def buy(page: PageContext, form: Form[NewPurchase]) -> Response:
    """Start a checkout and redirect to Stripe's payment page."""

    def act(once: IdempotentRequest) -> Purchase:
        quantity = form.read().quantity
        return checkout.buy_licenses(page.reseller, quantity, by=page.by, once=once)

    try:
        return page.run_once(form, act, lambda p: RedirectTo(p.checkout_url or _purchase_path(p)))
    except TenantryError as error:
        return page.rerender_form(error, show_licenses, form)


def _purchase_path(purchase: Purchase) -> str:
    """Return the purchase's path, used if its checkout was paid or closed before the redirect."""
    return f"/reseller/purchases/{purchase.id}"
