"""A reseller with licenses and tenants, the reconciliation API, and the scheduled function."""

from collections.abc import Callable

import pytest

from chalicelib.services.reconciliation import facts, reseller_checks
from chalicelib.services.reconciliation.facts import Inspection
from tests.conftest import TestClock
from tests.integration.reconciliation.admin_client import AdminClient
from tests.integration.reconciliation.hourly_runs import ScheduledFunction
from tests.support.people import People, Person


@pytest.fixture
def seller(people: People) -> Person:
    """A reseller with five licenses and two tenants."""
    seller = people.reseller(licenses=5)
    for name in ("Blue", "Green"):
        seller.api.post("/v1/resellers/me/tenants", {"name": name})
    return seller


@pytest.fixture
def reconciliation(people: People) -> AdminClient:
    return AdminClient(people)


@pytest.fixture
def function(frozen: TestClock) -> ScheduledFunction:
    return ScheduledFunction(frozen)


@pytest.fixture
def set_inspection_cost(
    function: ScheduledFunction, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[str, bool], float]], None]:
    """Return a function that sets how many seconds it takes to inspect a reseller.

    The cost function receives the reseller's ID and whether the run is complete.
    """

    def set_cost(cost: Callable[[str, bool], float]) -> None:
        def inspect(reseller_id: str, *, ask_stripe: bool = False) -> Inspection | None:
            function.spend(cost(reseller_id, ask_stripe))
            return facts.inspect_reseller(reseller_id, ask_stripe=ask_stripe)

        monkeypatch.setattr(reseller_checks, "inspect_reseller", inspect)

    return set_cost
