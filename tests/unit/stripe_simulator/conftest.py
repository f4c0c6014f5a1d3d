import pytest

from .merchant import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()
