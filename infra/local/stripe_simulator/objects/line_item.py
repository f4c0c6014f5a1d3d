"""One line of a Checkout Session."""

from __future__ import annotations

from typing import Any

from infra.local.stripe_simulator.account import Account, Object


def new_line_item(account: Account, params: dict[str, Any]) -> Object:
    price_data = params["price_data"]
    quantity = params.get("quantity", 1)
    amount = price_data["unit_amount"] * quantity
    adjustable = params.get("adjustable_quantity", {})
    return {
        "id": account.new_id("li_1"),
        "object": "item",
        "adjustable_quantity": {
            "enabled": adjustable.get("enabled", False),
            "maximum": adjustable.get("maximum"),
            "minimum": adjustable.get("minimum"),
        },
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price_data["currency"],
        "description": price_data["product_data"]["name"],
        "metadata": params.get("metadata", {}),
        "price": _price(account, price_data),
        "quantity": quantity,
    }


def _price(account: Account, price_data: dict[str, Any]) -> Object:
    return {
        "id": account.new_id("price_1"),
        "object": "price",
        "active": False,  # an inline price cannot be reused
        "billing_scheme": "per_unit",
        "created": account.now(),
        "currency": price_data["currency"],
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": account.new_id("prod_", 14),
        "recurring": None,
        "tax_behavior": price_data.get("tax_behavior", "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": price_data["unit_amount"],
        "unit_amount_decimal": str(price_data["unit_amount"]),
    }
