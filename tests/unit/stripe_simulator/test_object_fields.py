"""Every object has the fields and types of Stripe's example objects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import stripe

from infra.local.stripe_simulator import API_VERSION
from tests.unit.stripe_simulator.shop import Shop

FREE_FORM = {"metadata", "payment_method_options", "enhanced_evidence", "fraud_details"}

# Fields missing from the examples, because the API includes them only when they have a value, or
# because they are newer.
OPTIONAL_FIELDS = {
    "dispute.evidence_details.submission_method",
    "refund.failure_reason",
    "refund.failure_balance_transaction",
    "invoice.lines.data[0].pricing.price_details",
    "line_item.pricing.price_details",
}
# Fields of the examples that our version of the API no longer has.
REMOVED_FIELDS = {"invoice.subscription"}


def _stripe_examples() -> dict[str, Any]:
    for folder in Path(__file__).parents:
        file = folder / "shared" / "stripe-fixtures.json"
        if file.exists():
            resources: dict[str, Any] = json.loads(file.read_text())["resources"]
            return resources
    pytest.skip("Stripe's example objects (shared/stripe-fixtures.json) were not found")


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
    unknown = {f"{where}.{name}" for name in ours.keys() - theirs.keys()} - OPTIONAL_FIELDS
    missing = {f"{where}.{name}" for name in theirs.keys() - ours.keys()} - REMOVED_FIELDS
    shared = sorted(ours.keys() & theirs.keys())
    deeper = [
        d for name in shared for d in differences(ours[name], theirs[name], f"{where}.{name}")
    ]
    return [*(f"{u} is unknown" for u in unknown), *(f"{m} is missing" for m in missing), *deeper]


@pytest.fixture
def objects(shop: Shop) -> dict[str, Any]:
    """Return one object of each type, with as many fields set as possible."""
    session = shop.paid_session(
        invoice_creation={"enabled": True},
        payment_intent_data={"metadata": {"purchase": "pur_1"}, "receipt_email": "a@b.example"},
    )
    intent = session.payment_intent
    shop.stripe.v1.refunds.create({"charge": intent.latest_charge.id, "amount": 100})
    failed_refund = shop.simulator.refund(session.id, 200)
    shop.simulator.refund_fails(failed_refund["id"])
    dispute = shop.simulator.open_dispute(session.id)
    shop.simulator.win_dispute(dispute["id"])
    session = shop.retrieve_json(session.id)
    charge = session["payment_intent"]["latest_charge"]
    item = session["line_items"]["data"][0]
    invoice = session["invoice"]
    return {
        "checkout.session": shop.simulator.find("checkout.session", session["id"]),
        "payment_intent": shop.simulator.find("payment_intent", intent.id),
        "charge": {**charge, "refunds": {**charge["refunds"], "data": []}},
        "refund": shop.simulator.find("refund", failed_refund["id"]),
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
def test_objects_have_the_fields_and_types_of_stripes_examples(
    objects: dict[str, Any], kind: str
) -> None:
    example = _stripe_examples()[kind]
    if kind == "event":
        example = {**example, "data": {"object": {}}}
    if kind == "price":  # the example is a recurring price; ours is a one-time price
        example = {**example, "recurring": None}
    assert differences(objects[kind], example, kind) == []


def test_a_decline_does_not_change_the_fields_of_a_session(shop: Shop) -> None:
    session = shop.create_session()
    before = shop.simulator.find("checkout.session", session.id)
    shop.simulator.decline_card(session.id)
    after = shop.simulator.find("checkout.session", session.id)
    assert differences(before, _stripe_examples()["checkout.session"], "checkout.session") == []
    assert before.keys() == after.keys()


def test_the_api_version_matches_the_sdk() -> None:
    assert stripe.api_version == API_VERSION
