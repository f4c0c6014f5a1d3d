"""/reseller/purchases/{id}: a purchase, and where its buyer returns to. Looking settles it."""

from datetime import timedelta

from chalice.app import Response

from chalicelib import clock
from chalicelib.domain.purchases import Status
from chalicelib.errors import Busy, PaymentProviderUnavailable
from chalicelib.observability import logger
from chalicelib.services import purchases, settlement
from chalicelib.services.resellers import read_reseller
from chalicelib.storage.purchases import Purchase
from chalicelib.web.reseller.frame import render
from chalicelib.web.reseller.licenses import back_from_payment
from chalicelib.web.routing import Audience, Pages, Visit

pages = Pages(__name__)

UNDER_WAY = (Status.PENDING, Status.PROCESSING)
SLOW = timedelta(seconds=20)


@pages.page("GET", "/reseller/licenses/return", audience=Audience.RESELLER)
def return_from_payment(visit: Visit) -> Response:
    return back_from_payment(visit)


@pages.page("GET", "/reseller/purchases/{id}", audience=Audience.RESELLER)
def show_purchase(visit: Visit) -> Response:
    purchase = purchases.read_purchase(visit.reseller.id, visit.path["id"])
    purchase, is_current = looked_at(purchase)
    return render(
        visit,
        "purchase",
        title="Purchase",
        nav="licenses",
        reseller=read_reseller(visit.reseller.id),
        purchase=purchase,
        # Stripe said just now whether it is paid; only where it could not be asked, the
        # buyer's return is all that is known.
        returned=bool(visit.query("returned")) and not is_current,
        slow=clock.now() - purchase.updated_at > SLOW,
    )


def looked_at(purchase: Purchase) -> tuple[Purchase, bool]:
    """The purchase as Stripe knows it now, and whether it could be asked."""
    if purchase.status not in UNDER_WAY:
        return purchase, True
    try:
        return settlement.settle(purchase).purchase, True
    except (PaymentProviderUnavailable, Busy) as error:
        logger.info("Shown unsettled", extra={"purchase_id": purchase.id, "reason": str(error)})
        return purchase, False
