"""/reseller/purchases/{id}: the page a buyer returns to. Opening it settles the purchase."""

from datetime import timedelta

from chalice.app import Response

from chalicelib import clock
from chalicelib.services.purchases import checkout
from chalicelib.services.resellers.accounts import read_reseller
from chalicelib.web.purchases.licenses import back_from_payment
from chalicelib.web.reseller_shell.frame import render
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.routing import Audience, PageContext, Pages

pages = Pages(__name__)

SLOW = timedelta(seconds=20)


@pages.page("GET", "/reseller/licenses/return", audience=Audience.RESELLER)
def return_from_payment(page: PageContext) -> Response:
    return back_from_payment(page)


@pages.page("GET", "/reseller/purchases/{id}", audience=Audience.RESELLER)
def show_purchase(page: PageContext) -> Response:
    purchase, is_current = checkout.current_purchase(page.reseller.id, page.path["id"])
    return render(
        page,
        "reseller/purchase.html",
        title="Purchase",
        nav=MenuEntry.RESELLER_LICENSES,
        reseller=read_reseller(page.reseller.id),
        purchase=purchase,
        # If Stripe was just queried, the page shows the status that Stripe reported. The fact that
        # the buyer returned matters only if Stripe could not be reached.
        returned=bool(page.query("returned")) and not is_current,
        slow=clock.now() - purchase.updated_at > SLOW,
    )
