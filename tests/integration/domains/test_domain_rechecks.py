"""The daily recheck of every domain, and the consequences of a missing record."""

from datetime import timedelta

import pytest

from chalicelib.services.domains.recheck import check_due_domains
from chalicelib.storage.claims import owner_of
from chalicelib.storage.domains import Domain, domain_claim
from infra.local.schedule import run_now
from tests.conftest import TestClock
from tests.support.api import Api
from tests.support.dns_server import Zone
from tests.support.domains import HOST, add_verified_domain
from tests.support.mail import mails_to
from tests.support.page_client import signed_in
from tests.support.people import People, Person

A_DAY = timedelta(days=1)


@pytest.fixture
def reseller(people: People, zone: Zone) -> Person:
    return people.reseller(licenses=3)


@pytest.fixture
def record(zone: Zone, reseller: Person, frozen: TestClock) -> str:
    name: str = add_verified_domain(zone, reseller)["record_name"]
    return name


def read_row(reseller: Person) -> Domain:
    return Domain.get(reseller.reseller_id, HOST)


@pytest.mark.usefixtures("record")
def test_a_domain_is_checked_once_a_day(frozen: TestClock) -> None:
    assert run_now("check-domains")["checked"] == 0
    frozen.advance(A_DAY)
    assert run_now("check-domains") == {
        "checked": 1,
        "changed": 0,
        "failed": 0,
        "outage": False,
    }
    assert run_now("check-domains")["checked"] == 0


def test_a_missing_record_suspends_the_domain_after_the_grace_period(
    api: Api, zone: Zone, record: str, reseller: Person, frozen: TestClock
) -> None:
    reseller.api.put("/v1/resellers/me/branding", {"product_name": "Acme"})
    value = zone.txt.pop(record)
    frozen.advance(A_DAY)
    run_now("check-domains")
    failing = read_row(reseller)
    assert (failing.status, failing.finding) == ("failing", "missing")
    assert failing.grace_until == frozen.now() + timedelta(days=7)
    (warned,) = mails_to(reseller.email)
    assert HOST in warned["subject"]
    assert failing.record_value in warned["text"]

    for _ in range(6):
        frozen.advance(A_DAY)
        run_now("check-domains")
    assert read_row(reseller).status == "failing"
    assert api.get(f"/v1/branding?host={HOST}").json["product_name"] == "Acme"

    frozen.advance(A_DAY)
    run_now("check-domains")
    assert read_row(reseller).status == "suspended"
    assert owner_of(domain_claim(HOST)) is None
    assert api.get(f"/v1/branding?host={HOST}").json["product_name"] == "Tenantry"
    assert [mail["subject"] for mail in mails_to(reseller.email)][1:] == [f"{HOST} is suspended"]

    zone.txt[record] = value
    frozen.advance(A_DAY)
    assert run_now("check-domains")["checked"] == 0  # only its owner can verify it now


def test_a_tenants_page_links_its_domain_while_it_is_in_use(
    zone: Zone, reseller: Person, frozen: TestClock
) -> None:
    tenant = reseller.api.post("/v1/resellers/me/tenants", {"name": "Blue Bottle"}).json
    record = add_verified_domain(zone, reseller, tenant_id=tenant["id"])["record_name"]
    add_verified_domain(zone, reseller, "other.acme.example")
    del zone.txt[record]
    for days, is_in_use in ((1, True), (7, False)):
        frozen.advance(days * A_DAY)
        run_now("check-domains")
        page = signed_in(reseller).get(f"/reseller/tenants/{tenant['id']}").text
        assert (f"https://{HOST}/login" in page) is is_in_use
        assert "other.acme.example" not in page


def test_a_record_that_comes_back_ends_the_grace_period(
    zone: Zone, record: str, reseller: Person, frozen: TestClock
) -> None:
    value = zone.txt.pop(record)
    frozen.advance(A_DAY)
    run_now("check-domains")
    zone.txt[record] = value
    frozen.advance(A_DAY)
    run_now("check-domains")
    assert read_row(reseller).status == "verified"
    assert "grace_until" not in read_row(reseller).attribute_values


def test_an_outage_of_all_name_servers_changes_no_domain(
    zone: Zone, record: str, reseller: Person, frozen: TestClock
) -> None:
    for number in range(4):
        host = f"app{number}.acme.example"
        zone.failing.add(add_verified_domain(zone, reseller, host)["record_name"])
    zone.failing.add(record)
    frozen.advance(A_DAY)
    report = run_now("check-domains")
    assert (report["outage"], report["checked"], report["changed"]) == (True, 5, 0)
    assert read_row(reseller).status == "verified"
    zone.failing.discard(record)
    assert run_now("check-domains")["changed"] == 4


@pytest.mark.usefixtures("record")
def test_the_recheck_stops_when_time_runs_out(frozen: TestClock) -> None:
    frozen.advance(A_DAY)
    assert check_due_domains(lambda: 10.0).checked == 0
    assert check_due_domains().checked == 1
