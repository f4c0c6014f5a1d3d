"""What Stripe would refuse is refused, with Stripe's status, code and parameter."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.unit.stripe_simulator.merchant import Shop


def line(**price: Any) -> list[dict[str, Any]]:
    product = {"name": "Tenant license"}
    data = {"currency": "usd", "unit_amount": 2000, "product_data": product, **price}
    return [{"price_data": data, "quantity": 10}]


REFUSED: list[tuple[dict[str, Any], str | None, str]] = [
    ({"colour": "red"}, "parameter_unknown", "colour"),
    (
        {"line_items": line(color="red")},
        "parameter_unknown",
        "line_items[0][price_data][color]",
    ),
    ({"line_items": line(currency="xxx")}, None, "line_items[0][price_data][currency]"),
    (
        {"line_items": line(unit_amount=-1)},
        "parameter_invalid_integer",
        "line_items[0][price_data][unit_amount]",
    ),
    (
        {"line_items": line(unit_amount="12.50")},
        "parameter_invalid_integer",
        "line_items[0][price_data][unit_amount]",
    ),
    ({"line_items": line(unit_amount=10_000_000)}, "amount_too_large", "line_items"),
    ({"line_items": line(unit_amount=4)}, "amount_too_small", "line_items"),
    ({"success_url": "/thanks"}, "url_invalid", "success_url"),
    ({"success_url": ""}, "parameter_invalid_empty", "success_url"),
    ({"mode": "gift"}, None, "mode"),
    ({"allow_promotion_codes": "maybe"}, None, "allow_promotion_codes"),
    ({"customer": "cus_nobody"}, "resource_missing", "customer"),
    ({"customer_email": "nobody"}, "email_invalid", "customer_email"),
    ({"customer": "cus_1", "customer_email": "a@b.example"}, None, "customer"),
    ({"metadata": {"k" * 41: "v"}}, None, "metadata[" + "k" * 41 + "]"),
    ({"metadata": {str(n): "v" for n in range(51)}}, None, "metadata"),
    ({"expires_at": 1_790_000_000 + 29 * 60}, None, "expires_at"),
    ({"expires_at": 1_790_000_000 + 25 * 3600}, None, "expires_at"),
    ({"expand": ["password"]}, None, "expand"),
]


@pytest.mark.parametrize(("more", "code", "param"), REFUSED, ids=lambda value: str(value)[:40])
def test_a_session_that_stripe_would_not_make(
    shop: Shop, more: dict[str, Any], code: str | None, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.checkout(**more)
    assert (refused.value.http_status, refused.value.code, refused.value.param) == (
        400,
        code,
        param,
    )


@pytest.mark.parametrize("name", ["line_items", "mode", "success_url"])
def test_a_session_without_what_it_needs(shop: Shop, name: str) -> None:
    params: Any = shop.order()
    del params[name]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.stripe.v1.checkout.sessions.create(params)
    assert (refused.value.code, refused.value.param) == ("parameter_missing", name)


def test_an_error_has_stripes_shape(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.checkout(colour="red")
    body: Any = refused.value.json_body
    assert body["error"].keys() == {
        "type",
        "code",
        "doc_url",
        "message",
        "param",
        "request_log_url",
    }
    assert body["error"]["type"] == "invalid_request_error"
    assert str(refused.value.request_id).startswith("req_")


def test_everything_that_the_product_may_send_is_taken(shop: Shop) -> None:
    customer = shop.stripe.v1.customers.create({"email": "a@b.example", "name": "Acme"})
    session = shop.checkout(
        line_items=[
            {
                "price_data": {
                    "currency": "usd",
                    "unit_amount": 1750,
                    "product_data": {
                        "name": "Tenant license",
                        "description": "The right to run one tenant",
                        "images": ["https://shop.example/license.png"],
                        "metadata": {"tier": "50"},
                    },
                },
                "quantity": 50,
                "adjustable_quantity": {"enabled": False},
            }
        ],
        client_reference_id="pur_1",
        metadata={"purchase": "pur_1"},
        payment_intent_data={
            "metadata": {"purchase": "pur_1"},
            "description": "50 licenses",
            "receipt_email": "a@b.example",
        },
        invoice_creation={
            "enabled": True,
            "invoice_data": {
                "description": "50 licenses",
                "footer": "Thank you",
                "metadata": {"purchase": "pur_1"},
                "custom_fields": [{"name": "Purchase", "value": "pur_1"}],
            },
        },
        customer=customer.id,
        expires_at=int(shop.clock()) + 30 * 60,
        allow_promotion_codes=True,
        payment_method_types=["card"],
        locale="auto",
        submit_type="pay",
        billing_address_collection="auto",
        automatic_tax={"enabled": False},
        tax_id_collection={"enabled": False},
        expand=["line_items", "customer"],
    )
    assert (session.amount_total, session.currency) == (87_500, "usd")
    assert session.client_reference_id == "pur_1"
    assert session.url == f"http://127.0.0.1:8000/pay/{session.id}"
    assert session.line_items is not None
    assert session.line_items.data[0].quantity == 50
    assert isinstance(session.customer, stripe.Customer)
    assert session.customer.email == "a@b.example"


@pytest.mark.parametrize(
    "path", ["checkout/sessions", "payment_intents", "charges", "refunds", "disputes", "events"]
)
def test_what_does_not_exist(shop: Shop, path: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.stripe.raw_request("get", f"/v1/{path}/nothing")
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


def test_a_call_that_the_api_does_not_have(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        shop.stripe.raw_request("post", "/v1/teapots")


def test_the_wrong_key(shop: Shop) -> None:
    with pytest.raises(stripe.AuthenticationError, match=r"Invalid API Key provided: sk_test_\*"):
        shop.client("sk_test_someone_else").v1.checkout.sessions.list()


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("", 401),
        ("Bearer", 401),
        ("Basic ???", 401),
        ("Basic c2tfdGVzdF9vZl90aGVfc2hvcDo=", 200),  # the key as the user, without a password
    ],
)
def test_the_ways_to_present_a_key(shop: Shop, authorization: str, status: int) -> None:
    headers = {"Authorization": authorization}
    answer = shop.simulator.handle("GET", "/v1/events", headers)
    assert answer.status == status
