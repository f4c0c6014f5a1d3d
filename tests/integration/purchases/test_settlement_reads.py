"""What settling a purchase reads from Stripe, and what it writes to the tables."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pynamodb.models import Model

from chalicelib import settings as app_settings
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


def test_a_stale_snapshot_written_after_a_newer_one_is_corrected(
    reseller: Reseller, stripe: StripeSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One caller reads a refund from Stripe.

    Before it writes, the refund fails, and another caller finds nothing to do.
    """
    purchase = buy()
    stripe.pay(purchase.session_id or "")
    purchase = settle(purchase).purchase
    refund = stripe.refund(purchase.session_id or "", 4_000)
    fetch = reports.fetch_session

    def slow_fetch(session_id: str) -> reports.SessionReport:
        report = fetch(session_id)
        monkeypatch.setattr(reports, "fetch_session", fetch)
        stripe.refund_fails(refund["id"])
        assert not settle(reload(purchase)).changed
        return report

    monkeypatch.setattr(reports, "fetch_session", slow_fetch)
    settle(reload(purchase))
    row = reload(purchase)
    assert (row.status, row.licenses_granted, row.amount_refunded) == ("paid", 12, 0)
    purchase_fixtures.check_invariants()


def test_the_session_of_another_purchase_is_never_credited(
    reseller: Reseller, stripe: StripeSimulator
) -> None:
    cheap, dear = buy(1), buy(100)
    stripe.pay(cheap.session_id or "")
    Model.update(dear, [Purchase.session_id.set(cheap.session_id)])
    settled = settle(reload(dear)).purchase
    assert (settled.status, settled.licenses_granted) == ("quarantined", 0)
    assert "was not created for this purchase" in (settled.status_reason or "")


@pytest.fixture
def promotions(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("STRIPE_PROMOTION_CODES", "on")
    app_settings.settings.cache_clear()
    yield
    monkeypatch.undo()
    app_settings.settings.cache_clear()


def test_a_purchase_that_a_promotion_made_free_is_granted(
    reseller: Reseller, stripe: StripeSimulator, promotions: None
) -> None:
    purchase = buy()
    stripe.pay(purchase.session_id or "", promotion_code="FREE100")
    row = settle(purchase).purchase
    assert (row.status, row.licenses_granted, row.amount_paid) == ("paid", 12, 0)
    assert row.payment_intent_id is None


def test_links_are_stored_and_paid_at_is_stripes_time(
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


def test_the_sweep_finds_an_invoice_that_is_created_late(
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


def test_current_purchase_settles_a_waiting_purchase(
    reseller: Reseller, stripe: StripeSimulator
) -> None:
    def read_status(purchase: Purchase) -> tuple[str, bool]:
        found, is_current = current_purchase(reseller.id, purchase.id)
        return found.status, is_current

    card, delayed, declined = buy(1), buy(2), buy(3)
    assert read_status(card) == ("pending", True)
    stripe.pay(card.session_id or "")
    stripe.faults.fail(next=3, kind="drop_before")
    assert read_status(card) == ("pending", False)
    assert read_status(card) == ("paid", True)
    for purchase, status in ((delayed, "paid"), (declined, "failed")):
        stripe.pay_later(purchase.session_id or "")
        assert read_status(purchase) == ("processing", True)
        stripe_says = stripe.bank_confirms if status == "paid" else stripe.bank_declines
        stripe_says(purchase.session_id or "")
        assert read_status(purchase) == (status, True)


def test_reading_a_waiting_purchase_through_the_api_settles_it(
    people: People, stripe: StripeSimulator
) -> None:
    buyer = people.reseller()
    bought = buyer.api.post("/v1/resellers/me/purchases", {"quantity": 12}).json
    stripe.pay(bought["checkout_url"].rsplit("/", 1)[1])
    path = f"/v1/resellers/me/purchases/{bought['id']}"
    stripe.faults.fail(next=3, kind="500")
    assert buyer.api.get(path).json["status"] == "pending"
    assert buyer.api.get(path).json["status"] == "paid"
    success = stripe.all("checkout.session")[0]["success_url"]
    assert success.endswith(f"/reseller/licenses/return?purchase={bought['id']}")
