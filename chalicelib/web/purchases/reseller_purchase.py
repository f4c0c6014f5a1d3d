"""/reseller/purchases/{id}: a purchase, and where its buyer returns to. Looking settles it."""

from datetime import timedelta

from chalice.app import Response

from chalicelib import clock
from chalicelib.services.purchases import checkout
from chalicelib.services.resellers.accounts import read_reseller
from chalicelib.web.purchases.licenses import back_from_payment
from chalicelib.web.reseller_shell.frame import render
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
        "purchase",
        title="Purchase",
        nav="licenses",
        reseller=read_reseller(page.reseller.id),
        purchase=purchase,
        # Stripe said just now whether it is paid; only where it could not be asked, the
        # buyer's return is all that is known.
        returned=bool(page.query("returned")) and not is_current,
        slow=clock.now() - purchase.updated_at > SLOW,
    )
