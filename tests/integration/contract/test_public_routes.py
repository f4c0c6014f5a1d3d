"""Public routes (prices, quotes, and health), and what every response contains."""

import pytest

from tests.support.api import Api


def test_health_needs_no_table(api: Api) -> None:
    reply = api.get("/health")
    assert (reply.status, reply.json) == (200, {"status": "ok"})


def test_a_new_installation_has_the_initial_prices(api: Api) -> None:
    assert api.get("/v1/pricing").json == {
        "currency": "usd",
        "tiers_version": 1,
        "price_tiers": [
            {"from": 1, "unit_amount": 2500},
            {"from": 10, "unit_amount": 2000},
            {"from": 50, "unit_amount": 1750},
            {"from": 100, "unit_amount": 1500},
        ],
    }


@pytest.mark.parametrize(
    ("quantity", "unit_amount", "offer"),
    [
        (1, 2500, None),
        (9, 2500, (10, 20000)),
        (12, 2000, None),
        (99, 1750, (100, 150000)),
        (100_000, 1500, None),
    ],
)
def test_a_quote_has_the_volume_price_and_any_better_offer(
    api: Api, quantity: int, unit_amount: int, offer: tuple[int, int] | None
) -> None:
    assert api.get(f"/v1/pricing/quote?quantity={quantity}").json == {
        "quantity": quantity,
        "unit_amount": unit_amount,
        "total": quantity * unit_amount,
        "currency": "usd",
        "better_offer": dict(zip(("quantity", "total"), offer, strict=True)) if offer else None,
    }


def test_every_response_has_its_own_request_id_and_is_not_cached(api: Api) -> None:
    replies = [api.get("/health"), api.get("/health"), api.get("/v1/me"), api.post("/v1/login")]
    assert len({reply.headers["X-Request-Id"] for reply in replies}) == 4
    for reply in replies:
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_an_invalid_request_gets_a_problem_document(api: Api) -> None:
    reply = api.post("/v1/login", {"email": "nobody"})
    assert reply.headers["Content-Type"] == "application/problem+json"
    document = reply.json
    email, password = document.pop("errors")
    assert (email["field"], password) == (
        "email",
        {"field": "password", "message": "Field required"},
    )
    assert email["message"]
    assert document == {
        "type": "urn:tenantry:problem:invalid_request",
        "title": "Unprocessable Content",
        "status": 422,
        "detail": "The request is not valid.",
        "code": "invalid_request",
    }
