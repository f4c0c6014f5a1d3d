"""One purchase: how it stands, and setting it right."""

from chalice.app import Response

from chalicelib.services import purchase_search, settlement
from chalicelib.storage.purchases import Purchase
from chalicelib.web.admin.frame import render
from chalicelib.web.admin.purchases import shown_purchases
from chalicelib.web.routing import Audience, Pages, Visit

pages = Pages(__name__)

PURCHASE = "/admin/purchases/{id}"


@pages.page("GET", PURCHASE, audience=Audience.ADMIN)
def show_purchase(visit: Visit) -> Response:
    purchase = purchase_search.find_purchase(visit.path["id"])
    (shown,) = shown_purchases([purchase])
    return render(
        visit,
        "purchase",
        title="Purchase",
        place="purchases",
        purchase=shown,
        stripe_ids=_stripe_ids(purchase),
    )


def _stripe_ids(purchase: Purchase) -> list[tuple[str, str]]:
    known = [("Checkout", purchase.session_id), ("Payment", purchase.payment_intent_id)]
    return [(label, id) for label, id in known if id]


@pages.page("POST", PURCHASE + "/settle", audience=Audience.ADMIN)
def settle(visit: Visit) -> Response:
    purchase = purchase_search.find_purchase(visit.path["id"])
    settled = settlement.settle(purchase, by=visit.by)
    return visit.redirect(f"/admin/purchases/{purchase.id}", flash=_said(settled.granted))


def _said(granted: int) -> str:
    if granted == 0:
        return "Stripe was asked. Nothing had to be changed."
    number = "1 license" if abs(granted) == 1 else f"{abs(granted):,} licenses"
    return f"Stripe was asked: {number} {'added' if granted > 0 else 'taken back'}."
