"""Managing custom domains through the API, with a real DNS server running locally."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.custom_domains import PENDING_LIFETIME
from chalicelib.services.domains import txt_records
from chalicelib.services.domains.registry import MAX_DOMAINS
from chalicelib.services.domains.verification import ATTEMPTS_ALLOWED, ATTEMPTS_WINDOW
from chalicelib.settings import settings
from chalicelib.storage.claims import owner_of
from chalicelib.storage.domains import domain_claim
from tests.conftest import TestClock
from tests.support.api import Api
from tests.support.dns_server import Zone
from tests.support.domains import DOMAINS, HOST, add_domain, add_verified_domain, verify_domain
from tests.support.people import People, Person

A_DAY = timedelta(days=1)


@pytest.fixture
def reseller(people: People, zone: Zone) -> Person:
    return people.reseller(licenses=3)


def test_a_domain_is_verified_by_its_record(zone: Zone, reseller: Person) -> None:
    added = add_domain(reseller)
    assert (added["status"], added["record_name"]) == ("pending", "_tenantry.app.acme.example")
    assert added["found"] == []
    assert added["finding"] is added["explanation"] is None
    zone.txt[added["record_name"]] = [added["record_value"]]
    verified = verify_domain(reseller).json
    assert (verified["status"], verified["finding"]) == ("verified", "present")
    assert verified["expires_at"] is None
    assert owner_of(domain_claim(HOST)) == reseller.reseller_id
    assert reseller.api.get(DOMAINS).json["data"] == [verified]


def test_the_location_header_leads_to_the_domain(reseller: Person) -> None:
    reply = reseller.api.post(DOMAINS, {"host": HOST})
    path = f"/v1/resellers/{reseller.reseller_id}/domains/{HOST}"
    assert reply.headers["Location"] == settings().public_url + path
    assert reseller.api.get(path).json == reply.json


@pytest.mark.parametrize(
    ("values", "finding", "found"),
    [
        (None, "missing", []),
        (["v=spf1 -all"], "other_value", ["v=spf1 -all"]),
        (["one", "two"], "several_values", ["one", "two"]),
        ([["two strings, ", "one value"]], "other_value", ["two strings, one value"]),
        ([b"\xff\x00\x1b[31m\xe2\x80\xae"], "other_value", ["\ufffd\ufffd\ufffd[31m\ufffd"]),
        (["<script>alert(1)</script>"], "other_value", ["<script>alert(1)</script>"]),
        ([["a" * 255, "b" * 255]], "other_value", ["a" * 255]),
    ],
)
def test_other_values_found_are_reported(
    zone: Zone, reseller: Person, values: Any, finding: str, found: list[str]
) -> None:
    added = add_domain(reseller)
    if values is not None:
        zone.txt[added["record_name"]] = values
    reply = verify_domain(reseller)
    assert reply.status == 200
    assert (reply.json["status"], reply.json["finding"]) == ("pending", finding)
    assert sorted(reply.json["found"]) == sorted(found)
    assert added["record_name"] in reply.json["explanation"]
    assert owner_of(domain_claim(HOST)) is None


@pytest.mark.parametrize(
    "values", [["v=spf1 -all", "{value}"], ['"{value}"'], ["  {value} "], ["{value}", "{value}"]]
)
def test_the_expected_value_is_found_among_others_and_in_quotes(
    zone: Zone, reseller: Person, values: list[str]
) -> None:
    added = add_domain(reseller)
    zone.txt[added["record_name"]] = [v.format(value=added["record_value"]) for v in values]
    assert verify_domain(reseller).json["status"] == "verified"


def test_a_value_in_different_letter_case_does_not_match(zone: Zone, reseller: Person) -> None:
    added = add_domain(reseller)
    zone.txt[added["record_name"]] = [added["record_value"].upper()]
    assert verify_domain(reseller).json["finding"] == "other_value"


def test_a_failing_name_server_is_reported(zone: Zone, reseller: Person) -> None:
    zone.failing.add(add_domain(reseller)["record_name"])
    assert verify_domain(reseller).json["finding"] == "server_failure"


def test_a_slow_name_server_is_queried_again(
    zone: Zone, reseller: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(txt_records, "ATTEMPT_SECONDS", 0.1)
    added = add_domain(reseller)
    zone.txt[added["record_name"]] = [added["record_value"]]
    zone.slow.add(added["record_name"])
    assert verify_domain(reseller).json["finding"] == "present"
    assert zone.queries.count(added["record_name"]) > 1


def test_a_silent_name_server_causes_a_timeout(
    zone: Zone, reseller: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(txt_records, "ATTEMPT_SECONDS", 0.1)
    monkeypatch.setattr(txt_records, "LIFETIME_SECONDS", 0.2)
    zone.silent.add(add_domain(reseller)["record_name"])
    assert verify_domain(reseller).json["finding"] == "timeout"


def test_a_verified_domain_belongs_to_one_reseller(zone: Zone, people: People) -> None:
    first, second = people.reseller(), people.reseller()
    added = add_domain(second)  # a pending domain does not block another reseller
    add_verified_domain(zone, first)
    zone.txt[added["record_name"]] = [added["record_value"]]
    assert verify_domain(second).code == "domain_taken"
    assert people.reseller().api.post(DOMAINS, {"host": HOST}).code == "domain_taken"
    assert owner_of(domain_claim(HOST)) == first.reseller_id

    assert first.api.delete(f"{DOMAINS}/{HOST}").status == 204
    assert verify_domain(second).json["status"] == "verified"


def test_adding_again_returns_the_same_record(zone: Zone, reseller: Person) -> None:
    first, again = add_domain(reseller), add_domain(reseller, "APP.acme.example.")
    assert first["record_value"] == again["record_value"]
    add_verified_domain(zone, reseller)
    assert add_domain(reseller)["status"] == "verified"


def test_a_pending_domain_expires(reseller: Person, frozen: TestClock) -> None:
    first = add_domain(reseller)
    frozen.advance(timedelta(days=7))
    reseller.api.token = reseller._api.post(
        "/v1/login", {"email": reseller.email, "password": "correct horse battery"}
    ).json["token"]
    assert reseller.api.get(DOMAINS).json["data"] == []
    assert reseller.api.get(f"{DOMAINS}/{HOST}").code == "not_found"
    assert verify_domain(reseller).code == "not_found"
    assert add_domain(reseller)["record_value"] != first["record_value"]


def test_another_resellers_domain_does_not_exist(people: People, zone: Zone) -> None:
    owner, other = people.reseller(), people.reseller()
    add_verified_domain(zone, owner)
    path = f"/v1/resellers/{owner.reseller_id}/domains"
    for reply in (
        other.api.get(path),
        other.api.post(path, {"host": "b.acme.example"}),
        other.api.post(f"{path}/{HOST}/verify"),
        other.api.delete(f"{path}/{HOST}"),
        other.api.delete(f"{DOMAINS}/{HOST}"),
    ):
        assert reply.code == "not_found"
    assert people.admin.api.get(f"{path}/{HOST}").status == 200


def test_a_retried_verification_runs_once(zone: Zone, reseller: Person) -> None:
    add_domain(reseller)
    first = reseller.api.post(f"{DOMAINS}/{HOST}/verify", key="k1")
    queries = len(zone.queries)
    again = reseller.api.post(f"{DOMAINS}/{HOST}/verify", key="k1")
    assert (again.text, again.headers["Idempotent-Replayed"]) == (first.text, "true")
    assert len(zone.queries) == queries


def test_removal_honors_if_match(zone: Zone, reseller: Person) -> None:
    etag = reseller.api.post(DOMAINS, {"host": HOST}).headers["ETag"]
    verify_domain(reseller)
    stale = reseller.api.delete(f"{DOMAINS}/{HOST}", if_match=etag)
    assert stale.code == "version_conflict"
    now = reseller.api.get(f"{DOMAINS}/{HOST}").headers["ETag"]
    assert reseller.api.delete(f"{DOMAINS}/{HOST}", if_match=now).status == 204


def test_verification_requests_are_rate_limited(
    zone: Zone, reseller: Person, frozen: TestClock
) -> None:
    add_domain(reseller)
    for _ in range(ATTEMPTS_ALLOWED):
        assert verify_domain(reseller).status == 200
    refused = verify_domain(reseller)
    assert refused.code == "rate_limited"
    assert 0 < int(refused.headers["Retry-After"]) <= ATTEMPTS_WINDOW.total_seconds() + 1
    assert len(zone.queries) == ATTEMPTS_ALLOWED
    frozen.advance(ATTEMPTS_WINDOW)
    assert verify_domain(reseller).status == 200


def test_the_number_of_domains_per_reseller_is_limited(
    reseller: Person, frozen: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.services.domains.registry.MAX_DOMAINS", 2)
    add_domain(reseller, "a.acme.example")
    add_domain(reseller, "b.acme.example")
    assert reseller.api.post(DOMAINS, {"host": "c.acme.example"}).code == "invalid_request"
    assert MAX_DOMAINS == 100
    frozen.advance(PENDING_LIFETIME)
    reseller.sign_in_again()
    add_domain(reseller, "c.acme.example")  # expired domains don't count, deleted or not


class TestTenantDomains:
    """Domains assigned to one of the reseller's tenants."""

    @pytest.fixture
    def tenant(self, reseller: Person) -> dict[str, Any]:
        branding = {"product_name": "Blue Bottle"}
        created: dict[str, Any] = reseller.api.post(
            "/v1/resellers/me/tenants", {"name": "Blue Bottle", "branding_config": branding}
        ).json
        return created

    def test_shows_the_tenants_branding(
        self, api: Api, zone: Zone, reseller: Person, tenant: dict[str, Any]
    ) -> None:
        add_verified_domain(zone, reseller, tenant_id=tenant["id"])
        for host in (HOST, HOST.upper(), f"{HOST}:8443", f"{HOST}."):
            assert api.get(f"/v1/branding?host={host}").json["product_name"] == "Blue Bottle"
        add_domain(reseller)  # moves the domain to the reseller itself
        assert api.get(f"/v1/branding?host={HOST}").json["product_name"] == "Tenantry"

    def test_shows_the_resellers_branding_once_the_tenant_is_deleted(
        self, api: Api, zone: Zone, reseller: Person, tenant: dict[str, Any]
    ) -> None:
        add_verified_domain(zone, reseller, tenant_id=tenant["id"])
        reseller.api.put("/v1/resellers/me/branding", {"product_name": "Acme"})
        reseller.api.delete(f"/v1/resellers/me/tenants/{tenant['id']}")
        assert api.get(f"/v1/branding?host={HOST}").json["product_name"] == "Acme"

    def test_the_tenant_must_belong_to_the_reseller_and_not_be_deleted(
        self, people: People, reseller: Person, tenant: dict[str, Any]
    ) -> None:
        body = {"host": HOST, "tenant_id": tenant["id"]}
        assert people.reseller().api.post(DOMAINS, body).code == "invalid_request"
        reseller.api.delete(f"/v1/resellers/me/tenants/{tenant['id']}")
        assert reseller.api.post(DOMAINS, body).code == "invalid_request"
        assert reseller.api.get(DOMAINS).json["data"] == []


def test_every_change_is_audited(zone: Zone, reseller: Person) -> None:
    add_verified_domain(zone, reseller)
    reseller.api.delete(f"{DOMAINS}/{HOST}")
    entries = reseller.api.get("/v1/resellers/me/audit").json["data"]
    actions = [entry["action"] for entry in entries if entry["target"] == HOST]
    assert actions == ["domain.removed", "domain.verified", "domain.added"]
