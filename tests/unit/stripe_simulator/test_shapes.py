"""Every object has the fields, and the types, of Stripe's own examples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.stripe_simulator.merchant import API_KEY, Shop

FREE_FORM = {"metadata", "payment_method_options", "enhanced_evidence", "fraud_details"}

# In our objects and not in the examples: what the API shows only when there is something to show.
SHOWN_WHEN_THERE = {
    "refund.failure_reason",
    "refund.failure_balance_transaction",
    "invoice.lines.data[0].pricing.price_details",
    "line_item.pricing.price_details",
}


def _examples() -> dict[str, Any]:
    for folder in Path(__file__).parents:
        file = folder / "shared" / "stripe-fixtures.json"
        if file.exists():
            resources: dict[str, Any] = json.loads(file.read_text())["resources"]
            return resources
    pytest.skip("Stripe's example objects (shared/stripe-fixtures.json) are not beside the project")


def differences(ours: Any, theirs: Any, where: str) -> list[str]:
    if ours is None or theirs is None:
        return []
    if type(ours) is not type(theirs):
        return [f"{where}: {type(ours).__name__} instead of {type(theirs).__name__}"]
    if isinstance(ours, list):
        pairs = zip(ours[:1], theirs[:1], strict=False)
        return [d for a, b in pairs for d in differences(a, b, f"{where}[0]")]
    if not isinstance(ours, dict) or where.rpartition(".")[2] in FREE_FORM or not theirs:
        return []
    unknown = {f"{where}.{name}" for name in ours.keys() - theirs.keys()} - SHOWN_WHEN_THERE
    missing = {f"{where}.{name}" for name in theirs.keys() - ours.keys()}
    shared = sorted(ours.keys() & theirs.keys())
    deeper = [
        d for name in shared for d in differences(ours[name], theirs[name], f"{where}.{name}")
    ]
    return [*(f"{u} is unknown" for u in unknown), *(f"{m} is missing" for m in missing), *deeper]


def as_sent(shop: Shop, session_id: str) -> dict[str, Any]:
    """The session as the API sends it, before the SDK makes types of its own of it."""
    names = ("payment_intent.latest_charge.refunds", "invoice", "customer", "line_items")
    query = "&".join(f"expand[]={name}" for name in names)
    answer = shop.simulator.handle(
        "GET",
        f"/v1/checkout/sessions/{session_id}?{query}",
        {"Authorization": f"Bearer {API_KEY}"},
    )
    sent: dict[str, Any] = json.loads(answer.body)
    return sent


@pytest.fixture
def objects(shop: Shop) -> dict[str, Any]:
    """One of each, after a life in which as many fields as possible are filled."""
    session = shop.paid(
        invoice_creation={"enabled": True},
        payment_intent_data={"metadata": {"purchase": "pur_1"}, "receipt_email": "a@b.example"},
    )
    intent = session.payment_intent
    shop.stripe.v1.refunds.create({"charge": intent.latest_charge.id, "amount": 100})
    failing = shop.simulator.refund(session.id, 200)
    shop.simulator.refund_fails(failing["id"])
    dispute = shop.simulator.open_dispute(session.id)
    shop.simulator.win_dispute(dispute["id"])
    session = as_sent(shop, session.id)
    charge = session["payment_intent"]["latest_charge"]
    item = session["line_items"]["data"][0]
    invoice = session["invoice"]
    return {
        "checkout.session": shop.simulator.find("checkout.session", session["id"]),
        "payment_intent": shop.simulator.find("payment_intent", intent.id),
        "charge": {**charge, "refunds": {**charge["refunds"], "data": []}},
        "refund": shop.simulator.find("refund", failing["id"]),
        "dispute": shop.simulator.find("dispute", dispute["id"]),
        "customer": session["customer"],
        "invoice": invoice,
        "line_item": invoice["lines"]["data"][0],
        "event": {**shop.simulator.events()[-1], "data": {"object": {}}},
        "item": item,
        "price": item["price"],
    }


@pytest.mark.parametrize(
    "kind",
    [
        "charge",
        "checkout.session",
        "customer",
        "dispute",
        "event",
        "invoice",
        "item",
        "line_item",
        "payment_intent",
        "price",
        "refund",
    ],
)
def test_object_has_the_fields_and_types_of_stripes_example(
    objects: dict[str, Any], kind: str
) -> None:
    example = _examples()[kind]
    if kind == "event":
        example = {**example, "data": {"object": {}}}
    if kind == "price":  # the example recurs; this one is for one payment
        example = {**example, "recurring": None}
    assert differences(objects[kind], example, kind) == []


def test_a_session_before_and_after_a_decline_has_the_same_fields(shop: Shop) -> None:
    session = shop.checkout()
    before = shop.simulator.find("checkout.session", session.id)
    shop.simulator.decline_card(session.id)
    after = shop.simulator.find("checkout.session", session.id)
    assert differences(before, _examples()["checkout.session"], "checkout.session") == []
    assert before.keys() == after.keys()


def test_the_api_version_is_the_one_that_the_sdk_was_made_for() -> None:
    import stripe

    from infra.local.stripe_simulator import API_VERSION

    assert stripe.api_version == API_VERSION
