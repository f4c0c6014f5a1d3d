"""Checkout Sessions: payment, decline, delayed payment, promotion codes, and expiry."""

from __future__ import annotations

import pytest
import stripe

from infra.local.stripe_simulator import InvalidAction, StripeSimulator
from tests.unit.stripe_simulator.shop import Shop


def test_paying_by_card_completes_the_session(shop: Shop) -> None:
    session = shop.create_session(payment_intent_data={"metadata": {"purchase": "pur_1"}})
    assert (session.status, session.payment_status, session.payment_intent) == (
        "open",
        "unpaid",
        None,
    )
    shop.simulator.pay(session.id, email="ada@example.com")
    paid = shop.retrieve(session.id)
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert paid.customer_details.email == "ada@example.com"
    intent = paid.payment_intent
    assert (intent.status, intent.amount_received) == ("succeeded", 20_000)
    assert intent.metadata.to_dict() == {"purchase": "pur_1"}
    assert intent.latest_charge.receipt_url.endswith(f"/pay/receipts/{intent.latest_charge.id}")
    assert shop.event_types() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


def test_a_paid_session_creates_an_invoice_for_its_customer(shop: Shop) -> None:
    session = shop.paid_session(invoice_creation={"enabled": True}, customer_email="a@b.example")
    assert session.customer.email == "a@b.example"
    invoice = shop.stripe.v1.invoices.retrieve(session.invoice.id)
    assert (invoice.status, invoice.amount_paid, invoice.customer) == (
        "paid",
        20_000,
        session.customer.id,
    )
    assert invoice.invoice_pdf == f"{invoice.hosted_invoice_url}/pdf"
    assert shop.event_types("invoice", "customer") == ["customer.created", "invoice.paid"]


def test_a_guest_checkout_creates_no_customer(shop: Shop) -> None:
    assert shop.paid_session().customer is None


def test_a_declined_card_leaves_the_session_open(shop: Shop) -> None:
    session = shop.create_session()
    shop.simulator.decline_card(session.id)
    declined = shop.retrieve(session.id)
    assert (declined.status, declined.payment_status) == ("open", "unpaid")
    assert declined.payment_intent.status == "requires_payment_method"
    assert declined.payment_intent.last_payment_error.code == "card_declined"
    assert declined.payment_intent.latest_charge.status == "failed"
    shop.simulator.pay(session.id)
    paid = shop.retrieve(session.id)
    assert paid.payment_intent.id == declined.payment_intent.id
    assert (paid.payment_status, paid.payment_intent.last_payment_error) == ("paid", None)
    assert "payment_intent.payment_failed" in shop.event_types()


def test_a_delayed_payment_succeeds_when_the_bank_confirms(shop: Shop) -> None:
    session = shop.create_session(invoice_creation={"enabled": True})
    shop.simulator.pay_later(session.id)
    waiting = shop.retrieve(session.id)
    assert (waiting.status, waiting.payment_status) == ("complete", "unpaid")
    assert (waiting.payment_intent.status, waiting.invoice) == ("processing", None)
    shop.simulator.bank_confirms(session.id)
    paid = shop.retrieve(session.id)
    assert (paid.payment_status, paid.invoice.amount_paid) == ("paid", 20_000)
    assert shop.event_types("checkout") == [
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
    ]


def test_a_delayed_payment_fails_when_the_bank_declines(shop: Shop) -> None:
    session = shop.create_session()
    shop.simulator.pay_later(session.id)
    shop.simulator.bank_declines(session.id)
    failed = shop.retrieve(session.id)
    assert (failed.status, failed.payment_status) == ("complete", "unpaid")
    assert failed.payment_intent.status == "requires_payment_method"
    assert shop.event_types("checkout")[-1] == "checkout.session.async_payment_failed"


def test_a_session_with_a_zero_total_completes_without_a_payment(shop: Shop) -> None:
    session = shop.create_session(allow_promotion_codes=True)
    shop.simulator.pay(session.id, promotion_code="free100")
    done = shop.retrieve(session.id)
    assert (done.amount_subtotal, done.amount_total) == (20_000, 0)
    assert (done.status, done.payment_status) == ("complete", "no_payment_required")
    assert done.payment_intent is None
    assert done.customer is not None  # Checkout always creates a customer for a no-cost order


def test_a_promotion_code_reduces_the_total(shop: Shop) -> None:
    shop.simulator.add_promotion_code("quarter", 25)
    session = shop.create_session(allow_promotion_codes=True)
    shop.simulator.pay(session.id, promotion_code="QUARTER")
    paid = shop.retrieve(session.id)
    assert (paid.amount_total, paid.total_details.amount_discount) == (15_000, 5_000)
    assert paid.payment_intent.amount == 15_000
    assert paid.line_items.data[0].amount_discount == 5_000


def test_a_promotion_code_is_refused_unless_the_session_allows_codes(shop: Shop) -> None:
    session = shop.create_session()
    with pytest.raises(InvalidAction, match="does not accept promotion codes"):
        shop.simulator.pay(session.id, promotion_code="FREE100")
    shop.simulator.pay_nothing(session.id)
    assert shop.retrieve(session.id).amount_total == 0


def test_the_merchant_can_expire_an_open_session_once(shop: Shop) -> None:
    session = shop.create_session()
    shop.simulator.decline_card(session.id)
    expired = shop.stripe.v1.checkout.sessions.expire(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    assert shop.retrieve(session.id).payment_intent.status == "canceled"
    with pytest.raises(stripe.InvalidRequestError, match="has a status of `expired`"):
        shop.stripe.v1.checkout.sessions.expire(session.id)


def test_a_session_expires_at_its_expires_at(shop: Shop) -> None:
    short = shop.create_session(expires_at=int(shop.clock()) + 1800)
    long = shop.create_session()
    shop.clock.advance(seconds=1799)
    assert shop.retrieve(short.id).status == "open"
    shop.clock.advance(seconds=1)
    assert shop.retrieve(short.id).status == "expired"
    assert shop.retrieve(long.id).status == "open"
    assert shop.event_types() == ["checkout.session.expired"]
    with pytest.raises(InvalidAction, match="is expired, not open"):
        shop.simulator.pay(short.id)


@pytest.mark.parametrize("action", ["pay", "pay_later", "decline_card", "pay_nothing", "expire"])
def test_a_complete_session_refuses_further_actions(shop: Shop, action: str) -> None:
    session = shop.paid_session()
    with pytest.raises(InvalidAction, match="is complete, not open"):
        getattr(shop.simulator, action)(session.id)


@pytest.mark.parametrize("action", ["bank_confirms", "bank_declines"])
def test_a_bank_cannot_act_on_a_card_payment(shop: Shop, action: str) -> None:
    session = shop.paid_session()
    with pytest.raises(InvalidAction, match="is not waiting for a bank"):
        getattr(shop.simulator, action)(session.id)


def test_a_delayed_payment_is_refused_if_the_session_accepts_only_cards(shop: Shop) -> None:
    session = shop.create_session(payment_method_types=["card"])
    with pytest.raises(InvalidAction, match="accepts only"):
        shop.simulator.pay_later(session.id)


def test_an_event_keeps_the_object_as_it_was(shop: Shop) -> None:
    session = shop.paid_session()
    shop.simulator.refund(session.id)
    (succeeded,) = shop.simulator.events("charge.succeeded")
    assert succeeded["data"]["object"]["amount_refunded"] == 0


def test_an_event_records_the_api_request_that_caused_it(shop: Shop) -> None:
    session = shop.paid_session()
    params = {"payment_intent": session.payment_intent.id}
    shop.stripe.v1.refunds.create(params, {"idempotency_key": "once"})  # type: ignore[arg-type]
    (created,) = shop.simulator.events("refund.created")
    assert created["request"]["idempotency_key"] == "once"
    (completed,) = shop.simulator.events("checkout.session.completed")
    assert completed["request"] == {"id": None, "idempotency_key": None}


def test_the_same_seed_produces_the_same_ids() -> None:
    first, second = Shop(), Shop()
    assert first.paid_session().payment_intent.id == second.paid_session().payment_intent.id
    other = Shop()
    other.simulator = StripeSimulator(api_key="k", seed="another")
    assert other.simulator._account.new_id("x") != first.simulator._account.new_id("x")
