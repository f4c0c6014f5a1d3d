"""Money that takes its time, comes back, is disputed, or whose webhooks are lost."""

from functools import partial
from typing import Any

from infra.local.walkthrough.client import Service, chapter
from infra.local.walkthrough.guide import Reseller, ledger_sums, pool

PURCHASES = "/v1/resellers/me/purchases"


def walk(service: Service, reseller: Reseller) -> None:
    pay_by_bank(service, reseller)
    lose_every_webhook(service, reseller)
    purchase = refund_in_part(service, reseller)
    dispute_and_win(service, reseller, purchase)
    count, used = ledger_sums(service, reseller)
    counters = pool(service, reseller)
    service.step("the ledger still equals the counters", f"{used} / {count}", counters)


def pay_by_bank(service: Service, reseller: Reseller) -> None:
    chapter("A payment that takes days")
    purchase = _order(service, reseller, 3)
    before = pool(service, reseller)
    service.stripe(f"sessions/{_session(purchase)}/pay", method="delayed")
    status = partial(_status, service, reseller, purchase)
    service.eventually("the bank is asked", status, "processing")
    service.step("no license before the money", pool(service, reseller), before)
    service.stripe(f"sessions/{_session(purchase)}/bank-confirms")
    service.eventually("the money comes", status, "paid")
    service.step("and so do the licenses", pool(service, reseller), "13 / 21")


def lose_every_webhook(service: Service, reseller: Reseller) -> None:
    chapter("Webhooks that never arrive")
    service.stripe("webhooks", mode="drop")
    try:
        purchase = _order(service, reseller, 4)
        service.pay_at_hosted_page(purchase["checkout_url"])
        service.step("paid, unheard of", pool(service, reseller), "13 / 21")
        service.run_schedule("sweep-purchases")
        service.step("the scheduled sweep finds it", _status(service, reseller, purchase), "paid")
        service.step("and its licenses arrive", pool(service, reseller), "13 / 25")
    finally:
        service.stripe("webhooks", mode="normal")


def refund_in_part(service: Service, reseller: Reseller) -> dict[str, Any]:
    chapter("A refund in part")
    purchase = _order(service, reseller, 10)
    service.pay_at_hosted_page(purchase["checkout_url"])
    status = partial(_status, service, reseller, purchase)
    service.eventually("10 more are bought, at 2000 each", status, "paid")
    path = f"/v1/resellers/{reseller.id}/purchases/{purchase['id']}"
    quote = service.call(service.admin, "GET", f"{path}/refund-quote?licenses=4")
    # 6 are kept, and 6 cost 2500 each.
    service.step("giving 4 back pays back, with 6 kept at 2500", quote["amount"], 20000 - 6 * 2500)
    refund = {"licenses": 4, "reason": "Ordered too many"}
    service.call(service.admin, "POST", f"{path}/refunds", refund, 201)
    service.eventually("an admin refunds them", status, "partially_refunded")
    service.step("4 of the 10 are gone", pool(service, reseller), "13 / 31")
    return purchase


def dispute_and_win(service: Service, reseller: Reseller, purchase: dict[str, Any]) -> None:
    chapter("A dispute")
    status = partial(_status, service, reseller, purchase)
    dispute = service.stripe(f"sessions/{_session(purchase)}/dispute")
    service.eventually("the buyer's bank takes the money back", status, "disputed")
    service.step("and its licenses are held", pool(service, reseller), "13 / 25")
    service.stripe(f"disputes/{dispute['id']}/win")
    service.eventually("the dispute is won", status, "partially_refunded")
    service.step("the licenses are back", pool(service, reseller), "13 / 31")


def _order(service: Service, reseller: Reseller, quantity: int) -> dict[str, Any]:
    order: dict[str, Any] = service.call(
        reseller.token, "POST", PURCHASES, {"quantity": quantity}, 201
    )
    return order


def _status(service: Service, reseller: Reseller, purchase: dict[str, Any]) -> str:
    status: str = service.call(reseller.token, "GET", f"{PURCHASES}/{purchase['id']}")["status"]
    return status


def _session(purchase: dict[str, Any]) -> str:
    session: str = purchase["checkout_url"].rsplit("/", 1)[1]
    return session
