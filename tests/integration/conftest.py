"""Fixtures for tests through the HTTP layer."""

import pytest

from tests.support.people import People
from tests.support.wire import Wire


@pytest.fixture
def wire(wire: Wire, people: People) -> Wire:
    """With the admin signed in already, so that what is planned meets the test's own calls."""
    assert people.admin.api
    wire.calls.clear()
    return wire
