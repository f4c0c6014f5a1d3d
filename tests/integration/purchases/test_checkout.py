"""Opening a checkout, and everything that can happen before it is paid."""

from datetime import timedelta
from typing import Any

import pytest
from pynamodb.models import Model

from chalicelib import clock
from chalicelib import settings as app_settings
from chalicelib.domain import pricing
from chalicelib.domain.actors import Actor
from chalicelib.errors import PaymentProviderUnavailable, VersionConflict
from chalicelib.services.core.idempotency import NO_KEY
from chalicelib.services.purchases import checkout as purchases
from chalicelib.services.purchases.settlement import settle
from chalicelib.services.settings import platform_settings
from chalicelib.services.stripe_sync.sweep import run_sweep
from chalicelib.storage import caches
from chalicelib.storage.claims import Claim, owner_of
from chalicelib.storage.platform_settings import PLATFORM, PlatformSettings
from chalicelib.storage.purchases import checkout_claim
from chalicelib.storage.resellers import Reseller
from infra.local import table_edits
from infra.local.stripe_simulator import StripeSimulator
from infra.local.stripe_simulator.transitions import checkout
from tests.support import purchase_fixtures
from tests.support.people import People
from tests.support.purchase_fixtures import buy, reload


@pytest.fixture
def reseller(tables: None) -> Reseller:
    return purchase_fixtures.create_reseller()


def statuses() -> list[str]:
    return [
        row["status"]
        for row in sorted(purchase_fixtures.rows("purchases"), key=lambda row: row["id"])
    ]


@pytest.mark.parametrize("fault", ["500", "429", "timeout", "drop_before", "drop_after"])
def test_a_failure_at_stripe_leaves_a_resumable_purchase(
    people: People, stripe: StripeSimulator, fault: Any
) -> None:
    buyer = people.reseller()
    stripe.faults.fail(next=3, kind=fault, path="/v1/checkout/sessions")
    refused = buyer.api.post("/v1/resellers/me/purchases", {"quantity": 3}, key="k")
    assert (refused.status, refused.code) == (502, "payment_provider_unavailable")
    stripe.faults.clear()
    done = buyer.api.post("/v1/resellers/me/purchases", {"quantity": 3}, key="k")
    assert done.status == 201
    assert done.json["checkout_url"]
    assert len(purchase_fixtures.rows("purchases")) == len(stripe.all("checkout.session")) == 1
    replayed = buyer.api.post("/v1/resellers/me/purchases", {"quantity": 3}, key="k")
    assert replayed.headers["Idempotent-Replayed"] == "true"
    assert replayed.json == done.json


def test_an_expired_checkout_frees_its_quantity(
    reseller: Reseller, stripe: StripeSimulator, frozen: Any
) -> None:
    first = buy()
    frozen.advance(timedelta(hours=23, minutes=1))
    second = buy()
    assert first.id != second.id
    assert statuses() == ["expired", "pending"]


def test_an_overdue_session_still_open_at_stripe_is_expired(
    reseller: Reseller, stripe: StripeSimulator, monkeypatch: pytest.MonkeyPatch, frozen: Any
) -> None:
    first = buy()
    monkeypatch.setattr(checkout, "expire_overdue", lambda _account: None)
    frozen.advance(timedelta(hours=23, minutes=1))
    assert buy().id != first.id
    assert stripe.find("checkout.session", first.session_id or "")["status"] == "expired"


@pytest.mark.parametrize("hours", [21.9, 22.1, 23.5, 25])
def test_a_purchase_without_a_session_can_be_resumed_for_22_hours(
    reseller: Reseller, stripe: StripeSimulator, frozen: Any, hours: float
) -> None:
    stripe.faults.fail(next=3, kind="drop_before")
    with pytest.raises(PaymentProviderUnavailable):
        buy()
    frozen.advance(timedelta(hours=hours))
    assert buy().checkout_url
    assert statuses() == (["pending"] if hours < 22 else ["expired", "pending"])


def set_price(unit_amount: int, version: int) -> None:
    now = clock.now()
    row = PlatformSettings(
        PLATFORM,
        price_tiers={"tiers": [{"from": 1, "unit_amount": unit_amount}]},
        tiers_version=version,
        created_at=now,
        updated_at=now,
    )
    Model.save(row)
    caches.clear()


def test_a_price_change_expires_the_checkout_at_the_old_price(
    reseller: Reseller, stripe: StripeSimulator
) -> None:
    first = buy()
    set_price(999, 2)
    second = buy()
    assert (second.unit_amount, second.total) == (999, 12 * 999)
    assert stripe.find("checkout.session", first.session_id or "")["status"] == "expired"
    assert statuses() == ["expired", "pending"]


def test_a_price_change_during_an_order_does_not_mix_prices(
    reseller: Reseller, stripe: StripeSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refunds are computed from the stored tiers, so the total must come from the same tiers."""
    original = pricing.quote

    def quote(*arguments: Any) -> pricing.Quote:
        made = original(*arguments)
        set_price(999, 2)
        return made

    monkeypatch.setattr(pricing, "quote", quote)
    bought = buy()
    tiers = platform_settings.tiers_of(bought.tiers)
    assert bought.total == pricing.total(12, tiers) == 24_000
    assert bought.tiers_version == 1


@pytest.mark.parametrize("by", ["card", "bank"])
def test_an_order_right_after_a_payment_is_a_new_purchase(
    people: People, stripe: StripeSimulator, by: str
) -> None:
    """The webhook event for the payment has not arrived yet."""
    buyer = people.reseller()
    path, order = "/v1/resellers/me/purchases", {"quantity": 12}
    first = buyer.api.post(path, order, key="one").json
    pay = stripe.pay if by == "card" else stripe.pay_later
    pay(first["checkout_url"].rsplit("/", 1)[1])
    second = buyer.api.post(path, order, key="two")
    assert second.status == 201
    assert second.json["id"] != first["id"]
    assert second.json["checkout_url"] != first["checkout_url"]
    assert statuses() == ["paid" if by == "card" else "processing", "pending"]
    assert buyer.api.post(path, order, key="three").json == second.json


@pytest.mark.parametrize("owner", ["paid", "gone"])
def test_a_stale_claim_is_taken_over(people: People, stripe: StripeSimulator, owner: str) -> None:
    """A claim becomes stale if tables are restored to different points in time."""
    buyer = people.reseller()
    path, order = "/v1/resellers/me/purchases", {"quantity": 12}
    first = buyer.api.post(path, order).json
    row = purchases.read_purchase(first["reseller_id"], first["id"])
    claim = Claim.get(checkout_claim(row.reseller_id, 12))
    item = table_edits.read_item(claim)
    stripe.pay(row.session_id or "")
    settle(row)
    table_edits.put(claim, item)
    if owner == "gone":
        table_edits.remove(row)
    second = buyer.api.post(path, order)
    assert second.status == 201
    assert second.json["id"] != first["id"]
    assert owner_of(claim.name) == second.json["id"]
    assert buyer.api.post(path, order).json == second.json


@pytest.mark.parametrize("hours", [0, 24])
def test_a_session_unknown_to_stripe_does_not_block_a_new_order(
    reseller: Reseller, stripe: StripeSimulator, frozen: Any, hours: int
) -> None:
    """This happens, for example, after a switch from Stripe's test mode to live mode."""
    first = buy()
    table_edits.edit(first, session_id="cs_test_other_mode")
    frozen.advance(timedelta(hours=hours))
    assert buy().id != first.id
    assert statuses() == ["expired", "pending"]


def test_the_claim_of_a_pending_purchase_is_not_taken_over(
    reseller: Reseller, stripe: StripeSimulator
) -> None:
    """Another request opened a checkout after this one found none, so the write is refused."""
    first = buy()
    prices = platform_settings.cached_settings()
    with pytest.raises(VersionConflict):
        purchases._create_purchase(
            reseller, platform_settings.quote(12, prices), prices, by=Actor("usr_b"), once=NO_KEY
        )
    assert [row["id"] for row in purchase_fixtures.rows("purchases")] == [first.id]
    assert owner_of(checkout_claim(reseller.id, 12)) == first.id


def test_a_payment_just_before_a_price_change_counts(
    reseller: Reseller, stripe: StripeSimulator
) -> None:
    first = buy()
    set_price(999, 2)
    stripe.pay(first.session_id or "")
    second = buy()
    assert second.id != first.id
    assert reload(first).licenses_granted == 12


def test_the_next_checkout_reuses_the_stripe_customer(
    reseller: Reseller, stripe: StripeSimulator
) -> None:
    first = buy()
    stripe.pay(first.session_id or "")
    settle(first)
    customer = purchase_fixtures.read_reseller().stripe_customer_id
    assert customer == stripe.find("checkout.session", first.session_id or "")["customer"]
    second = buy()
    assert stripe.find("checkout.session", second.session_id or "")["customer"] == customer


def test_a_customer_deleted_at_stripe_is_forgotten(
    reseller: Reseller, stripe: StripeSimulator
) -> None:
    Model.update(reseller, [Reseller.stripe_customer_id.set("cus_gone")])
    bought = buy()
    assert bought.checkout_url
    assert purchase_fixtures.read_reseller().stripe_customer_id is None
    assert len(purchase_fixtures.rows("purchases")) == 1


def test_request_parameters_can_change_between_attempts(
    reseller: Reseller, stripe: StripeSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    stripe.faults.fail(next=3, kind="drop_after", path="/v1/checkout/sessions")
    with pytest.raises(PaymentProviderUnavailable):
        buy()
    monkeypatch.setenv("PUBLIC_URL", "https://moved.example")
    app_settings.settings.cache_clear()
    try:
        bought = buy()
    finally:
        monkeypatch.undo()
        app_settings.settings.cache_clear()
    newest, lost = stripe.all("checkout.session")
    assert bought.session_id == newest["id"]
    run_sweep()  # finds the lost session and expires it
    assert stripe.find("checkout.session", lost["id"])["status"] == "expired"
    assert reload(bought).status == "pending"


def test_an_order_above_stripes_maximum_is_refused(people: People) -> None:
    refused = people.reseller().api.post("/v1/resellers/me/purchases", {"quantity": 100_000})
    assert (refused.status, refused.json["errors"][0]["field"]) == (422, "quantity")
    assert purchase_fixtures.rows("purchases") == []


def test_an_order_below_stripes_minimum_is_refused(people: People, stripe: StripeSimulator) -> None:
    set_price(1, 2)
    buyer = people.reseller()
    for _ in range(2):
        refused = buyer.api.post("/v1/resellers/me/purchases", {"quantity": 1}, key="k")
        assert (refused.status, refused.code) == (422, "invalid_request")
    assert statuses() == ["expired"]


def test_a_quote_includes_a_better_offer(people: People) -> None:
    reply = people.reseller().api.get("/v1/pricing/quote?quantity=9")
    assert reply.json["better_offer"] == {"quantity": 10, "total": 20_000}
