"""Fixtures for all tests: in-process AWS (moto) and Stripe simulator, both reset for each test."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from infra.local.aws import create_tables, local_aws, set_environment

# Nothing listens on this port, so no test queries a real name server.
set_environment({"POWERTOOLS_METRICS_NAMESPACE": "Tenantry", "DNS_SERVER": "127.0.0.1:9"})

from app import app  # noqa: E402 - after the environment is set
from chalicelib import clock  # noqa: E402
from chalicelib.domain.custom_domains import compare_txt_values  # noqa: E402
from chalicelib.payments import client as stripe_client  # noqa: E402
from chalicelib.services.core import hashing  # noqa: E402
from chalicelib.services.domains import txt_records  # noqa: E402
from chalicelib.settings import settings  # noqa: E402
from infra.local.stripe_simulator.client import InProcessHTTPClient  # noqa: E402
from infra.local.stripe_simulator.simulator import StripeSimulator  # noqa: E402
from tests.support.api import Api  # noqa: E402
from tests.support.aws_faults import AwsFaults, install_faults  # noqa: E402
from tests.support.examples import World  # noqa: E402
from tests.support.people import People, Person  # noqa: E402
from tests.support.tables import copy_rows, empty_tables, load_rows  # noqa: E402


@pytest.fixture(scope="session")
def aws() -> Iterator[None]:
    with local_aws():
        create_tables()
        yield


@pytest.fixture
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make password hashing fast. tests/unit/test_hashing.py checks the real parameters."""
    monkeypatch.setattr(hashing, "PASSES", 1)
    monkeypatch.setattr(hashing, "MEMORY_KIB", 8)
    _clear_hashing_caches()
    yield
    _clear_hashing_caches()


def _clear_hashing_caches() -> None:
    hashing._hasher.cache_clear()
    hashing._dummy_hash.cache_clear()


@pytest.fixture
def tables(aws: None, quick_passwords: None) -> None:
    """Empty the tables."""
    empty_tables()


class TestClock:
    """A clock that moves only when a test advances it."""

    __test__ = False

    def __init__(self) -> None:
        self.current = clock.now()

    def now(self) -> datetime:
        return self.current

    def advance(self, delta: timedelta) -> None:
        self.current += delta


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> TestClock:
    frozen = TestClock()
    monkeypatch.setattr(clock, "now", frozen.now)
    return frozen


@pytest.fixture
def stripe(monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeSimulator]:
    """The Stripe simulator, called through the real SDK without sockets, on the service's clock."""
    simulator = StripeSimulator(
        api_key=settings().stripe_secret_key,
        webhook_secrets=settings().stripe_webhook_secrets,
        clock=lambda: clock.now().timestamp(),
    )
    monkeypatch.setattr(stripe_client, "transport", lambda: InProcessHTTPClient(simulator))
    stripe_client.client_with.cache_clear()
    yield simulator
    stripe_client.client_with.cache_clear()


@pytest.fixture
def api(tables: None, stripe: StripeSimulator) -> Api:
    """The service, called through Chalice's test client."""
    return Api(app)


@pytest.fixture
def people(api: Api) -> People:
    """A factory for the users that tests act as: an admin, resellers, and others."""
    return People(api)


@pytest.fixture
def world(api: Api, stripe: StripeSimulator, monkeypatch: pytest.MonkeyPatch) -> World:
    """An admin and a reseller with 10 licenses, both signed in, for calling any route.

    Because they are already signed in, a call writes only its own changes. Their rows are created
    once per process and then copied, because hundreds of tests use this fixture.
    """
    monkeypatch.setattr(
        txt_records, "look_up_txt", lambda _name, expected: compare_txt_values([expected], expected)
    )
    if not _cached_world:
        people = People(api)
        reseller = people.reseller(licenses=10)
        assert people.admin.api.token
        assert reseller.api.token
        _cached_world.append((people, reseller, copy_rows()))
    people, reseller, rows = _cached_world[0]
    load_rows(rows)
    return World(people, stripe, reseller)


_cached_world: list[tuple[People, Person, dict[str, Any]]] = []


@pytest.fixture
def aws_faults(tables: None, monkeypatch: pytest.MonkeyPatch) -> AwsFaults:
    """A recorder that injects faults and races into calls to DynamoDB."""
    return install_faults(monkeypatch)
