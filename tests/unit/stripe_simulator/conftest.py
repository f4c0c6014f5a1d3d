import pytest

from tests.unit.stripe_simulator.shop import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()
