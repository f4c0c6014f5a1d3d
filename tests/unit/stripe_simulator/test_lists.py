"""Lists: order, filters, and pages."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.unit.stripe_simulator.shop import Shop


@pytest.fixture
def ids(shop: Shop) -> list[str]:
    """Create five sessions, a minute apart, and return their IDs, newest first."""
    created = []
    for _ in range(5):
        created.append(shop.create_session().id)
        shop.clock.advance(seconds=60)
    return created[::-1]


def list_sessions(shop: Shop, **params: Any) -> tuple[list[str], bool]:
    page = shop.stripe.v1.checkout.sessions.list(params)  # type: ignore[arg-type]
    return [session.id for session in page.data], page.has_more


def test_pages_go_in_both_directions(shop: Shop, ids: list[str]) -> None:
    assert list_sessions(shop, limit=2) == (ids[:2], True)
    assert list_sessions(shop, limit=2, starting_after=ids[1]) == (ids[2:4], True)
    assert list_sessions(shop, limit=2, starting_after=ids[3]) == (ids[4:], False)
    assert list_sessions(shop, limit=2, ending_before=ids[4]) == (ids[2:4], True)
    assert list_sessions(shop, limit=2, ending_before=ids[2]) == (ids[:2], False)


def test_the_sdk_reads_all_pages(shop: Shop, ids: list[str]) -> None:
    page = shop.stripe.v1.checkout.sessions.list({"limit": 2})
    assert [session.id for session in page.auto_paging_iter()] == ids


def test_filter_by_creation_time(shop: Shop, ids: list[str]) -> None:
    start = 1_790_000_000
    assert list_sessions(shop, created={"gte": start + 180}) == (ids[:2], False)
    assert list_sessions(shop, created={"gt": start + 180}) == (ids[:1], False)
    assert list_sessions(shop, created={"lt": start + 60}) == (ids[4:], False)
    assert list_sessions(shop, created=start) == (ids[4:], False)


def test_filter_by_status_and_payment_intent(shop: Shop, ids: list[str]) -> None:
    shop.simulator.expire(ids[0])
    shop.simulator.pay(ids[1])
    assert list_sessions(shop, status="open") == (ids[2:], False)
    assert list_sessions(shop, status="expired") == (ids[:1], False)
    payment = shop.retrieve(ids[1]).payment_intent.id
    assert list_sessions(shop, payment_intent=payment) == ([ids[1]], False)
    assert list_sessions(shop, payment_intent="pi_other") == ([], False)


def test_expand_objects_in_a_list(shop: Shop, ids: list[str]) -> None:
    shop.simulator.pay(ids[0])
    page = shop.stripe.v1.checkout.sessions.list(
        {"limit": 1, "expand": ["data.payment_intent.latest_charge"]}
    )
    payment: Any = page.data[0].payment_intent
    assert payment.latest_charge.paid


@pytest.mark.parametrize(
    "params",
    [{"limit": 0}, {"limit": 101}, {"starting_after": "cs_nothing"}, {"expand": ["customer"]}],
)
def test_invalid_page_parameters_are_refused(shop: Shop, params: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        shop.stripe.v1.checkout.sessions.list(params)


def test_list_line_items(shop: Shop) -> None:
    session = shop.create_session()
    page = shop.stripe.v1.checkout.sessions.line_items.list(session.id)
    assert [(item.quantity, item.amount_total) for item in page.data] == [(10, 20_000)]


def test_filter_events_by_type(shop: Shop) -> None:
    shop.paid_session()
    types = ["charge.succeeded", "checkout.session.completed"]
    page = shop.stripe.v1.events.list({"types": types})
    assert [event.type for event in page.data] == types[::-1]
    one = shop.stripe.v1.events.list({"type": "charge.succeeded"}).data[0]
    assert shop.stripe.v1.events.retrieve(one.id).type == "charge.succeeded"


def test_filter_refunds_and_disputes_by_payment(shop: Shop) -> None:
    session = shop.paid_session()
    intent = session.payment_intent
    other = shop.paid_session()
    shop.simulator.refund(other.id)
    refund_ids = [shop.simulator.refund(intent.id, amount)["id"] for amount in (100, 200)]
    dispute = shop.simulator.open_dispute(intent.latest_charge.id)
    refunds = shop.stripe.v1.refunds
    assert [r.id for r in refunds.list({"payment_intent": intent.id}).data] == refund_ids[::-1]
    assert refunds.list({"charge": intent.latest_charge.id, "limit": 1}).has_more
    assert refunds.retrieve(refund_ids[0]).amount == 100
    disputes = shop.stripe.v1.disputes
    assert [d.id for d in disputes.list({"payment_intent": intent.id}).data] == [dispute["id"]]
    assert disputes.retrieve(dispute["id"], {"expand": ["charge"]}).status == "needs_response"


def test_retrieve_and_filter_customers(shop: Shop) -> None:
    customer = shop.stripe.v1.customers.create({"email": "a@b.example", "metadata": {"r": "rsl_1"}})
    shop.stripe.v1.customers.create({"email": "c@d.example"})
    retrieved = shop.stripe.v1.customers.retrieve(customer.id)
    assert retrieved.metadata is not None
    assert retrieved.metadata.to_dict() == {"r": "rsl_1"}
    found = shop.stripe.v1.customers.list({"email": "a@b.example"})
    assert [c.id for c in found.data] == [customer.id]
