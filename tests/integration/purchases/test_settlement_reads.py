"""What a look at a purchase finds at Stripe, and what it writes down."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import settings as house
from chalicelib.payments import reports
from chalicelib.services.purchases.checkout import current_purchase
from chalicelib.services.purchases.settlement import settle
from chalicelib.services.stripe_sync.sweep import run_sweep
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.resellers import Reseller
from infra.local.stripe_simulator import StripeSimulator
from tests.support import purchase_fixtures
from tests.support.people import People
from tests.support.purchase_fixtures import buy, reload


@pytest.fixture
def reseller(tables: None) -> Reseller:
    return purchase_fixtures.create_reseller()


def test_an_older_look_written_after_a_newer_one_is_corrected(
    reseller: Reseller, stripe: StripeSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sees a refund; before it writes, the refund fails, and another finds nothing to do."""
    purchase = buy()
    stripe.pay(purchase.session_id or "")
    purchase = settle(purchase).purchase
    refund = stripe.refund(purchase.session_id or "", 4_000)
    look = reports.fetch_session

    def slow_look(session_id: str) -> reports.SessionReport:
        seen = look(session_id)
        monkeypatch.setattr(reports, "fetch_session", look)
        stripe.refund_fails(refund["id"])
        assert not settle(reload(purchase)).changed
        return seen

    monkeypatch.setattr(reports, "fetch_session", slow_look)
    settle(reload(purchase))
    row = reload(purchase)
    assert (row.status, row.licenses_granted, row.amount_refunded) == ("paid", 12, 0)
    purchase_fixtures.check_invariants()


def test_a_session_made_for_another_is_never_credited(
    reseller: Reseller, stripe: StripeSimulator
) -> None:
    cheap, dear = buy(1), buy(100)
    stripe.pay(cheap.session_id or "")
    dear.update([Purchase.session_id.set(cheap.session_id)])
    settled = settle(reload(dear)).purchase
    assert (settled.status, settled.licenses_granted) == ("quarantined", 0)
    assert "was not made for this purchase" in (settled.status_reason or "")


@pytest.fixture
def promotions(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("STRIPE_PROMOTION_CODES", "on")
    house.settings.cache_clear()
    yield
    monkeypatch.undo()
    house.settings.cache_clear()


def test_promoted_to_nothing(reseller: Reseller, stripe: StripeSimulator, promotions: None) -> None:
    purchase = buy()
    stripe.pay(purchase.session_id or "", promotion_code="FREE100")
    row = settle(purchase).purchase
    assert (row.status, row.licenses_granted, row.amount_paid) == ("paid", 12, 0)
    assert row.payment_intent_id is None


def test_links_are_kept_and_the_time_is_stripes(
    reseller: Reseller, stripe: StripeSimulator, frozen: Any
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
    reseller: Reseller, stripe: StripeSimulator, frozen: Any
) -> None:
    purchase = buy()
    stripe.pay(purchase.session_id or "")
    session = stripe.find("checkout.session", purchase.session_id or "")
    stripe._account.change(session, invoice=None)
    row = settle(purchase).purchase
    assert row.status == "paid"
    assert row.invoice_url is None
    run_sweep()
    stripe._account.change(session, invoice=session["invoice"])
    frozen.advance(timedelta(minutes=15))
    run_sweep()
    assert reload(purchase).invoice_url
    assert reload(purchase).unsettled is None


def test_looking_settles_what_waits(reseller: Reseller, stripe: StripeSimulator) -> None:
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


def test_reading_it_settles_what_waits(people: People, stripe: StripeSimulator) -> None:
    buyer = people.reseller()
    bought = buyer.api.post("/v1/resellers/me/purchases", {"quantity": 12}).json
    stripe.pay(bought["checkout_url"].rsplit("/", 1)[1])
    path = f"/v1/resellers/me/purchases/{bought['id']}"
    stripe.faults.fail(next=3, kind="500")
    assert buyer.api.get(path).json["status"] == "pending"
    assert buyer.api.get(path).json["status"] == "paid"
    success = stripe.all("checkout.session")[0]["success_url"]
    assert success.endswith(f"/reseller/licenses/return?purchase={bought['id']}")
