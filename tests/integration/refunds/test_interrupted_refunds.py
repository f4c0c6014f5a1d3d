"""Refunds without a response from Stripe are never paid twice, never lost, and never paid late."""

import re
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.payments import refunds as payments_refunds
from chalicelib.payments.refunds import PaymentRefunds
from chalicelib.services.refunds import execution
from chalicelib.services.stripe_sync.sweep import run_sweep
from chalicelib.storage.purchases import Purchase
from infra.local.stripe_simulator import StripeSimulator
from infra.local.stripe_simulator.faults import FaultKind
from tests.conftest import TestClock
from tests.support import purchase_fixtures
from tests.support.page_client import signed_in
from tests.support.people import People
from tests.support.purchases import Sale


@pytest.fixture
def sale(people: People, stripe: StripeSimulator) -> Sale:
    return Sale(people, stripe, quantity=20)


def break_refunds(stripe: StripeSimulator, kind: FaultKind = "500") -> None:
    """Make every attempt of the next refund request to Stripe fail."""
    stripe.faults.fail(next=3, kind=kind, method="POST", path="/v1/refunds")


def amounts(stripe: StripeSimulator) -> list[int]:
    return [refund["amount"] for refund in stripe.all("refund")]


@pytest.mark.parametrize("fault", ["500", "timeout"])
@pytest.mark.parametrize("key", ["first", "second", None])
def test_repeating_the_request_resumes_the_refund(
    sale: Sale, stripe: StripeSimulator, fault: FaultKind, key: str | None
) -> None:
    break_refunds(stripe, fault)
    failed = sale.refund(5, key="first")
    assert failed.status == 502
    assert "stays open" in failed.json["detail"]
    quote = sale.quote(5).json
    assert (quote["licenses"], quote["kept"], quote["amount"]) == (5, 15, 10_000)
    done = sale.refund(5, key=key, fields={"amount": 10_000, "kept": 15})
    assert done.status == (201 if key != "first" else 422), done.text
    if key == "first":
        done = sale.refund(5, key="first")
    assert [r["state"] for r in done.json["refunds"]] == ["done"]
    assert (sale.licenses(), amounts(stripe)) == (15, [10_000])
    replayed = sale.refund(5, key="first")
    assert (replayed.status, amounts(stripe)) == (201, [10_000])
    purchase_fixtures.check_invariants()


def test_a_second_key_is_bound_to_the_refund_it_resumed(
    sale: Sale, stripe: StripeSimulator
) -> None:
    for key in ("first", "second"):
        break_refunds(stripe)
        assert sale.refund(5, key=key).status == 502
    run_sweep()
    assert amounts(stripe) == [10_000]
    assert sale.refund(5, key="second").status == 201
    assert (sale.licenses(), amounts(stripe)) == (15, [10_000])


def test_a_different_refund_is_refused_while_one_is_in_progress(
    sale: Sale, stripe: StripeSimulator
) -> None:
    break_refunds(stripe)
    assert sale.refund(5).status == 502
    for refused in (sale.refund(6), sale.quote(6), sale.refund(5, fields={"reason": "Other"})):
        assert refused.status == 422
        assert "5 licenses is already in progress" in refused.json["errors"][0]["message"]
    changed = sale.refund(5, fields={"amount": 9_000})
    assert (changed.status, changed.json["errors"][0]["field"]) == (422, "amount")
    assert amounts(stripe) == []
    run_sweep()
    assert sale.refund(6).status == 201
    assert (sale.licenses(), amounts(stripe)) == (9, [7_500, 10_000])


def test_an_outdated_form_with_the_same_amount_is_refused(
    sale: Sale, stripe: StripeSimulator
) -> None:
    """Both forms show the same amount, but the second was opened before the first refund."""
    shown = {"amount": 10_000, "kept": 15}
    assert sale.refund(5, key="one", fields=shown).status == 201
    refused = sale.refund(5, key="other", fields=shown)
    assert (refused.status, refused.json["errors"][0]["field"]) == (422, "kept")
    assert amounts(stripe) == [10_000]


def test_an_admin_resumes_a_refund_on_the_pages(sale: Sale, stripe: StripeSimulator) -> None:
    client = signed_in(sale.admin)
    where = f"/admin/purchases/{sale.id}"
    break_refunds(stripe)
    fresh = client.get(f"{where}/refund?licenses=5&reason=Too+many")
    failed = client.submit(fresh, "/refund")
    assert failed.status == 502
    assert "stays open" in failed.text
    assert "Review refund" not in failed.text
    again = client.get(f"{where}/refund?licenses=9&reason=Another")
    assert "under way" in again.text
    assert "Too many" in again.text
    other_tab = client.get(f"{where}/refund?licenses=5&reason=Too+many")
    done = client.follow(client.submit(again, "/refund"))
    assert "5 licenses refunded." in done.text
    late = client.submit(other_tab, "/refund")
    assert late.status == 422
    assert re.search("would leave 10 licenses now, not 15", late.text)
    assert (sale.licenses(), amounts(stripe)) == (15, [10_000])


def test_the_refusal_names_the_refund_in_progress(sale: Sale, stripe: StripeSimulator) -> None:
    client = signed_in(sale.admin)
    where = f"/admin/purchases/{sale.id}"
    other = client.get(f"{where}/refund?licenses=6&reason=Another")
    break_refunds(stripe)
    assert sale.refund(5, key="r").status == 502
    refused = sale.refund(6)
    assert (refused.status, refused.json["errors"][0]["field"]) == (422, "purchase")
    assert "5 licenses is already in progress" in refused.json["errors"][0]["message"]
    shown = client.submit(other, "/refund")
    assert shown.status == 422
    assert "A refund of 5 licenses is already in progress ($100.00, “Too many”)" in shown.text
    assert f'href="{where}/refund"' in shown.text
    assert amounts(stripe) == []


def test_a_dashboard_refund_in_the_meantime_closes_the_open_one(
    sale: Sale, stripe: StripeSimulator
) -> None:
    break_refunds(stripe)
    assert sale.refund(5, key="r").status == 502
    stripe.refund(sale.session_id, 10_000)
    report = run_sweep()
    assert report.failed == 0
    row = sale.row()
    (intent,) = row.refund_list
    assert (intent.state, row.amount_refunded) == ("refused", 10_000)
    assert row.unsettled is None
    assert "in the meantime" in str(intent.note)
    assert (sale.licenses(), amounts(stripe)) == (15, [10_000])
    refused = sale.refund(5, key="r")
    assert (refused.status, refused.json["errors"][0]["message"]) == (422, intent.note)
    assert sale.refund(5).status == 201
    assert (sale.licenses(), amounts(stripe)) == (10, [10_000, 10_000])


def test_repeating_the_request_after_a_dashboard_refund_is_refused(
    sale: Sale, stripe: StripeSimulator
) -> None:
    break_refunds(stripe)
    assert sale.refund(5, key="r").status == 502
    stripe.refund(sale.session_id, 10_000)
    assert sale.refund(5, key="r").status == 422
    assert (sale.licenses(), amounts(stripe)) == (15, [10_000])
    assert sale.row().unsettled is None


@pytest.mark.parametrize("fault", ["500", "429", "timeout", "drop_before", "drop_after"])
def test_a_refund_is_not_paid_after_a_day(
    sale: Sale, stripe: StripeSimulator, frozen: TestClock, fault: FaultKind
) -> None:
    """Fixing an API key weeks later must not pay the refund.

    By then, the refund may have been handled another way, and Stripe has forgotten its idempotency
    key.
    """
    break_refunds(stripe, fault)
    assert sale.refund(5, key="r").status == 502
    frozen.advance(timedelta(hours=25))
    run_sweep()
    row = sale.row()
    (intent,) = row.refund_list
    made = fault in ("timeout", "drop_after")
    assert amounts(stripe) == ([10_000] if made else [])
    assert (intent.state, row.licenses_granted) == (("done", 15) if made else ("refused", 20))
    assert row.unsettled is None
    purchase_fixtures.check_invariants()


def test_a_refund_that_fails_later_is_marked_failed(sale: Sale, stripe: StripeSimulator) -> None:
    assert sale.refund(5, key="r").json["refunds"][0]["state"] == "done"
    (made,) = stripe.all("refund")
    assert [r.stripe_id for r in sale.row().refund_list] == [made["id"]]
    stripe.refund_fails(made["id"])
    settled = sale.admin.api.post(f"{sale.path}/settle").json
    (entry,) = settled["refunds"]
    assert (entry["state"], settled["licenses_granted"]) == ("failed", 20)
    assert "came back" in entry["note"]
    assert sale.row().unsettled is None
    assert sale.refund(5, key="again").status == 201
    assert [r.state for r in sale.row().refund_list] == ["failed", "done"]
    assert sale.licenses() == 15


def test_a_slow_request_with_outdated_data_does_not_pay_twice(
    sale: Sale, stripe: StripeSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stripe rejected our API key for a while.

    A request that found no refund during that time, and continues after another request issued the
    refund, uses the same idempotency key.
    """
    rows: list[Purchase] = []
    handle = stripe.handle

    def refuse(method: str, path: str, *rest: Any) -> Any:
        if (method, path) != ("POST", "/v1/refunds"):
            return handle(method, path, *rest)
        rows.append(sale.row())
        with monkeypatch.context() as wrong:
            wrong.setattr(stripe, "_api_key", "sk_test_another")
            return handle(method, path, *rest)

    with monkeypatch.context() as wrong:
        wrong.setattr(stripe, "handle", refuse)
        assert sale.refund(5, key="r").status == 502
    run_sweep()
    assert amounts(stripe) == [10_000]
    monkeypatch.setattr(
        payments_refunds, "read_payment_refunds", lambda *_: PaymentRefunds(None, 0)
    )
    (stale_row, *_) = rows
    assert stale_row.open_refund is not None
    execution.execute_refund(stale_row, stale_row.open_refund)
    assert amounts(stripe) == [10_000]
