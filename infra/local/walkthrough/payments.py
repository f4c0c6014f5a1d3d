"""Payments that take days, refunds, disputes, and lost webhooks."""

from functools import partial
from typing import Any

from infra.local.walkthrough.client import Client, print_heading
from infra.local.walkthrough.guide import Reseller, check_ledger, licenses

PURCHASES = "/v1/resellers/me/purchases"


def run(client: Client, reseller: Reseller) -> None:
    pay_by_bank_debit(client, reseller)
    lose_every_webhook(client, reseller)
    purchase = refund_in_part(client, reseller)
    win_a_dispute(client, reseller, purchase)
    check_ledger(client, reseller)


def pay_by_bank_debit(client: Client, reseller: Reseller) -> None:
    print_heading("A payment that takes days")
    purchase = _order(client, reseller, 3)
    before = licenses(client, reseller)
    client.simulate(f"sessions/{_session_id(purchase)}/pay", method="delayed")
    read_status = partial(_read_status, client, reseller, purchase)
    client.check_eventually("The reseller pays by bank debit", read_status, "processing")
    client.check(
        "No licenses are added before the money arrives", licenses(client, reseller), before
    )
    client.simulate(f"sessions/{_session_id(purchase)}/bank-confirms")
    client.check_eventually("The bank confirms the payment", read_status, "paid")
    client.check("3 licenses are added", licenses(client, reseller), "13 / 21")


def lose_every_webhook(client: Client, reseller: Reseller) -> None:
    print_heading("Webhooks that never arrive")
    client.simulate("webhooks", mode="drop")
    try:
        purchase = _order(client, reseller, 4)
        client.pay_at_hosted_page(purchase["checkout_url"])
        client.check(
            "The purchase is paid, but no webhook arrives", licenses(client, reseller), "13 / 21"
        )
        client.run_scheduled_function("sweep-purchases")
        status = _read_status(client, reseller, purchase)
        client.check("The scheduled sweep finds the payment", status, "paid")
        client.check("The licenses are added", licenses(client, reseller), "13 / 25")
    finally:
        client.simulate("webhooks", mode="normal")


def refund_in_part(client: Client, reseller: Reseller) -> dict[str, Any]:
    """Buy 10 licenses, have 4 of them refunded, and return the purchase."""
    print_heading("A partial refund")
    purchase = _order(client, reseller, 10)
    client.pay_at_hosted_page(purchase["checkout_url"])
    read_status = partial(_read_status, client, reseller, purchase)
    client.check_eventually("The reseller buys 10 licenses at 2000 cents each", read_status, "paid")
    path = f"/v1/resellers/{reseller.id}/purchases/{purchase['id']}"
    quote = client.call(client.admin_token, "GET", f"{path}/refund-quote?licenses=4")
    # The 6 licenses that remain fall into the tier of 2500 cents each.
    client.check(
        "The refund for 4 licenses, with the other 6 repriced at 2500 cents",
        quote["amount"],
        20000 - 6 * 2500,
    )
    refund = {"licenses": 4, "reason": "Ordered too many"}
    client.call(client.admin_token, "POST", f"{path}/refunds", refund, 201)
    client.check_eventually("An admin refunds 4 licenses", read_status, "partially_refunded")
    client.check("The 4 licenses are taken back", licenses(client, reseller), "13 / 31")
    return purchase


def win_a_dispute(client: Client, reseller: Reseller, purchase: dict[str, Any]) -> None:
    print_heading("A dispute")
    read_status = partial(_read_status, client, reseller, purchase)
    dispute = client.simulate(f"sessions/{_session_id(purchase)}/dispute")
    client.check_eventually("The buyer disputes the payment", read_status, "disputed")
    client.check("Its 6 licenses are withheld", licenses(client, reseller), "13 / 25")
    client.simulate(f"disputes/{dispute['id']}/win")
    client.check_eventually("The dispute is won", read_status, "partially_refunded")
    client.check("The 6 licenses are returned", licenses(client, reseller), "13 / 31")


def _order(client: Client, reseller: Reseller, quantity: int) -> dict[str, Any]:
    purchase: dict[str, Any] = client.call(
        reseller.token, "POST", PURCHASES, {"quantity": quantity}, 201
    )
    return purchase


def _read_status(client: Client, reseller: Reseller, purchase: dict[str, Any]) -> str:
    status: str = client.call(reseller.token, "GET", f"{PURCHASES}/{purchase['id']}")["status"]
    return status


def _session_id(purchase: dict[str, Any]) -> str:
    session_id: str = purchase["checkout_url"].rsplit("/", 1)[1]
    return session_id
