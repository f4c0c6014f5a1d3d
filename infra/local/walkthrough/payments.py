"""Money that takes its time, comes back, is disputed, or whose webhooks are lost."""

from infra.local.walkthrough.client import Service, chapter
from infra.local.walkthrough.guide import Reseller, ledger_sums, pool

PURCHASES = "/v1/resellers/me/purchases"


def walk(service: Service, reseller: Reseller) -> None:
    pay_by_bank(service, reseller)
    lose_every_webhook(service, reseller)
    count, used = ledger_sums(service, reseller)
    service.step(
        "the ledger still equals the counters", f"{used} / {count}", pool(service, reseller)
    )


def pay_by_bank(service: Service, reseller: Reseller) -> None:
    chapter("A payment that takes days")
    purchase = _order(service, reseller, 3)
    before = pool(service, reseller)
    service.stripe(f"sessions/{_session(purchase)}/pay", method="delayed")
    service.eventually(
        "the bank is asked", lambda: _status(service, reseller, purchase), "processing"
    )
    service.step("no license before the money", pool(service, reseller), before)
    service.stripe(f"sessions/{_session(purchase)}/bank-confirms")
    service.eventually("the money comes", lambda: _status(service, reseller, purchase), "paid")
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


def _order(service: Service, reseller: Reseller, quantity: int) -> dict[str, str]:
    order: dict[str, str] = service.call(
        reseller.token, "POST", PURCHASES, {"quantity": quantity}, 201
    )
    return order


def _status(service: Service, reseller: Reseller, purchase: dict[str, str]) -> str:
    status: str = service.call(reseller.token, "GET", f"{PURCHASES}/{purchase['id']}")["status"]
    return status


def _session(purchase: dict[str, str]) -> str:
    return purchase["checkout_url"].rsplit("/", 1)[1]
