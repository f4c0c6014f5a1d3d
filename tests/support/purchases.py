"""A purchase, paid at the stand-in."""

from typing import Any

from chalicelib.services.purchases import read_purchase
from chalicelib.services.settlement import settle
from infra.local.stripe_stand_in.stand_in import StripeStandIn
from tests.support.people import Person


def buy_and_pay(
    seller: Person, stripe: StripeStandIn, quantity: int, *, deliver: bool = True
) -> dict[str, Any]:
    """deliver: whether the service hears of it."""
    bought = seller.api.post("/v1/resellers/me/purchases", {"quantity": quantity})
    assert bought.status == 201, bought.text
    purchase: dict[str, Any] = bought.json
    stripe.pay(purchase["checkout_url"].rsplit("/", 1)[1])
    if deliver:
        settle(read_purchase(str(seller.reseller_id), purchase["id"]))
    return purchase
