"""Opening a checkout, and everything that can come between it and its payment."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import clock
from chalicelib import settings as house
from chalicelib.domain import pricing
from chalicelib.errors import PaymentProviderUnavailable, VersionConflict
from chalicelib.services import platform, purchases
from chalicelib.services.idempotency import UNKEYED
from chalicelib.services.purchases import buy_licenses, current_purchase
from chalicelib.services.settlement import settle
from chalicelib.services.sweep import sweep
from chalicelib.storage.claims import Claim, owner_of
from chalicelib.storage.platform_settings import PLATFORM, PlatformSettings
from chalicelib.storage.purchases import Purchase, checkout_claim
from chalicelib.storage.resellers import Reseller
from infra.local import damage
from infra.local.stripe_stand_in import StripeStandIn
from tests.support import books
from tests.support.people import People


@pytest.fixture
def reseller(tables: None) -> Reseller:
    return books.open_account()


def buy(quantity: int = 12) -> Purchase:
    return buy_licenses(books.read_account(), quantity, by="usr_b")


def again(purchase: Purchase) -> Purchase:
    return purchases.read_purchase(purchase.reseller_id, purchase.id)


def statuses() -> list[str]:
    return [row["status"] for row in sorted(books.rows("purchases"), key=lambda row: row["id"])]


@pytest.mark.parametrize("fault", ["500", "429", "timeout", "drop_before", "drop_after"])
def test_a_stripe_that_fails_leaves_a_resumable_purchase(
    people: People, stripe: StripeStandIn, fault: Any
) -> None:
    buyer = people.reseller()
    stripe.faults.fail(next=3, kind=fault, path="/v1/checkout/sessions")
    refused = buyer.api.post("/v1/resellers/me/purchases", {"quantity": 3}, key="k")
    assert (refused.status, refused.code) == (502, "payment_provider_unavailable")
    stripe.faults.clear()
    done = buyer.api.post("/v1/resellers/me/purchases", {"quantity": 3}, key="k")
    assert done.status == 201
    assert done.json["checkout_url"]
    assert len(books.rows("purchases")) == len(stripe.all("checkout.session")) == 1
    replayed = buyer.api.post("/v1/resellers/me/purchases", {"quantity": 3}, key="k")
    assert replayed.headers["Idempotent-Replayed"] == "true"
    assert replayed.json == done.json


def test_expiry_frees_the_quantity(reseller: Reseller, stripe: StripeStandIn, frozen: Any) -> None:
    first = buy()
    frozen.advance(timedelta(hours=23, minutes=1))
    second = buy()
    assert first.id != second.id
    assert statuses() == ["expired", "pending"]


def test_a_checkout_that_stripe_still_holds_open_past_its_time_is_closed(
    reseller: Reseller, stripe: StripeStandIn, monkeypatch: pytest.MonkeyPatch, frozen: Any
) -> None:
    from infra.local.stripe_stand_in.moves import checkout

    first = buy()
    monkeypatch.setattr(checkout, "expire_overdue", lambda _account: None)
    frozen.advance(timedelta(hours=23, minutes=1))
    assert buy().id != first.id
    assert stripe.find("checkout.session", first.session_id or "")["status"] == "expired"


@pytest.mark.parametrize("hours", [21.9, 22.1, 23.5, 25])
def test_a_purchase_that_never_got_its_session(
    reseller: Reseller, stripe: StripeStandIn, frozen: Any, hours: float
) -> None:
    stripe.faults.fail(next=3, kind="drop_before")
    with pytest.raises(PaymentProviderUnavailable):
        buy()
    frozen.advance(timedelta(hours=hours))
    assert buy().checkout_url
    assert statuses() == (["pending"] if hours < 22 else ["expired", "pending"])


def set_price(unit_amount: int, version: int) -> None:
    now = clock.now()
    PlatformSettings(
        PLATFORM,
        price_tiers={"tiers": [{"from": 1, "unit_amount": unit_amount}]},
        tiers_version=version,
        created_at=now,
        updated_at=now,
    ).save()
    platform.forget()


def test_a_new_price_closes_the_checkout_at_the_old_one(
    reseller: Reseller, stripe: StripeStandIn
) -> None:
    first = buy()
    set_price(999, 2)
    second = buy()
    assert (second.unit_amount, second.total) == (999, 12 * 999)
    assert stripe.find("checkout.session", first.session_id or "")["status"] == "expired"
    assert statuses() == ["expired", "pending"]


def test_a_price_that_changes_while_an_order_is_taken(
    reseller: Reseller, stripe: StripeStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refund is reckoned by the tiers that the total came of: both are of one moment."""
    quoted = pricing.quote

    def quote(*asked: Any) -> pricing.Quote:
        made = quoted(*asked)
        set_price(999, 2)
        return made

    monkeypatch.setattr(pricing, "quote", quote)
    bought = buy()
    tiers = platform.tiers_of(bought.tiers)
    assert bought.total == pricing.total(12, tiers) == 24_000
    assert bought.tiers_version == 1


@pytest.mark.parametrize("by", ["card", "bank"])
def test_an_order_right_after_a_payment_is_another_order(
    people: People, stripe: StripeStandIn, by: str
) -> None:
    """Nobody has told us of the payment yet."""
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
def test_a_claim_left_behind_is_taken_over(
    people: People, stripe: StripeStandIn, owner: str
) -> None:
    """As tables restored to different moments have it."""
    buyer = people.reseller()
    path, order = "/v1/resellers/me/purchases", {"quantity": 12}
    first = buyer.api.post(path, order).json
    row = purchases.read_purchase(first["reseller_id"], first["id"])
    claim = Claim.get(checkout_claim(row.reseller_id, 12))
    item = damage.stored(claim)
    stripe.pay(row.session_id or "")
    settle(row)
    damage.put(claim, item)
    if owner == "gone":
        damage.remove(row)
    second = buyer.api.post(path, order)
    assert second.status == 201
    assert second.json["id"] != first["id"]
    assert owner_of(claim.name) == second.json["id"]
    assert buyer.api.post(path, order).json == second.json


@pytest.mark.parametrize("hours", [0, 24])
def test_a_checkout_that_stripe_does_not_know_blocks_nobody(
    reseller: Reseller, stripe: StripeStandIn, frozen: Any, hours: int
) -> None:
    """As after the change from Stripe's test mode to live."""
    first = buy()
    damage.edit(first, session_id="cs_test_of_the_other_mode")
    frozen.advance(timedelta(hours=hours))
    assert buy().id != first.id
    assert statuses() == ["expired", "pending"]


def test_a_claim_is_not_taken_from_who_waits_to_be_paid(
    reseller: Reseller, stripe: StripeStandIn
) -> None:
    """Somebody opened a checkout after this request had looked for one: the write refuses."""
    first = buy()
    prices = platform.current()
    with pytest.raises(VersionConflict):
        purchases._start(reseller, platform.quote(12, prices), prices, by="usr_b", once=UNKEYED)
    assert [row["id"] for row in books.rows("purchases")] == [first.id]
    assert owner_of(checkout_claim(reseller.id, 12)) == first.id


def test_paid_at_the_old_price_just_before_the_new_one(
    reseller: Reseller, stripe: StripeStandIn
) -> None:
    first = buy()
    set_price(999, 2)
    stripe.pay(first.session_id or "")
    second = buy()
    assert second.id != first.id
    assert again(first).licenses_granted == 12


def test_the_customer_is_remembered(reseller: Reseller, stripe: StripeStandIn) -> None:
    first = buy()
    stripe.pay(first.session_id or "")
    settle(first)
    customer = books.read_account().stripe_customer_id
    assert customer == stripe.find("checkout.session", first.session_id or "")["customer"]
    second = buy()
    assert stripe.find("checkout.session", second.session_id or "")["customer"] == customer


def test_a_customer_deleted_in_stripe_is_forgotten(
    reseller: Reseller, stripe: StripeStandIn
) -> None:
    reseller.update([Reseller.stripe_customer_id.set("cus_gone")])
    bought = buy()
    assert bought.checkout_url
    assert books.read_account().stripe_customer_id is None
    assert len(books.rows("purchases")) == 1


def test_what_is_asked_of_stripe_may_change_between_two_attempts(
    reseller: Reseller, stripe: StripeStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    stripe.faults.fail(next=3, kind="drop_after", path="/v1/checkout/sessions")
    with pytest.raises(PaymentProviderUnavailable):
        buy()
    monkeypatch.setenv("PUBLIC_URL", "https://moved.example")
    house.settings.cache_clear()
    try:
        bought = buy()
    finally:
        monkeypatch.undo()
        house.settings.cache_clear()
    newest, lost = stripe.all("checkout.session")
    assert bought.session_id == newest["id"]
    sweep()  # finds the one whose answer was lost, and closes it
    assert stripe.find("checkout.session", lost["id"])["status"] == "expired"
    assert again(bought).status == "pending"


def test_an_older_look_written_after_a_newer_one_is_corrected(
    reseller: Reseller, stripe: StripeStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sees a refund; before it writes, the refund fails, and another finds nothing to do."""
    from chalicelib.payments import reports

    purchase = buy()
    stripe.pay(purchase.session_id or "")
    purchase = settle(purchase).purchase
    refund = stripe.refund(purchase.session_id or "", 4_000)
    look = reports.report

    def slow_look(session_id: str) -> reports.SessionReport:
        seen = look(session_id)
        monkeypatch.setattr(reports, "report", look)
        stripe.refund_fails(refund["id"])
        assert not settle(again(purchase)).changed
        return seen

    monkeypatch.setattr(reports, "report", slow_look)
    settle(again(purchase))
    row = again(purchase)
    assert (row.status, row.licenses_granted, row.amount_refunded) == ("paid", 12, 0)
    books.check_invariants()


def test_a_session_made_for_another_is_never_credited(
    reseller: Reseller, stripe: StripeStandIn
) -> None:
    cheap, dear = buy(1), buy(100)
    stripe.pay(cheap.session_id or "")
    dear.update([Purchase.session_id.set(cheap.session_id)])
    settled = settle(again(dear)).purchase
    assert (settled.status, settled.licenses_granted) == ("quarantined", 0)
    assert "was not made for this purchase" in (settled.status_reason or "")


@pytest.fixture
def promotions(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("STRIPE_PROMOTION_CODES", "on")
    house.settings.cache_clear()
    yield
    monkeypatch.undo()
    house.settings.cache_clear()


def test_promoted_to_nothing(reseller: Reseller, stripe: StripeStandIn, promotions: None) -> None:
    purchase = buy()
    stripe.pay(purchase.session_id or "", promotion_code="FREE100")
    row = settle(purchase).purchase
    assert (row.status, row.licenses_granted, row.amount_paid) == ("paid", 12, 0)
    assert row.payment_intent_id is None


def test_no_order_beyond_what_stripe_takes(people: People) -> None:
    refused = people.reseller().api.post("/v1/resellers/me/purchases", {"quantity": 100_000})
    assert (refused.status, refused.json["errors"][0]["field"]) == (422, "quantity")
    assert books.rows("purchases") == []


def test_an_order_below_what_stripe_takes(people: People, stripe: StripeStandIn) -> None:
    set_price(1, 2)
    buyer = people.reseller()
    for _ in range(2):
        refused = buyer.api.post("/v1/resellers/me/purchases", {"quantity": 1}, key="k")
        assert (refused.status, refused.code) == (422, "invalid_request")
    assert statuses() == ["expired"]


def test_links_are_kept_and_the_time_is_stripes(
    reseller: Reseller, stripe: StripeStandIn, frozen: Any
) -> None:
    purchase = buy()
    stripe.pay(purchase.session_id or "")
    paid_at = frozen.now().replace(microsecond=0)
    frozen.advance(timedelta(days=2))
    row = settle(purchase).purchase
    assert row.receipt_url
    assert row.invoice_url
    assert row.paid_at == paid_at


def test_an_invoice_that_comes_late_is_waited_for(
    reseller: Reseller, stripe: StripeStandIn, frozen: Any
) -> None:
    purchase = buy()
    stripe.pay(purchase.session_id or "")
    session = stripe.find("checkout.session", purchase.session_id or "")
    stripe._account.change(session, invoice=None)
    row = settle(purchase).purchase
    assert row.status == "paid"
    assert row.invoice_url is None
    sweep()
    stripe._account.change(session, invoice=session["invoice"])
    frozen.advance(timedelta(minutes=15))
    sweep()
    assert again(purchase).invoice_url
    assert again(purchase).unsettled is None


def test_looking_settles_what_waits(reseller: Reseller, stripe: StripeStandIn) -> None:
    def seen(purchase: Purchase) -> tuple[str, bool]:
        found, asked = current_purchase(reseller.id, purchase.id)
        return found.status, asked

    card, delayed, declined = buy(1), buy(2), buy(3)
    assert seen(card) == ("pending", True)
    stripe.pay(card.session_id or "")
    stripe.faults.fail(next=3, kind="drop_before")
    assert seen(card) == ("pending", False)
    assert seen(card) == ("paid", True)
    for purchase, status in ((delayed, "paid"), (declined, "failed")):
        stripe.pay_later(purchase.session_id or "")
        assert seen(purchase) == ("processing", True)
        stripe_says = stripe.bank_confirms if status == "paid" else stripe.bank_declines
        stripe_says(purchase.session_id or "")
        assert seen(purchase) == (status, True)


def test_reading_it_settles_what_waits(people: People, stripe: StripeStandIn) -> None:
    buyer = people.reseller()
    bought = buyer.api.post("/v1/resellers/me/purchases", {"quantity": 12}).json
    stripe.pay(bought["checkout_url"].rsplit("/", 1)[1])
    path = f"/v1/resellers/me/purchases/{bought['id']}"
    stripe.faults.fail(next=3, kind="500")
    assert buyer.api.get(path).json["status"] == "pending"
    assert buyer.api.get(path).json["status"] == "paid"
    success = stripe.all("checkout.session")[0]["success_url"]
    assert success.endswith(f"/reseller/licenses/return?purchase={bought['id']}")


def test_every_quote_tells_of_a_better_offer(people: People) -> None:
    reply = people.reseller().api.get("/v1/pricing/quote?quantity=9")
    assert reply.json["better_offer"] == {"quantity": 10, "total": 20_000}
