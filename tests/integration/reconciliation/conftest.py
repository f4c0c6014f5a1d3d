"""A reseller with licenses and tenants, the admin's desk, and the function that runs hourly."""

from collections.abc import Callable

import pytest

from chalicelib.services.reconciliation import facts, reseller_checks
from chalicelib.services.reconciliation.facts import Inspection
from tests.conftest import TestClock
from tests.integration.reconciliation.admin_client import ReconciliationClient
from tests.integration.reconciliation.hourly_runs import ScheduledFunction
from tests.support.people import People, Person


@pytest.fixture
def seller(people: People) -> Person:
    """Five licenses, two tenants."""
    seller = people.reseller(licenses=5)
    for name in ("Blue", "Green"):
        seller.api.post("/v1/resellers/me/tenants", {"name": name})
    return seller


@pytest.fixture
def desk(people: People) -> ReconciliationClient:
    return ReconciliationClient(people)


@pytest.fixture
def function(frozen: TestClock) -> ScheduledFunction:
    return ScheduledFunction(frozen)


@pytest.fixture
def counting(
    function: ScheduledFunction, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[str, bool], float]], None]:
    """Give what it takes to count a reseller, by its id and whether it is a whole run's."""

    def give(cost: Callable[[str, bool], float]) -> None:
        def inspect(reseller_id: str, *, ask_stripe: bool = False) -> Inspection | None:
            function.takes(cost(reseller_id, ask_stripe))
            return facts.inspect_reseller(reseller_id, ask_stripe=ask_stripe)

        monkeypatch.setattr(reseller_checks, "inspect_reseller", inspect)

    return give
