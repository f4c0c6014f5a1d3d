"""Purchases made through the API and paid in the Stripe simulator."""

from typing import Any

from chalicelib.services.purchases.checkout import read_purchase
from chalicelib.services.purchases.settlement import settle
from chalicelib.storage.purchases import Purchase
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.support.people import People, Person


def buy_and_pay(
    seller: Person, stripe: StripeSimulator, quantity: int, *, deliver: bool = True
) -> dict[str, Any]:
    """Buy and pay. If `deliver` is true, the service also settles the purchase."""
    reply = seller.api.post("/v1/resellers/me/purchases", {"quantity": quantity})
    assert reply.status == 201, reply.text
    purchase: dict[str, Any] = reply.json
    stripe.pay(purchase["checkout_url"].rsplit("/", 1)[1])
    if deliver:
        settle(read_purchase(str(seller.reseller_id), purchase["id"]))
    return purchase


class Sale:
    """A paid and settled purchase, of 100 licenses by default."""

    def __init__(self, people: People, stripe: StripeSimulator, quantity: int = 100) -> None:
        self.buyer: Person = people.reseller()
        self.admin: Person = people.admin
        bought = self.buyer.api.post("/v1/resellers/me/purchases", {"quantity": quantity}).json
        self.id = bought["id"]
        self.path = f"/v1/resellers/{self.buyer.reseller_id}/purchases/{self.id}"
        self.session_id = bought["checkout_url"].rsplit("/", 1)[1]
        stripe.pay(self.session_id)
        self.admin.api.post(f"{self.path}/settle")

    def refund(self, licenses: int, **options: Any) -> Any:
        body = {"licenses": licenses, "reason": "Too many"} | options.pop("fields", {})
        return self.admin.api.post(f"{self.path}/refunds", body, **options)

    def quote(self, licenses: int) -> Any:
        return self.admin.api.get(f"{self.path}/refund-quote?licenses={licenses}")

    def row(self) -> Purchase:
        return read_purchase(str(self.buyer.reseller_id), self.id)

    def licenses(self) -> int:
        count: int = self.buyer.api.get("/v1/resellers/me/licenses").json["license_count"]
        return count
