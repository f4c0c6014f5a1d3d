"""Fixtures for tests through the HTTP layer."""

from collections.abc import Iterator

import pytest

from chalicelib.services import secrets
from tests.support.people import People
from tests.support.wire import Wire


@pytest.fixture
def wire(wire: Wire, people: People) -> Wire:
    """With the admin signed in already, so that what is planned meets the test's own calls."""
    assert people.admin.api
    wire.calls.clear()
    return wire


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hashing a password is slow on purpose; tests/unit/test_secrets.py holds that it is."""
    monkeypatch.setattr(secrets, "PASSES", 1)
    monkeypatch.setattr(secrets, "MEMORY_KIB", 8)
    _forget()
    yield
    _forget()


def _forget() -> None:
    secrets._hasher.cache_clear()
    secrets._unknown.cache_clear()
