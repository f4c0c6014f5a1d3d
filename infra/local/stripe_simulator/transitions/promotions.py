"""Promotion codes that the buyer enters on the payment page."""

from __future__ import annotations

from typing import Any

from infra.local.stripe_simulator.account import Account, Object
from infra.local.stripe_simulator.errors import InvalidAction


def apply_code(account: Account, session: Object, code: str, *, forced: bool = False) -> Object:
    if session["status"] != "open":
        raise InvalidAction(f"{session['id']} is {session['status']}, not open")
    if not (session["allow_promotion_codes"] or forced):
        raise InvalidAction(f"{session['id']} does not accept promotion codes")
    percent_off = account.percent_off.get(code.strip().upper())
    if percent_off is None:
        raise InvalidAction("This code is invalid.")
    details = account.session_details[session["id"]]
    details.line_items = [_discounted(item, percent_off) for item in details.line_items]
    discount = sum(item["amount_discount"] for item in details.line_items)
    return account.change(
        session,
        amount_total=session["amount_subtotal"] - discount,
        discounts=[{"coupon": None, "promotion_code": account.new_id("promo_1")}],
        total_details={**session["total_details"], "amount_discount": discount},
    )


def _discounted(item: Object, percent_off: int) -> dict[str, Any]:
    # Round half a cent up, as Stripe does.
    discount = (item["amount_subtotal"] * percent_off + 50) // 100
    return {
        **item,
        "amount_discount": discount,
        "amount_total": item["amount_subtotal"] - discount,
    }
