import pytest

from tests.unit.stripe_simulator.merchant import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()
