"""Custom domains when things go wrong in between; and that a look-up tells no stranger which
hosts there are."""

from typing import Any

import pytest

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
    return registry.add_domain(owner, HOST, tenant_id=tenant_id, by="usr_1")


def judge(domain: Domain, lookup: TxtLookup) -> Domain:
    return verification.check_domain(domain, lookup, by="usr_1")


def actions() -> list[str]:
    return sorted(entry.action for entry in AuditEntry.scan() if entry.target == HOST)


def test_a_lost_reply_leaves_one_claim_and_one_record(owner: str, aws_faults: AwsFaults) -> None:
    domain = add(owner)
    aws_faults.after(lost_reply())
    assert judge(domain, PRESENT).status == "verified"
    assert owner_of(domain_claim(HOST)) == owner
    assert actions() == ["domain.added", "domain.verified"]


def test_a_lost_reply_of_adding_is_repeated_by_adding_again(
    owner: str, aws_faults: AwsFaults
) -> None:
    aws_faults.after(RuntimeError("crash"))
    with pytest.raises(RuntimeError):
        add(owner)
    assert add(owner).token == registry.read_domain(owner, HOST).token
    assert actions() == ["domain.added"]


def test_a_conflict_is_tried_again(owner: str, aws_faults: AwsFaults) -> None:
    domain = add(owner)
    aws_faults.before(transaction_canceled("TransactionConflict"))
    assert judge(domain, PRESENT).status == "verified"


def test_a_domain_given_up_during_the_look_up_stays_given_up(
    owner: str, aws_faults: AwsFaults
) -> None:
    domain = add(owner)
    aws_faults.before(lambda: registry.remove_domain(registry.read_domain(owner, HOST), by="usr_2"))
    with pytest.raises(NotFound):
        judge(domain, PRESENT)
    assert owner_of(domain_claim(HOST)) is None


def test_a_domain_added_anew_during_the_look_up_is_not_proven_by_the_old_record(
    owner: str, aws_faults: AwsFaults
) -> None:
    domain = add(owner)

    def anew() -> None:
        registry.remove_domain(registry.read_domain(owner, HOST), by="usr_2")
        add(owner)

    aws_faults.before(anew)
    with pytest.raises(NotFound):
        judge(domain, PRESENT)
    assert registry.read_domain(owner, HOST).status == "pending"


def test_of_two_findings_at_once_both_are_judged(owner: str, aws_faults: AwsFaults) -> None:
    domain = judge(add(owner), PRESENT)
    aws_faults.before(lambda: judge(registry.read_domain(owner, HOST), PRESENT))
    assert judge(domain, MISSING).status == "failing"
    assert owner_of(domain_claim(HOST)) == owner


def test_who_proves_it_second_is_refused(people: People, owner: str, aws_faults: AwsFaults) -> None:
    other = people.reseller().reseller_id or ""
    mine, theirs = add(owner), add(other)
    aws_faults.before(lambda: judge(theirs, PRESENT))
    with pytest.raises(DomainTaken):
        judge(mine, PRESENT)
    assert owner_of(domain_claim(HOST)) == other
    assert registry.read_domain(owner, HOST).status == "pending"


def test_a_crash_before_the_write_leaves_nothing(owner: str, aws_faults: AwsFaults) -> None:
    domain = add(owner)
    aws_faults.before(RuntimeError("crash"))
    with pytest.raises(RuntimeError):
        judge(domain, PRESENT)
    assert owner_of(domain_claim(HOST)) is None
    assert judge(registry.read_domain(owner, HOST), PRESENT).status == "verified"


def shape(aws_faults: AwsFaults, **asked: Any) -> list[tuple[str, list[str]]]:
    """The reads of one look-up: which operations, on which tables."""
    aws_faults.calls.clear()
    documents.login_branding(**asked)
    return [
        (operation, sorted(params.get("RequestItems", [params.get("TableName", "")])))
        for operation, params in aws_faults.calls
    ]


def test_a_stranger_takes_the_same_reads(people: People, owner: str, aws_faults: AwsFaults) -> None:
    judge(add(owner), PRESENT)
    account, admin = f"/v1/resellers/{owner}", people.admin.api
    admin.post(f"{account}/license-adjustments", {"change": 1, "reason": "test"})
    assert admin.post(f"{account}/tenants", {"name": "Blue"}).status == 201
    documents.login_branding()  # the platform's settings are in hand from now on
    known = shape(aws_faults, host=HOST)
    assert len(known) == 3
    assert known == shape(aws_faults, host="nobody.example") == shape(aws_faults, host="\x00")
    slugs = shape(aws_faults, reseller_slug="company-1", tenant_slug="blue")
    assert len(slugs) == 3
    for unknown in ({"reseller_slug": "no-such"}, {"reseller_slug": "company-1"}):
        assert slugs == shape(aws_faults, **unknown)
    assert WRITE not in {operation for operation, _ in slugs}
