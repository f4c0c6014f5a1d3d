"""Concurrent edits of branding and custom domains."""

from functools import partial

import pytest

from chalicelib.domain.actors import Actor
from chalicelib.domain.branding import FIELDS
from chalicelib.domain.custom_domains import LookupResult, TxtLookup
from chalicelib.errors import Busy, DomainTaken, VersionConflict
from chalicelib.services.branding import documents
from chalicelib.services.domains import registry, verification
from chalicelib.storage.claims import owner_of
from chalicelib.storage.domains import Domain, domain_claim
from chalicelib.storage.resellers import Reseller
from tests.engine.concurrency import read_reseller, run_concurrently
from tests.support.people import People

pytestmark = pytest.mark.engine

HOST = "app.acme.example"
PRESENT = TxtLookup(LookupResult.PRESENT)
VALUES = {
    name: "#112233" if name.endswith("_color") else "https://a.example/1" for name in FIELDS
} | {
    "product_name": "Acme",
    "support_email": "help@a.example",
    "background_color": "#ffffff",
}


def patch_field(reseller_id: str, name: str) -> None:
    """Edit a field as a PATCH request without If-Match does, retrying until the edit succeeds."""
    while True:
        row = read_reseller(reseller_id)
        try:
            documents.set_reseller_branding(
                row, documents.merge_changes(row, {name: VALUES[name]}), by=Actor("usr_engine")
            )
        except (VersionConflict, Busy):
            continue
        return


def test_concurrent_edits_of_different_fields_are_all_kept(people: People) -> None:
    reseller_id = people.reseller().reseller_id
    assert reseller_id
    run_concurrently([partial(patch_field, reseller_id, name) for name in FIELDS])
    assert read_reseller(reseller_id).branding_config == VALUES


def replace_branding(row: Reseller, name: str) -> bool:
    try:
        documents.set_reseller_branding(row, {"product_name": name}, by=Actor("usr_engine"))
    except (VersionConflict, Busy):
        return False
    return True


def test_one_of_several_edits_of_the_same_version_succeeds(people: People) -> None:
    reseller_id = people.reseller().reseller_id
    assert reseller_id
    names = [f"Acme {number}" for number in range(16)]
    succeeded = run_concurrently(
        [partial(replace_branding, read_reseller(reseller_id), name) for name in names]
    )
    assert succeeded.count(True) == 1
    assert read_reseller(reseller_id).branding_config == {
        "product_name": names[succeeded.index(True)]
    }


def verify(domain: Domain) -> str | None:
    while True:
        try:
            verification.check_domain(domain, PRESENT, by=Actor("usr_engine"))
        except DomainTaken:
            return None
        except Busy:
            continue
        return domain.reseller_id


def test_a_host_verified_by_several_resellers_gets_one_owner(people: People) -> None:
    owners = [people.reseller().reseller_id for _ in range(8)]
    domains = [
        registry.add_domain(owner, HOST, tenant_id=None, by=Actor("usr_engine"))
        for owner in owners
        if owner
    ]
    verified = [
        owner for owner in run_concurrently([partial(verify, row) for row in domains]) if owner
    ]
    assert len(verified) == 1
    assert owner_of(domain_claim(HOST)) == verified[0]
    statuses = {row.reseller_id: row.status for row in Domain.scan() if row.host == HOST}
    assert [owner for owner, status in statuses.items() if status == "verified"] == verified


def test_concurrent_checks_of_a_domain_claim_it_once_and_removal_frees_it(people: People) -> None:
    owner = people.reseller().reseller_id
    assert owner
    row = registry.add_domain(owner, HOST, tenant_id=None, by=Actor("usr_engine"))
    reads = [registry.read_domain(owner, HOST) for _ in range(8)]
    assert set(run_concurrently([partial(verify, read) for read in reads])) == {owner}
    registry.remove_domain(registry.read_domain(owner, row.host), by=Actor("usr_engine"))
    assert owner_of(domain_claim(HOST)) is None
