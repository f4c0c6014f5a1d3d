"""Fixtures for tests through the HTTP layer."""

from collections.abc import Iterator

import pytest

from chalicelib.observability import logger
from chalicelib.services import secrets
from tests.support.leaks import Leaks, watch
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


@pytest.fixture(autouse=True)
def leaks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Leaks]:
    """No test of the whole run may find a secret of its own in its logs."""
    watched = watch(monkeypatch)
    logger.addHandler(watched)
    yield watched
    logger._logger.removeHandler(watched)
    assert watched.found() == set(), "a secret is in the logs"
