"""Branding and domains by many at the same moment, on Amazon's own engine."""

from functools import partial

import pytest

from chalicelib.domain.branding import FIELDS
from chalicelib.domain.custom_domains import LookupResult, TxtLookup
from chalicelib.errors import Busy, DomainTaken, VersionConflict
from chalicelib.services.branding import documents
from chalicelib.services.domains import registry, verification
from chalicelib.storage.claims import owner_of
from chalicelib.storage.domains import Domain, domain_claim
from chalicelib.storage.resellers import Reseller
from tests.engine.concurrency import account, all_at_once
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


def override(reseller_id: str, name: str) -> None:
    """What PATCH without If-Match does, until it is through."""
    while True:
        row = account(reseller_id)
        try:
            documents.set_reseller_branding(
                row, documents.merge_changes(row, {name: VALUES[name]}), by="usr_engine"
            )
        except (VersionConflict, Busy):
            continue
        return


def test_each_sets_a_field_and_none_is_lost(people: People) -> None:
    reseller_id = people.reseller().reseller_id
    assert reseller_id
    all_at_once([partial(override, reseller_id, name) for name in FIELDS])
    assert account(reseller_id).branding_config == VALUES


def replace(row: Reseller, name: str) -> bool:
    try:
        documents.set_reseller_branding(row, {"product_name": name}, by="usr_engine")
    except (VersionConflict, Busy):
        return False
    return True


def test_of_edits_of_one_version_one_is_carried_out(people: People) -> None:
    reseller_id = people.reseller().reseller_id
    assert reseller_id
    names = [f"Acme {number}" for number in range(16)]
    won = all_at_once([partial(replace, account(reseller_id), name) for name in names])
    assert won.count(True) == 1
    assert account(reseller_id).branding_config == {"product_name": names[won.index(True)]}


def verify(domain: Domain) -> str | None:
    while True:
        try:
            verification.check_domain(domain, PRESENT, by="usr_engine")
        except DomainTaken:
            return None
        except Busy:
            continue
        return domain.reseller_id


def test_a_host_proven_by_many_is_one_owners(people: People) -> None:
    owners = [people.reseller().reseller_id for _ in range(8)]
    added = [
        registry.add_domain(owner, HOST, tenant_id=None, by="usr_engine")
        for owner in owners
        if owner
    ]
    verified = [owner for owner in all_at_once([partial(verify, row) for row in added]) if owner]
    assert len(verified) == 1
    assert owner_of(domain_claim(HOST)) == verified[0]
    states = {row.reseller_id: row.status for row in Domain.scan() if row.host == HOST}
    assert [owner for owner, status in states.items() if status == "verified"] == verified


def test_one_domain_judged_by_many_is_claimed_once_and_freed_once(people: People) -> None:
    owner = people.reseller().reseller_id
    assert owner
    row = registry.add_domain(owner, HOST, tenant_id=None, by="usr_engine")
    reads = [registry.read_domain(owner, HOST) for _ in range(8)]
    assert set(all_at_once([partial(verify, read) for read in reads])) == {owner}
    registry.remove_domain(registry.read_domain(owner, row.host), by="usr_engine")
    assert owner_of(domain_claim(HOST)) is None
