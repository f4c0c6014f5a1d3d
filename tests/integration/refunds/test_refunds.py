"""Refunds requested by an admin through the API."""

from typing import Any

import pytest

from chalicelib.services.purchases import checkout
from chalicelib.services.stripe_sync.sweep import run_sweep
from infra.local.stripe_simulator import StripeSimulator
from tests.support import purchase_fixtures
from tests.support.people import People
from tests.support.purchases import Sale


@pytest.fixture
def sale(people: People, stripe: StripeSimulator) -> Sale:
    return Sale(people, stripe)


def test_the_remaining_licenses_are_priced_at_their_own_tier(
    sale: Sale, stripe: StripeSimulator
) -> None:
    assert sale.quote(91).json == {
        "licenses": 91,
        "kept": 9,
        "amount": 127_500,
        "currency": "usd",
    }
    refunded = sale.refund(91, fields={"amount": 127_500})
    assert refunded.status == 201
    assert refunded.headers["Location"].endswith(sale.path)
    assert refunded.json["status"] == "partially_refunded"
    assert (refunded.json["licenses_granted"], refunded.json["amount_refunded"]) == (9, 127_500)
    (refund,) = refunded.json["refunds"]
    assert (refund["state"], refund["reason"], refund["amount"]) == ("done", "Too many", 127_500)
    assert sale.licenses() == 9
    (newest, _) = sale.admin.api.get(f"{sale.path.split('/purchases')[0]}/ledger").json["data"]
    assert (newest["kind"], newest["reason"], newest["actor"]) == (
        "refund",
        "Too many",
        sale.admin.user_id,
    )
    rest = sale.refund(9).json
    assert (rest["status"], rest["amount_refunded"], sale.licenses()) == ("refunded", 150_000, 0)
    purchase_fixtures.check_invariants()


def test_a_refund_is_never_negative(people: People, stripe: StripeSimulator) -> None:
    sale = Sale(people, stripe, quantity=10)
    assert sale.quote(1).json["amount"] == 0
    done = sale.refund(1).json
    assert (done["status"], done["licenses_granted"]) == ("partially_refunded", 9)
    assert (done["amount_refunded"], stripe.all("refund")) == (0, [])
    everything = sale.refund(9).json
    assert (everything["status"], everything["amount_refunded"]) == ("refunded", 20_000)
    assert sale.licenses() == 0


def test_a_refund_is_refused_if_the_shown_amount_has_changed(
    sale: Sale, stripe: StripeSimulator
) -> None:
    stripe.refund(sale.session_id, 3_000)
    refused = sale.refund(91, fields={"amount": 127_500})
    assert (refused.status, refused.json["errors"][0]["field"]) == (422, "amount")
    assert len(stripe.all("refund")) == 1


def test_a_repeated_key_refunds_once(sale: Sale, stripe: StripeSimulator) -> None:
    first = sale.refund(50, key="r")
    again = sale.refund(50, key="r")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json == first.json
    assert [r["amount"] for r in stripe.all("refund")] == [62_500]


@pytest.mark.parametrize("fault", ["500", "429", "timeout", "drop_before", "drop_after"])
@pytest.mark.parametrize("rescue", ["same key", "no key", "sweep"])
def test_a_failure_at_stripe_leaves_the_refund_resumable(
    sale: Sale, stripe: StripeSimulator, fault: Any, rescue: str
) -> None:
    stripe.faults.fail(next=3, kind=fault, path="/v1/refunds", method="POST")
    key = "r" if rescue == "same key" else None
    refused = sale.refund(91, key=key)
    assert (refused.status, refused.code) == (502, "payment_provider_unavailable")
    stripe.faults.clear()
    if rescue == "sweep":
        run_sweep()
    else:
        assert sale.refund(91, key=key).status == 201
    assert [r["amount"] for r in stripe.all("refund")] == [127_500]
    row = checkout.read_purchase(sale.buyer.reseller_id or "", sale.id)
    assert row.licenses_granted == 9
    assert row.open_refund is None
    assert row.unsettled is None
    purchase_fixtures.check_invariants()


def test_a_permanently_refused_refund_is_closed(sale: Sale, stripe: StripeSimulator) -> None:
    """The buyer disputes the payment between the refund's quote and the request to Stripe."""
    stripe.faults.fail(next=3, kind="drop_before", path="/v1/refunds", method="POST")
    assert sale.refund(91, key="r").status == 502
    stripe.open_dispute(sale.session_id)
    for _ in range(2):
        refused = sale.refund(91, key="r")
        assert (refused.status, refused.code) == (422, "invalid_request")
        assert "charged back" in refused.json["errors"][0]["message"]
    read = sale.admin.api.get(sale.path).json
    assert read["refunds"][0]["state"] == "refused"
    run_sweep()
    assert sale.licenses() == 0
    stripe.win_dispute(stripe.all("dispute")[0]["id"])
    assert sale.refund(91).status == 201
    assert sale.licenses() == 9


@pytest.mark.parametrize("licenses", [101, 100_000])
def test_refunding_more_licenses_than_granted_is_refused(sale: Sale, licenses: int) -> None:
    refused = sale.refund(licenses)
    assert (refused.status, refused.json["errors"][0]["field"]) == (422, "licenses")
    assert sale.licenses() == 100


@pytest.mark.parametrize("licenses", [0, -1, "1", None, 1.5])
def test_an_invalid_number_of_licenses_is_refused(sale: Sale, licenses: Any) -> None:
    assert sale.refund(licenses).status == 422


def test_disputed_and_unpaid_purchases_cannot_be_refunded(
    sale: Sale, people: People, stripe: StripeSimulator
) -> None:
    stripe.open_dispute(sale.session_id)
    for answer in (sale.refund(1), sale.quote(1)):
        assert answer.status == 422
        assert "disputed" in answer.json["errors"][0]["message"]
    buyer = people.reseller()
    unpaid = buyer.api.post("/v1/resellers/me/purchases", {"quantity": 1}).json["id"]
    path = f"/v1/resellers/{buyer.reseller_id}/purchases/{unpaid}/refunds"
    refused = sale.admin.api.post(path, {"licenses": 1, "reason": "x"})
    assert "not paid yet" in refused.json["errors"][0]["message"]


def test_a_reseller_cannot_refund(sale: Sale) -> None:
    body = {"licenses": 1, "reason": "Mine"}
    assert sale.buyer.api.post(f"{sale.path}/refunds", body).status == 403
    assert sale.buyer.api.get(f"{sale.path}/refund-quote?licenses=1").status == 403
    elsewhere = sale.path.replace(sale.id, "pur_none") + "/refunds"
    assert sale.admin.api.post(elsewhere, body).status == 404


def test_a_refund_can_over_allocate_the_reseller(people: People, stripe: StripeSimulator) -> None:
    sale = Sale(people, stripe, quantity=2)
    tenants = "/v1/resellers/me/tenants"
    for name in ("One", "Two"):
        assert sale.buyer.api.post(tenants, {"name": name}).status == 201
    assert sale.refund(2).status == 201
    licenses = sale.buyer.api.get("/v1/resellers/me/licenses").json
    assert (licenses["license_available"], licenses["over_allocated"]) == (-2, True)
    assert sale.buyer.api.post(tenants, {"name": "Three"}).code == "licenses_exhausted"
    assert len(sale.buyer.api.get(tenants).json["data"]) == 2


def test_a_refund_that_fails_gives_the_licenses_back(sale: Sale, stripe: StripeSimulator) -> None:
    sale.refund(91)
    stripe.refund_fails(stripe.all("refund")[0]["id"])
    run_sweep()
    assert sale.licenses() == 100
    assert sale.admin.api.get(sale.path).json["status"] == "paid"
