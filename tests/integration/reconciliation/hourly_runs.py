"""Scheduled invocations hour after hour, each of which may be killed, and many rows for them."""

from datetime import timedelta
from typing import Any

from chalicelib import clock
from chalicelib.services.reconciliation import runs, scheduled
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import Pagination
from chalicelib.storage.reports import Report
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import new_id
from tests.conftest import TestClock
from tests.support.people import Person

TIMEOUT_SECONDS = 900.0  # seconds that one invocation has


WHOLE = {"scope": "whole", "apply": True, "by": "schedule"}


PARTIAL = {"scope": "partial", "apply": True, "by": "schedule"}


class Killed(BaseException):
    """By Lambda, for time or memory: nothing more is written."""


class ScheduledFunction:
    """Scheduled invocations, an hour apart, each with LIFE seconds."""

    def __init__(self, frozen: TestClock) -> None:
        self.frozen = frozen
        self.used = 0.0

    def takes(self, seconds: float) -> None:
        self.used += seconds
        if self.used > TIMEOUT_SECONDS:
            raise Killed

    def hour(self, event: dict[str, Any]) -> dict[str, Any] | None:
        """None where it was killed."""
        self.used = 0.0
        try:
            return scheduled.handle_event(event, lambda: TIMEOUT_SECONDS - self.used)
        except Killed:
            return None
        finally:
            self.frozen.advance(timedelta(hours=1))


def reports() -> list[Report]:
    """Oldest first."""
    return runs.list_reports(Pagination(limit=100)).rows[::-1]


def put_resellers(number: int) -> None:
    with Reseller.batch_write() as batch:
        for n in range(number):
            row = Reseller(
                new_id("rsl"),
                user_id="usr_1",
                company_name=f"Company {n}",
                company_key=f"company {n}",
                slug=f"company-{n}",
                license_count=0,
                license_used=0,
            )
            row.created_at = row.updated_at = clock.now()
            batch.save(row)


def in_scan_order() -> list[str]:
    return [row.id for row in Reseller.scan(consistent_read=True)]


def put_purchases(seller: Person, number: int, **columns: Any) -> list[str]:
    """As expired ones, of which nothing is awaited."""
    ids = [new_id("pur") for _ in range(number)]
    with Purchase.batch_write() as batch:
        for id in ids:
            row = Purchase(
                str(seller.reseller_id),
                id,
                quantity=1,
                unit_amount=2500,
                total=2500,
                currency="usd",
                tiers={"tiers": [{"from": 1, "unit_amount": 2500}]},
                tiers_version=1,
                status="expired",
                expires_at=clock.now(),
                created_by="usr_1",
                month=f"{clock.now():%Y-%m}",
            )
            row.created_at = row.updated_at = columns.get("created_at", clock.now())
            batch.save(row)
    return sorted(ids)
