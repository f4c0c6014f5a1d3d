"""Fixtures for the tests of failing calls."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from chalicelib.settings import settings
from tests.conftest import TestClock
from tests.support.examples import World
from tests.support.outages import Outages, install_outages
from tests.support.platform_settings import set_switches


@pytest.fixture
def outages(world: World, frozen: TestClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outages]:
    # Every request also records that its session was used, and every change of a pool is followed
    # by a notice to the reseller.
    frozen.advance(timedelta(minutes=6))
    set_switches(low_license_threshold=900)
    yield install_outages(monkeypatch)
    monkeypatch.undo()
    settings.cache_clear()
