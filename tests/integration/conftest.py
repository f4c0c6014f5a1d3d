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
    """With the admin signed in already, so that what is planned meets the test's own calls."""
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
    """No test of the whole run may find a secret of its own in its logs."""
    watched = detect_leaks(monkeypatch)
    logger.addHandler(watched)
    yield watched
    logger._logger.removeHandler(watched)
    assert watched.found() == set(), "a secret is in the logs"


@pytest.fixture
def reseller(people: People) -> Person:
    return people.reseller(licenses=2)


@pytest.fixture
def tenant(reseller: Person) -> dict[str, Any]:
    """With a colour of its own."""
    created: dict[str, Any] = reseller.api.post(
        "/v1/resellers/me/tenants",
        {"name": "Blue Bottle", "branding_config": {"primary_color": "#AA0000"}},
    ).json
    return created


@pytest.fixture
def client(reseller: Person) -> PageClient:
    return signed_in(reseller)


@pytest.fixture(scope="module")
def name_server() -> Iterator[Zone]:
    with dns_server() as zone:
        yield zone


@pytest.fixture
def zone(name_server: Zone, monkeypatch: pytest.MonkeyPatch) -> Zone:
    """Where the service looks TXT records up."""
    name_server.reset()
    here = replace(settings(), dns_server=f"127.0.0.1:{name_server.port}")
    monkeypatch.setattr(txt_records, "settings", lambda: here)
    return name_server
