"""Lists: newest first, filtered, in pages."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.unit.stripe_simulator.merchant import Shop


@pytest.fixture
def ids(shop: Shop) -> list[str]:
    """Five sessions, a minute apart; the newest is first."""
    made = []
    for _ in range(5):
        made.append(shop.checkout().id)
        shop.clock.passes(seconds=60)
    return made[::-1]


def listed(shop: Shop, **params: Any) -> tuple[list[str], bool]:
    page = shop.stripe.v1.checkout.sessions.list(params)  # type: ignore[arg-type]
    return [session.id for session in page.data], page.has_more


def test_pages_in_both_directions(shop: Shop, ids: list[str]) -> None:
    assert listed(shop, limit=2) == (ids[:2], True)
    assert listed(shop, limit=2, starting_after=ids[1]) == (ids[2:4], True)
    assert listed(shop, limit=2, starting_after=ids[3]) == (ids[4:], False)
    assert listed(shop, limit=2, ending_before=ids[4]) == (ids[2:4], True)
    assert listed(shop, limit=2, ending_before=ids[2]) == (ids[:2], False)


def test_the_sdk_walks_all_pages(shop: Shop, ids: list[str]) -> None:
    page = shop.stripe.v1.checkout.sessions.list({"limit": 2})
    assert [session.id for session in page.auto_paging_iter()] == ids


def test_by_time(shop: Shop, ids: list[str]) -> None:
    start = 1_790_000_000
    assert listed(shop, created={"gte": start + 180}) == (ids[:2], False)
    assert listed(shop, created={"gt": start + 180}) == (ids[:1], False)
    assert listed(shop, created={"lt": start + 60}) == (ids[4:], False)
    assert listed(shop, created=start) == (ids[4:], False)


def test_by_status_and_payment(shop: Shop, ids: list[str]) -> None:
    shop.simulator.expire(ids[0])
    shop.simulator.pay(ids[1])
    assert listed(shop, status="open") == (ids[2:], False)
    assert listed(shop, status="expired") == (ids[:1], False)
    payment = shop.look(ids[1]).payment_intent.id
    assert listed(shop, payment_intent=payment) == ([ids[1]], False)
    assert listed(shop, payment_intent="pi_other") == ([], False)


def test_expanded(shop: Shop, ids: list[str]) -> None:
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
def test_a_page_that_cannot_be(shop: Shop, params: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        shop.stripe.v1.checkout.sessions.list(params)


def test_line_items(shop: Shop) -> None:
    session = shop.checkout()
    page = shop.stripe.v1.checkout.sessions.line_items.list(session.id)
    assert [(item.quantity, item.amount_total) for item in page.data] == [(10, 20_000)]


def test_events_by_type(shop: Shop) -> None:
    shop.paid()
    types = ["charge.succeeded", "checkout.session.completed"]
    page = shop.stripe.v1.events.list({"types": types})
    assert [event.type for event in page.data] == types[::-1]
    one = shop.stripe.v1.events.list({"type": "charge.succeeded"}).data[0]
    assert shop.stripe.v1.events.retrieve(one.id).type == "charge.succeeded"


def test_refunds_and_disputes_of_a_payment(shop: Shop) -> None:
    session = shop.paid()
    intent = session.payment_intent
    other = shop.paid()
    shop.simulator.refund(other.id)
    made = [shop.simulator.refund(intent.id, amount)["id"] for amount in (100, 200)]
    dispute = shop.simulator.open_dispute(intent.latest_charge.id)
    refunds = shop.stripe.v1.refunds
    assert [r.id for r in refunds.list({"payment_intent": intent.id}).data] == made[::-1]
    assert refunds.list({"charge": intent.latest_charge.id, "limit": 1}).has_more
    assert refunds.retrieve(made[0]).amount == 100
    disputes = shop.stripe.v1.disputes
    assert [d.id for d in disputes.list({"payment_intent": intent.id}).data] == [dispute["id"]]
    assert disputes.retrieve(dispute["id"], {"expand": ["charge"]}).status == "needs_response"


def test_customers(shop: Shop) -> None:
    made = shop.stripe.v1.customers.create({"email": "a@b.example", "metadata": {"r": "rsl_1"}})
    shop.stripe.v1.customers.create({"email": "c@d.example"})
    known = shop.stripe.v1.customers.retrieve(made.id)
    assert known.metadata is not None
    assert known.metadata.to_dict() == {"r": "rsl_1"}
    found = shop.stripe.v1.customers.list({"email": "a@b.example"})
    assert [customer.id for customer in found.data] == [made.id]
