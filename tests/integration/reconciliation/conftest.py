"""A reseller with licenses and tenants, and the admin's desk."""

import pytest

from tests.integration.reconciliation.desk import Desk
from tests.support.people import People, Person


@pytest.fixture
def seller(people: People) -> Person:
    """Five licenses, two tenants."""
    seller = people.reseller(licenses=5)
    for name in ("Blue", "Green"):
        seller.api.post("/v1/resellers/me/tenants", {"name": name})
    return seller


@pytest.fixture
def desk(people: People) -> Desk:
    return Desk(people)
