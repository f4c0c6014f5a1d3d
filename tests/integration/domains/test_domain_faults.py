"""Custom domains under faults and races, and branding lookups that don't reveal known hosts."""

from typing import Any

import pytest

from chalicelib.domain.actors import Actor
from chalicelib.domain.custom_domains import LookupResult, TxtLookup
from chalicelib.errors import DomainTaken, NotFound
from chalicelib.services.branding import documents
from chalicelib.services.domains import registry, verification
from chalicelib.storage.audit import AuditEntry
from chalicelib.storage.claims import owner_of
from chalicelib.storage.domains import Domain, domain_claim
from tests.support.aws_faults import (
    WRITE,
    AwsFaults,
    install_faults,
    lost_reply,
    transaction_canceled,
)
from tests.support.people import People

HOST = "app.acme.example"
PRESENT = TxtLookup(LookupResult.PRESENT)
MISSING = TxtLookup(LookupResult.MISSING)


@pytest.fixture
def owner(people: People) -> str:
    return people.reseller().reseller_id or ""


@pytest.fixture
def aws_faults(owner: str, monkeypatch: pytest.MonkeyPatch) -> AwsFaults:
    return install_faults(monkeypatch)


def add(owner: str, tenant_id: str | None = None) -> Domain:
    return registry.add_domain(owner, HOST, tenant_id=tenant_id, by=Actor("usr_1"))


def check(domain: Domain, lookup: TxtLookup) -> Domain:
    return verification.check_domain(domain, lookup, by=Actor("usr_1"))


def actions() -> list[str]:
    return sorted(entry.action for entry in AuditEntry.scan() if entry.target == HOST)


def test_a_lost_response_leaves_one_claim_and_one_audit_entry(
    owner: str, aws_faults: AwsFaults
) -> None:
    domain = add(owner)
    aws_faults.after(lost_reply())
    assert check(domain, PRESENT).status == "verified"
    assert owner_of(domain_claim(HOST)) == owner
    assert actions() == ["domain.added", "domain.verified"]


def test_adding_again_after_a_crash_returns_the_same_domain(
    owner: str, aws_faults: AwsFaults
) -> None:
    aws_faults.after(RuntimeError("crash"))
    with pytest.raises(RuntimeError):
        add(owner)
    assert add(owner).token == registry.read_domain(owner, HOST).token
    assert actions() == ["domain.added"]


def test_a_transaction_conflict_is_retried(owner: str, aws_faults: AwsFaults) -> None:
    domain = add(owner)
    aws_faults.before(transaction_canceled("TransactionConflict"))
    assert check(domain, PRESENT).status == "verified"


def test_a_domain_removed_during_the_lookup_stays_removed(
    owner: str, aws_faults: AwsFaults
) -> None:
    domain = add(owner)
    aws_faults.before(
        lambda: registry.remove_domain(registry.read_domain(owner, HOST), by=Actor("usr_2"))
    )
    with pytest.raises(NotFound):
        check(domain, PRESENT)
    assert owner_of(domain_claim(HOST)) is None


def test_the_old_record_does_not_verify_a_domain_added_again_during_the_lookup(
    owner: str, aws_faults: AwsFaults
) -> None:
    domain = add(owner)

    def remove_and_add_again() -> None:
        registry.remove_domain(registry.read_domain(owner, HOST), by=Actor("usr_2"))
        add(owner)

    aws_faults.before(remove_and_add_again)
    with pytest.raises(NotFound):
        check(domain, PRESENT)
    assert registry.read_domain(owner, HOST).status == "pending"


def test_two_concurrent_lookup_results_are_both_applied(owner: str, aws_faults: AwsFaults) -> None:
    domain = check(add(owner), PRESENT)
    aws_faults.before(lambda: check(registry.read_domain(owner, HOST), PRESENT))
    assert check(domain, MISSING).status == "failing"
    assert owner_of(domain_claim(HOST)) == owner


def test_the_second_reseller_to_verify_a_host_is_refused(
    people: People, owner: str, aws_faults: AwsFaults
) -> None:
    other = people.reseller().reseller_id or ""
    mine, theirs = add(owner), add(other)
    aws_faults.before(lambda: check(theirs, PRESENT))
    with pytest.raises(DomainTaken):
        check(mine, PRESENT)
    assert owner_of(domain_claim(HOST)) == other
    assert registry.read_domain(owner, HOST).status == "pending"


def test_a_crash_before_the_write_has_no_effect(owner: str, aws_faults: AwsFaults) -> None:
    domain = add(owner)
    aws_faults.before(RuntimeError("crash"))
    with pytest.raises(RuntimeError):
        check(domain, PRESENT)
    assert owner_of(domain_claim(HOST)) is None
    assert check(registry.read_domain(owner, HOST), PRESENT).status == "verified"


def lookup_reads(aws_faults: AwsFaults, **query: Any) -> list[tuple[str, list[str]]]:
    """Return the database operations of one branding lookup, with their tables."""
    aws_faults.calls.clear()
    documents.login_branding(**query)
    return [
        (operation, sorted(params.get("RequestItems", [params.get("TableName", "")])))
        for operation, params in aws_faults.calls
    ]


def test_unknown_hosts_and_slugs_cause_the_same_reads_as_known_ones(
    people: People, owner: str, aws_faults: AwsFaults
) -> None:
    check(add(owner), PRESENT)
    account, admin = f"/v1/resellers/{owner}", people.admin.api
    admin.post(f"{account}/license-adjustments", {"change": 1, "reason": "test"})
    assert admin.post(f"{account}/tenants", {"name": "Blue"}).status == 201
    documents.login_branding()  # caches the platform settings
    known = lookup_reads(aws_faults, host=HOST)
    assert len(known) == 3
    assert (
        known
        == lookup_reads(aws_faults, host="nobody.example")
        == lookup_reads(aws_faults, host="\x00")
    )
    slugs = lookup_reads(aws_faults, reseller_slug="company-1", tenant_slug="blue")
    assert len(slugs) == 3
    for unknown in ({"reseller_slug": "no-such"}, {"reseller_slug": "company-1"}):
        assert slugs == lookup_reads(aws_faults, **unknown)
    assert WRITE not in {operation for operation, _ in slugs}
