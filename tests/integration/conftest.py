"""Fixtures for tests through the HTTP layer."""

from collections.abc import Iterator

import pytest

from chalicelib.observability import logger
from tests.support.leaks import Leaks, watch
from tests.support.people import People
from tests.support.wire import Wire


@pytest.fixture
def wire(wire: Wire, request: pytest.FixtureRequest) -> Wire:
    """With the admin signed in already, so that what is planned meets the test's own calls."""
    people: People
    if "world" in request.fixturenames:
        people = request.getfixturevalue("world").people
    else:
        people = request.getfixturevalue("people")
    assert people.admin.api
    wire.calls.clear()
    return wire


@pytest.fixture(autouse=True)
def leaks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Leaks]:
    """No test of the whole run may find a secret of its own in its logs."""
    watched = watch(monkeypatch)
    logger.addHandler(watched)
    yield watched
    logger._logger.removeHandler(watched)
    assert watched.found() == set(), "a secret is in the logs"
