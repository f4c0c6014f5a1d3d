"""The house with AWS (moto) and Stripe (the stand-in) in this process, empty for each test."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from infra.local.aws import create_tables, local_aws, set_environment

# Nobody answers there: no test asks a name server of the world.
set_environment({"POWERTOOLS_METRICS_NAMESPACE": "Tenantry", "DNS_SERVER": "127.0.0.1:9"})

from app import app  # noqa: E402 - the environment comes first
from chalicelib import clock  # noqa: E402
from chalicelib.domain.custom_domains import compare_txt_values  # noqa: E402
from chalicelib.payments import client as stripe_client  # noqa: E402
from chalicelib.services.core import hashing  # noqa: E402
from chalicelib.services.domains import txt_records  # noqa: E402
from chalicelib.services.settings import platform_settings  # noqa: E402
from chalicelib.settings import settings  # noqa: E402
from infra.local.stripe_simulator.client import InProcessHTTPClient  # noqa: E402
from infra.local.stripe_simulator.simulator import StripeSimulator  # noqa: E402
from tests.support.api import Api  # noqa: E402
from tests.support.aws_faults import AwsFaults, install_faults  # noqa: E402
from tests.support.examples import World  # noqa: E402
from tests.support.people import People, Person  # noqa: E402
from tests.support.tables import empty_tables, load_rows, rows_of_all_tables  # noqa: E402


@pytest.fixture(scope="session")
def aws() -> Iterator[None]:
    with local_aws():
        create_tables()
        yield


@pytest.fixture
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hashing a password is slow on purpose; tests/unit/test_hashing.py holds that it is."""
    monkeypatch.setattr(hashing, "PASSES", 1)
    monkeypatch.setattr(hashing, "MEMORY_KIB", 8)
    _forget_hashers()
    yield
    _forget_hashers()


def _forget_hashers() -> None:
    hashing._hasher.cache_clear()
    hashing._dummy_hash.cache_clear()


@pytest.fixture
def tables(aws: None, quick_passwords: None) -> None:
    """Empty tables, and nothing remembered of the last test's."""
    empty_tables()
    platform_settings.clear_cache()


class TestClock:
    """Time stands still, and moves when it is told to."""

    __test__ = False

    def __init__(self) -> None:
        self.moment = clock.now()

    def now(self) -> datetime:
        return self.moment

    def advance(self, delta: timedelta) -> None:
        self.moment += delta


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> TestClock:
    frozen = TestClock()
    monkeypatch.setattr(clock, "now", frozen.now)
    return frozen


@pytest.fixture
def stripe(monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeSimulator]:
    """The stand-in behind the real SDK, without sockets; its clock is the service's."""
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
    """The service over HTTP, as Chalice's own test client speaks it."""
    return Api(app)


@pytest.fixture
def people(api: Api) -> People:
    """An admin and resellers, signed in."""
    return People(api)


@pytest.fixture
def world(api: Api, stripe: StripeSimulator, monkeypatch: pytest.MonkeyPatch) -> World:
    """An admin, and a reseller with 10 licenses, for whom any route can be called.

    Both are signed in already, so that a call writes nothing but what it is for. They are
    made once in this process: hundreds of tests ask for them.
    """
    monkeypatch.setattr(
        txt_records, "look_up_txt", lambda _name, expected: compare_txt_values([expected], expected)
    )
    if not _first_world:
        people = People(api)
        reseller = people.reseller(licenses=10)
        assert people.admin.api.token
        assert reseller.api.token
        _first_world.append((people, reseller, rows_of_all_tables()))
    people, reseller, rows = _first_world[0]
    load_rows(rows)
    return World(people, stripe, reseller)


_first_world: list[tuple[People, Person, dict[str, Any]]] = []


@pytest.fixture
def aws_faults(tables: None, monkeypatch: pytest.MonkeyPatch) -> AwsFaults:
    """Faults and races between the service and DynamoDB."""
    return install_faults(monkeypatch)
