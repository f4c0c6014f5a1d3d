"""Simulate hourly invocations, which can be killed, and create the many rows that they check."""

from datetime import timedelta
from typing import Any

from pynamodb.models import BatchWrite

from chalicelib import clock
from chalicelib.services.reconciliation import runs, scheduled
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import Pagination
from chalicelib.storage.reports import Report
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import new_id
from tests.conftest import TestClock
from tests.support.people import Person

TIMEOUT_SECONDS = 900.0  # of one invocation

WHOLE = {"scope": "whole", "apply": True, "by": "schedule"}
PARTIAL = {"scope": "partial", "apply": True, "by": "schedule"}


class Killed(BaseException):
    """Simulates Lambda killing the function, which then writes nothing more."""


class ScheduledFunction:
    """The reconciliation function, invoked once an hour with a timeout."""

    def __init__(self, frozen: TestClock) -> None:
        self.frozen = frozen
        self.used = 0.0

    def spend(self, seconds: float) -> None:
        self.used += seconds
        if self.used > TIMEOUT_SECONDS:
            raise Killed

    def invoke(self, event: dict[str, Any]) -> dict[str, Any] | None:
        """Run the function, then advance the clock by an hour.

        Return None if the function was killed.
        """
        self.used = 0.0
        try:
            return scheduled.handle_event(event, lambda: TIMEOUT_SECONDS - self.used)
        except Killed:
            return None
        finally:
            self.frozen.advance(timedelta(hours=1))


def reports() -> list[Report]:
    """Return all reports, oldest first."""
    return runs.list_reports(Pagination(limit=100)).rows[::-1]


def put_resellers(number: int) -> None:
    with BatchWrite(Reseller) as batch:
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
    """Create expired purchases, whose status can no longer change."""
    ids = [new_id("pur") for _ in range(number)]
    with BatchWrite(Purchase) as batch:
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
