"""Dashboard statistics, counted live if there are few rows, otherwise by the scheduled function."""

from datetime import date, timedelta

import pytest

from chalicelib.domain.actors import Actor
from chalicelib.domain.ledger import Kind
from chalicelib.services.reporting import dashboard_stats
from chalicelib.storage import pool
from chalicelib.storage.pool import Move
from chalicelib.storage.transactions import Transaction
from infra.local.schedule import run_now
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.conftest import TestClock
from tests.support.page_client import PageClient, signed_in
from tests.support.people import People
from tests.support.purchases import buy_and_pay


@pytest.fixture
def admin(people: People) -> PageClient:
    return signed_in(people.admin)


def test_a_small_installation_is_counted_live(
    admin: PageClient, people: People, stripe: StripeSimulator
) -> None:
    assert "Nothing sold yet" in admin.get("/admin").text
    seller, over = people.reseller(licenses=1), people.reseller(licenses=2)
    buy_and_pay(seller, stripe, 10)
    for name in "ab":
        over.api.post("/v1/resellers/me/tenants", {"name": name})
    tx = Transaction()
    pool.revoke(tx, str(over.reseller_id), 1, Move(Kind.REFUND, Actor("test")))
    tx.commit()
    text = admin.get("/admin").words
    assert "Licenses sold 12 across 2 resellers" in text
    assert "In use 2" in text
    assert "Revenue this month $200.00" in text
    assert "1 over" in text


def test_a_large_installation_shows_the_last_scheduled_count(
    admin: PageClient, people: People, monkeypatch: pytest.MonkeyPatch, frozen: TestClock
) -> None:
    monkeypatch.setattr(dashboard_stats, "MAX_LIVE_ROWS", 1)
    people.reseller(licenses=2)
    people.reseller(licenses=3)
    assert "Being counted" in admin.get("/admin").text
    run_now("take-figures")
    frozen.advance(timedelta(minutes=50))
    people.reseller(licenses=4)
    page = admin.get("/admin")
    assert "As counted" in page.text
    assert "Licenses sold 5 across 2 resellers" in page.words
    frozen.advance(timedelta(days=1))
    run_now("take-figures")
    admin = signed_in(people.admin)
    page = admin.get("/admin")
    assert "Licenses sold 9 across 3 resellers" in page.words
    assert "used of 9 owned now" in page.text


def test_each_count_keeps_the_months_it_does_not_recount(
    people: People, stripe: StripeSimulator, frozen: TestClock
) -> None:
    seller = people.reseller()
    buy_and_pay(seller, stripe, 10)
    frozen.advance(timedelta(days=70))
    seller = people.reseller()
    buy_and_pay(seller, stripe, 1)
    whole = dashboard_stats.refresh_dashboard_stats()
    assert sorted(whole.money.values())[-2:] == [2500, 20000]
    assert dashboard_stats.refresh_dashboard_stats().money == whole.money


def test_money_by_month_matches_the_statements(
    people: People, stripe: StripeSimulator, frozen: TestClock
) -> None:
    """Money counts in the month in which it moved, no matter when the purchase was created.

    An hourly count reads only the newest purchases and keeps this month's money from older ones.
    """
    seller = people.reseller()
    bought = buy_and_pay(seller, stripe, 10)["id"]
    frozen.advance(timedelta(days=100))
    path = f"/v1/resellers/{seller.reseller_id}"
    refund = {"licenses": 4, "reason": "Too many"}
    assert people.admin.api.post(f"{path}/purchases/{bought}/refunds", refund).status == 201
    for _daily_then_hourly in range(2):
        by_month = dashboard_stats.refresh_dashboard_stats().money
        assert {cents for cents in by_month.values() if cents} == {20000, -5000}
    for month, cents in by_month.items():
        first = date.fromisoformat(f"{month}-01")
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        query = f"?from={first}&to={last}"
        totals = people.admin.api.get(f"{path}/statement{query}").json["money"]
        assert sum(money["net"] for money in totals.values()) == cents, month


def test_a_sale_refunded_in_a_later_month_still_counts_as_sold(
    people: People, stripe: StripeSimulator, frozen: TestClock
) -> None:
    seller = people.reseller()
    bought = buy_and_pay(seller, stripe, 10)["id"]
    frozen.advance(timedelta(days=40))
    path = f"/v1/resellers/{seller.reseller_id}/purchases/{bought}/refunds"
    assert people.admin.api.post(path, {"licenses": 10, "reason": "All"}).status == 201
    page = signed_in(people.admin).get("/admin")
    assert "Nothing sold yet" not in page.text
    assert "Revenue this month −$200.00" in page.words
