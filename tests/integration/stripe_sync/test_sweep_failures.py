"""Failures during a sweep: they don't stop the other purchases, and they are retried."""

from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest

from chalicelib.errors import Busy, PaymentProviderRefused, PaymentProviderUnavailable
from chalicelib.payments import listings
from chalicelib.services.purchases.settlement import SettleResult, settle
from chalicelib.services.stripe_sync import sweep
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.transactions import Transaction
from infra.local import table_edits
from infra.local.stripe_simulator import StripeSimulator
from tests.support import purchase_fixtures
from tests.support.purchase_fixtures import pay_unnoticed, total_granted


@pytest.fixture
def reseller(tables: None) -> Reseller:
    return purchase_fixtures.create_reseller()


def test_one_failure_does_not_stop_the_rest(reseller: Reseller, stripe: StripeSimulator) -> None:
    first, _ = pay_unnoticed(stripe, 1, 2)
    stripe.faults.fail(next=3, kind="500", path=f"/v1/checkout/sessions/{first.session_id}")
    report = sweep.run_sweep()
    assert (report.failed, total_granted()) == (1, 2)
    assert sweep.run_sweep().failed == 0
    assert total_granted() == 3


def test_a_failure_on_a_settled_purchase_is_retried(
    reseller: Reseller, stripe: StripeSimulator, frozen: Any
) -> None:
    (purchase,) = pay_unnoticed(stripe, 12)
    sweep.run_sweep()
    stripe.refund(purchase.session_id or "")
    stripe.faults.fail(next=3, kind="500", path=f"/v1/checkout/sessions/{purchase.session_id}")
    sweep.run_sweep()
    frozen.advance(timedelta(days=40))  # past the window and past Stripe's event retention
    sweep.run_sweep()
    assert total_granted() == 0


def test_a_session_missing_from_the_row_is_retried(
    reseller: Reseller, stripe: StripeSimulator, frozen: Any
) -> None:
    """The window moves past the session, so only the purchase's row can lead to it again."""
    (purchase,) = pay_unnoticed(stripe, 12)
    table_edits.edit(purchase, session_id=None, checkout_url=None)
    stripe.faults.fail(next=3, kind="500", path=f"/v1/checkout/sessions/{purchase.session_id}")
    assert sweep.run_sweep().failed == 1
    frozen.advance(timedelta(days=40))
    assert sweep.run_sweep().licenses_moved == 12
    row = Purchase.get(purchase.reseller_id, purchase.id)
    assert (row.status, row.session_id) == ("paid", purchase.session_id)
    assert row.other_sessions is None


def test_a_failure_on_an_open_checkout_is_retried(
    reseller: Reseller, stripe: StripeSimulator, frozen: Any
) -> None:
    (purchase,) = pay_unnoticed(stripe, 12)
    stripe.faults.fail(next=3, kind="500", path=f"/v1/checkout/sessions/{purchase.session_id}")
    assert sweep.run_sweep().failed == 1
    frozen.advance(timedelta(minutes=15))  # past the window
    sweep.run_sweep()
    assert total_granted() == 12


def test_a_deleted_row_does_not_stop_the_rest(
    reseller: Reseller, stripe: StripeSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _, _ = pay_unnoticed(stripe, 1, 2, 3)

    def delete_then_settle(purchase: Purchase, **options: Any) -> SettleResult:
        if purchase.id == first.id:
            table_edits.remove(first)
        return settle(purchase, **options)

    monkeypatch.setattr(sweep, "settle", delete_then_settle)
    report = sweep.run_sweep()
    assert (report.failed, report.finished) == (1, True)
    assert [row["licenses_granted"] for row in purchase_fixtures.rows("purchases")] == [2, 3]


def test_an_event_without_a_session_does_not_stop_the_rest(
    reseller: Reseller, stripe: StripeSimulator, monkeypatch: pytest.MonkeyPatch, frozen: Any
) -> None:
    """Stripe permanently refuses to return the session that a payment belongs to."""
    elsewhere = pay_unnoticed(stripe, 1)[0]
    settle(elsewhere)
    stripe.open_dispute(elsewhere.session_id or "")
    frozen.advance(timedelta(seconds=1))
    pay_unnoticed(stripe, 12)
    refusal = PaymentProviderRefused(
        "No such payment", provider_code="resource_missing", permanent=True
    )
    monkeypatch.setattr(listings, "session_of_payment", Mock(side_effect=refusal))
    report = sweep.run_sweep()
    assert (report.finished, report.failed) == (True, 1)
    assert total_granted() == 12


def test_the_window_does_not_advance_past_an_unrecorded_failure(
    reseller: Reseller, stripe: StripeSimulator, monkeypatch: pytest.MonkeyPatch, frozen: Any
) -> None:
    """Stripe and the database fail together, so the next sweep lists the same records again."""
    (purchase,) = pay_unnoticed(stripe, 12)
    stripe.faults.fail(next=3, kind="500", path=f"/v1/checkout/sessions/{purchase.session_id}")
    with monkeypatch.context() as unavailable:
        busy = Mock(side_effect=Busy)
        unavailable.setattr(Transaction, "commit", busy)
        with pytest.raises(Busy):
            sweep.run_sweep()
    frozen.advance(timedelta(minutes=15))
    sweep.run_sweep()
    assert total_granted() == 12


def test_the_index_is_swept_even_if_stripes_lists_fail(
    reseller: Reseller, stripe: StripeSimulator, frozen: Any
) -> None:
    (bought,) = pay_unnoticed(stripe, 12, how=stripe.pay_later)
    settle(bought)
    stripe.bank_confirms(bought.session_id or "")
    stripe.faults.fail(next=3, kind="500", path="/v1/events")
    with pytest.raises(PaymentProviderUnavailable):
        sweep.run_sweep()
    (purchase,) = purchase_fixtures.rows("purchases")
    assert purchase["licenses_granted"] == 12  # found by the index, without Stripe's lists
    stripe.refund(purchase["session_id"])
    sweep.run_sweep()
    assert total_granted() == 0
