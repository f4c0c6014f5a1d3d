"""The parameters of `POST /v1/checkout/sessions`, as far as `payment` mode needs them."""

from __future__ import annotations

from typing import Any

from infra.local.stripe_simulator import params as p
from infra.local.stripe_simulator.errors import InvalidParameter, StripeError
from infra.local.stripe_simulator.money import (
    CURRENCIES,
    LARGEST_AMOUNT,
    SMALLEST_AMOUNT,
    format_amount,
)

_MIN_MINUTES_OPEN = 30
_MAX_HOURS_OPEN = 24


def _currency(value: Any, name: str) -> str:
    code = str(value).lower()
    if code not in CURRENCIES:
        supported = ", ".join(sorted(CURRENCIES))
        raise InvalidParameter(
            f"Invalid currency: {code}. Stripe currently supports these currencies: {supported}",
            name,
        )
    return code


_PRODUCT = p.hash_of(
    {
        "name": p.text(),
        "description": p.text(),
        "images": p.array(p.url, 8),
        "metadata": p.metadata,
        "tax_code": p.text(),
        "unit_label": p.text(12),
    },
    required=("name",),
)
_PRICE = p.hash_of(
    {
        "currency": _currency,
        "product_data": _PRODUCT,
        "unit_amount": p.integer(0),
        "tax_behavior": p.choice("inclusive", "exclusive", "unspecified"),
    },
    required=("currency", "product_data", "unit_amount"),
)
_LINE = p.hash_of(
    {
        "price_data": _PRICE,
        "quantity": p.integer(1, 999_999),
        "adjustable_quantity": p.hash_of(
            {"enabled": p.boolean, "minimum": p.integer(), "maximum": p.integer(0, 999_999)},
            required=("enabled",),
        ),
        "metadata": p.metadata,
    },
    required=("price_data", "quantity"),
)
_INVOICE_CREATION = p.hash_of(
    {
        "enabled": p.boolean,
        "invoice_data": p.hash_of(
            {
                "description": p.text(1500),
                "footer": p.text(),
                "metadata": p.metadata,
                "custom_fields": p.array(
                    p.hash_of({"name": p.text(40), "value": p.text(140)}, ("name", "value")), 4
                ),
            }
        ),
    },
    required=("enabled",),
)
_PAYMENT_INTENT = p.hash_of(
    {"metadata": p.metadata, "description": p.text(1000), "receipt_email": p.email}
)
_ENABLED = p.hash_of({"enabled": p.boolean}, required=("enabled",))

_SESSION = p.hash_of(
    {
        **p.EXPAND,
        "adaptive_pricing": p.hash_of({"enabled": p.boolean}),
        "allow_promotion_codes": p.boolean,
        "automatic_tax": _ENABLED,
        "billing_address_collection": p.choice("auto", "required"),
        "cancel_url": p.url,
        "client_reference_id": p.text(200),
        "customer": p.text(),
        "customer_creation": p.choice("always", "if_required"),
        "customer_email": p.email,
        "expires_at": p.integer(),
        "invoice_creation": _INVOICE_CREATION,
        "line_items": p.array(_LINE),
        "locale": p.text(10),
        "metadata": p.metadata,
        "mode": p.choice("payment", "setup", "subscription"),
        "payment_intent_data": _PAYMENT_INTENT,
        "payment_method_types": p.array(p.choice("card", "us_bank_account", "link")),
        "submit_type": p.choice("auto", "book", "donate", "pay", "subscribe"),
        "success_url": p.url,
        "tax_id_collection": _ENABLED,
    },
    required=("line_items", "mode", "success_url"),
)


def read(form: dict[str, Any], now: int) -> dict[str, Any]:
    """Return the validated parameters. Raises StripeError if Stripe would refuse them."""
    params: dict[str, Any] = _SESSION(form, "")
    if params["mode"] != "payment":
        raise StripeError("The Stripe simulator supports only `payment` mode.", param="mode")
    if "customer" in params and "customer_email" in params:
        raise InvalidParameter(
            "You may only specify one of these parameters: customer, customer_email.", "customer"
        )
    if "customer" in params and "customer_creation" in params:
        raise InvalidParameter(
            "`customer_creation` can only be used when `customer` is not set.", "customer_creation"
        )
    _check_expiry(params, now)
    _check_amounts(params["line_items"])
    return params


def _check_expiry(params: dict[str, Any], now: int) -> None:
    seconds = params.get("expires_at", now + 3600) - now
    if seconds < _MIN_MINUTES_OPEN * 60:
        raise InvalidParameter(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session "
            "creation.",
            "expires_at",
        )
    if seconds > _MAX_HOURS_OPEN * 3600:
        raise InvalidParameter(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
            "expires_at",
        )


def _check_amounts(lines: list[dict[str, Any]]) -> None:
    if not lines:
        raise InvalidParameter(
            "Missing required param: line_items.", "line_items", "parameter_missing"
        )
    currencies = {line["price_data"]["currency"] for line in lines}
    if len(currencies) > 1:
        raise InvalidParameter("All line items must be in the same currency.", "line_items")
    (currency,) = currencies
    total = sum(line["price_data"]["unit_amount"] * line["quantity"] for line in lines)
    if total > LARGEST_AMOUNT:
        maximum = format_amount(LARGEST_AMOUNT, currency)
        raise InvalidParameter(
            f"The Checkout Session's total amount due must be no more than {maximum}.",
            "line_items",
            "amount_too_large",
        )
    if 0 < total < SMALLEST_AMOUNT:
        minimum = format_amount(SMALLEST_AMOUNT, currency)
        raise InvalidParameter(
            f"The Checkout Session's total amount due must add up to at least {minimum}.",
            "line_items",
            "amount_too_small",
        )
