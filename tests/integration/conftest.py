"""Fixtures for tests through the HTTP layer."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.observability import logger
from chalicelib.services.domains import txt_records
from chalicelib.settings import settings
from tests.support.aws_faults import AwsFaults
from tests.support.dns_server import Zone, dns_server
from tests.support.leaks import LeakDetector, detect_leaks
from tests.support.page_client import PageClient, signed_in
from tests.support.people import People, Person


@pytest.fixture
def aws_faults(aws_faults: AwsFaults, request: pytest.FixtureRequest) -> AwsFaults:
    """Sign the admin in first, so that injected faults affect only the test's own calls."""
    people: People
    if "world" in request.fixturenames:
        people = request.getfixturevalue("world").people
    else:
        people = request.getfixturevalue("people")
    assert people.admin.api
    aws_faults.calls.clear()
    return aws_faults


@pytest.fixture(autouse=True)
def leaks(monkeypatch: pytest.MonkeyPatch) -> Iterator[LeakDetector]:
    """Fail any test during which a secret is written to the log."""
    watched = detect_leaks(monkeypatch)
    logger.addHandler(watched)
    yield watched
    logger._logger.removeHandler(watched)
    assert watched.found() == set(), "a secret was logged"


@pytest.fixture
def reseller(people: People) -> Person:
    return people.reseller(licenses=2)


@pytest.fixture
def tenant(reseller: Person) -> dict[str, Any]:
    """Create a tenant with its own primary color."""
    created: dict[str, Any] = reseller.api.post(
        "/v1/resellers/me/tenants",
        {"name": "Blue Bottle", "branding_config": {"primary_color": "#AA0000"}},
    ).json
    return created


@pytest.fixture
def admin(people: People) -> PageClient:
    """The pages, with a super admin signed in."""
    return signed_in(people.admin)


@pytest.fixture
def client(reseller: Person) -> PageClient:
    """The pages, with a reseller signed in."""
    return signed_in(reseller)


@pytest.fixture(scope="module")
def name_server() -> Iterator[Zone]:
    with dns_server() as zone:
        yield zone


@pytest.fixture
def zone(name_server: Zone, monkeypatch: pytest.MonkeyPatch) -> Zone:
    """The DNS zone in which the service looks up TXT records."""
    name_server.reset()
    local_settings = replace(settings(), dns_server=f"127.0.0.1:{name_server.port}")
    monkeypatch.setattr(txt_records, "settings", lambda: local_settings)
    return name_server
