"""Invalid requests get the same status, error code, and parameter as from Stripe."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.unit.stripe_simulator.shop import Shop


def line_items(**price: Any) -> list[dict[str, Any]]:
    product = {"name": "Tenant license"}
    data = {"currency": "usd", "unit_amount": 2000, "product_data": product, **price}
    return [{"price_data": data, "quantity": 10}]


REFUSED: list[tuple[dict[str, Any], str | None, str]] = [
    ({"color": "red"}, "parameter_unknown", "color"),
    (
        {"line_items": line_items(color="red")},
        "parameter_unknown",
        "line_items[0][price_data][color]",
    ),
    ({"line_items": line_items(currency="xxx")}, None, "line_items[0][price_data][currency]"),
    (
        {"line_items": line_items(unit_amount=-1)},
        "parameter_invalid_integer",
        "line_items[0][price_data][unit_amount]",
    ),
    (
        {"line_items": line_items(unit_amount="12.50")},
        "parameter_invalid_integer",
        "line_items[0][price_data][unit_amount]",
    ),
    ({"line_items": line_items(unit_amount=10_000_000)}, "amount_too_large", "line_items"),
    ({"line_items": line_items(unit_amount=4)}, "amount_too_small", "line_items"),
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


@pytest.mark.parametrize(("overrides", "code", "param"), REFUSED, ids=lambda value: str(value)[:40])
def test_invalid_session_parameters_are_refused(
    shop: Shop, overrides: dict[str, Any], code: str | None, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as error:
        shop.create_session(**overrides)
    assert (error.value.http_status, error.value.code, error.value.param) == (
        400,
        code,
        param,
    )


@pytest.mark.parametrize("name", ["line_items", "mode", "success_url"])
def test_a_missing_session_parameter_is_refused(shop: Shop, name: str) -> None:
    params: Any = shop.session_params()
    del params[name]
    with pytest.raises(stripe.InvalidRequestError) as error:
        shop.stripe.v1.checkout.sessions.create(params)
    assert (error.value.code, error.value.param) == ("parameter_missing", name)


def test_an_error_has_stripes_format(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError) as error:
        shop.create_session(color="red")
    body: Any = error.value.json_body
    assert body["error"].keys() == {
        "type",
        "code",
        "doc_url",
        "message",
        "param",
        "request_log_url",
    }
    assert body["error"]["type"] == "invalid_request_error"
    assert str(error.value.request_id).startswith("req_")


def test_all_parameters_that_the_service_can_send_are_accepted(shop: Shop) -> None:
    customer = shop.stripe.v1.customers.create({"email": "a@b.example", "name": "Acme"})
    session = shop.create_session(
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
def test_an_unknown_object_is_a_404(shop: Shop, path: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as error:
        shop.stripe.raw_request("get", f"/v1/{path}/nothing")
    assert (error.value.http_status, error.value.code) == (404, "resource_missing")


def test_an_unknown_route_is_refused(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        shop.stripe.raw_request("post", "/v1/teapots")


def test_another_api_key_is_refused(shop: Shop) -> None:
    with pytest.raises(stripe.AuthenticationError, match=r"Invalid API Key provided: sk_test_\*"):
        shop.client("sk_test_someone_else").v1.checkout.sessions.list()


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("", 401),
        ("Bearer", 401),
        ("Basic ???", 401),
        # The API key is the user name, and the password is empty.
        ("Basic c2tfdGVzdF9vZl90aGVfc2hvcDo=", 200),
    ],
)
def test_bearer_and_basic_authentication(shop: Shop, authorization: str, status: int) -> None:
    headers = {"Authorization": authorization}
    response = shop.simulator.handle("GET", "/v1/events", headers)
    assert response.status == status
