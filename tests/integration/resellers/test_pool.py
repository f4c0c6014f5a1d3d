"""The license pool: each operation's condition and the error raised if it fails."""

from collections.abc import Callable

import pytest
from pynamodb.models import Model

from chalicelib.domain.actors import Actor
from chalicelib.domain.ledger import Kind
from chalicelib.errors import (
    LicenseCountBelowUsed,
    LicensesExhausted,
    NotFound,
    ResellerInactive,
    VersionConflict,
)
from chalicelib.storage import pool
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.pool import Move, PoolDrifted
from chalicelib.storage.reads import get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.transactions import Transaction
from tests.support.aws_faults import AwsFaults, install_faults, lost_reply

ID = "rsl_1"
MOVE = Move(Kind.ALLOCATION, Actor("usr_1"), ref="ref_1", reason="Because")


def open_pool(count: int, used: int = 0, *, is_active: bool = True) -> Reseller:
    tx = Transaction()
    row = Reseller(ID, user_id="usr_1", company_name="A", slug="aaa", company_key="a#rsl_1")
    row.is_active = is_active
    pool.open_pool(tx, row, count, MOVE)
    tx.commit()
    if used:
        Model.update(row, [Reseller.license_used.set(used)])
        tx = Transaction()
        pool._record(tx, ID, MOVE, used_change=used)
        tx.commit()
    return current()


def current() -> Reseller:
    found = get(Reseller, ID)
    assert found is not None
    return found


def counters() -> tuple[int, int]:
    """Return (count, used), after checking that the ledger adds up to them."""
    row = get(Reseller, ID)
    if row is None:
        assert list(LedgerEntry.query(ID)) == []
        return 0, 0
    entries = list(LedgerEntry.query(ID))
    assert sum(e.count_change for e in entries) == row.license_count
    assert sum(e.used_change for e in entries) == row.license_used
    return row.license_count, row.license_used


def commit(step: Callable[[Transaction], object]) -> None:
    tx = Transaction()
    step(tx)
    tx.commit()


def take(tx: Transaction) -> None:
    pool.take(tx, ID, MOVE)


def release(tx: Transaction) -> None:
    pool.release(tx, ID, MOVE)


@pytest.fixture
def aws_faults(tables: None, monkeypatch: pytest.MonkeyPatch) -> AwsFaults:
    return install_faults(monkeypatch)


pytestmark = pytest.mark.usefixtures("tables")


def test_opening_a_pool_records_the_initial_allocation() -> None:
    open_pool(5)
    assert counters() == (5, 0)
    (entry,) = LedgerEntry.query(ID)
    assert (entry.count_change, entry.used_change, entry.kind) == (5, 0, "allocation")
    assert (entry.actor, entry.ref, entry.reason) == ("usr_1", "ref_1", "Because")


def test_opening_an_empty_pool_records_no_entry() -> None:
    open_pool(0)
    assert list(LedgerEntry.query(ID)) == []


def test_a_pool_can_be_opened_only_once() -> None:
    open_pool(5)
    with pytest.raises(VersionConflict):
        open_pool(7)
    assert counters() == (5, 0)


@pytest.mark.parametrize("used", [0, 4])
def test_taking_a_license(used: int) -> None:
    open_pool(5, used)
    commit(take)
    assert counters() == (5, used + 1)


@pytest.mark.parametrize(("count", "used"), [(0, 0), (5, 5), (3, 5)])
def test_taking_a_license_requires_used_below_count(count: int, used: int) -> None:
    open_pool(count, used)
    with pytest.raises(LicensesExhausted, match=f"{used} of {count}"):
        commit(take)
    assert counters() == (count, used)


def test_taking_a_license_requires_an_active_reseller() -> None:
    open_pool(5, is_active=False)
    with pytest.raises(ResellerInactive):
        commit(take)
    assert counters() == (5, 0)


def test_an_inactive_reseller_is_reported_before_a_full_pool() -> None:
    open_pool(0, is_active=False)
    with pytest.raises(ResellerInactive):
        commit(take)


@pytest.mark.parametrize(
    "step",
    [
        take,
        release,
        lambda tx: pool.grant(tx, ID, 1, MOVE),
        lambda tx: pool.revoke(tx, ID, 1, MOVE),
        lambda tx: pool.revoke_unused(tx, Reseller(ID, license_count=1, license_used=0), 1, MOVE),
    ],
)
def test_every_change_requires_an_existing_reseller(step: Callable[[Transaction], object]) -> None:
    """Without a condition, DynamoDB's ADD action would create the row."""
    with pytest.raises(NotFound):
        commit(step)
    assert get(Reseller, ID) is None
    assert counters() == (0, 0)


def test_releasing_a_license() -> None:
    open_pool(5, 5)
    commit(release)
    assert counters() == (5, 4)


def test_releasing_a_license_works_for_an_inactive_reseller() -> None:
    open_pool(5, 1, is_active=False)
    commit(release)
    assert counters() == (5, 0)


def test_releasing_a_license_that_is_not_counted_raises() -> None:
    open_pool(5)
    with pytest.raises(PoolDrifted, match=ID):
        commit(release)
    assert counters() == (5, 0)


def test_granting_licenses_works_for_an_inactive_reseller() -> None:
    open_pool(0, is_active=False)
    commit(lambda tx: pool.grant(tx, ID, 100_000, MOVE))
    assert counters() == (100_000, 0)


@pytest.mark.parametrize("licenses", [1, 3])
def test_an_admin_revokes_unused_licenses(licenses: int) -> None:
    row = open_pool(5, 2)
    commit(lambda tx: pool.revoke_unused(tx, row, licenses, MOVE))
    assert counters() == (5 - licenses, 2)


@pytest.mark.parametrize("licenses", [4, 5, 100])
def test_an_admin_cannot_revoke_licenses_in_use(licenses: int) -> None:
    row = open_pool(5, 2)
    with pytest.raises(LicenseCountBelowUsed, match=r"in use \(2\)"):
        commit(lambda tx: pool.revoke_unused(tx, row, licenses, MOVE))
    assert counters() == (5, 2)


def test_an_admin_cannot_revoke_a_license_taken_concurrently() -> None:
    """The condition checks the usage at the time of the write, not of the read."""
    row = open_pool(2, 1)
    commit(take)
    with pytest.raises(LicenseCountBelowUsed, match=r"in use \(2\)"):
        commit(lambda tx: pool.revoke_unused(tx, row, 1, MOVE))
    assert counters() == (2, 2)


def test_revoking_conflicts_with_a_concurrent_grant() -> None:
    row = open_pool(2)
    commit(lambda tx: pool.grant(tx, ID, 5, MOVE))
    with pytest.raises(VersionConflict):
        commit(lambda tx: pool.revoke_unused(tx, row, 1, MOVE))
    commit(lambda tx: pool.revoke_unused(tx, current(), 1, MOVE))
    assert counters() == (6, 0)


def test_a_refund_can_leave_a_pool_over_allocated() -> None:
    open_pool(5, 4)
    commit(lambda tx: pool.revoke(tx, ID, 3, MOVE))
    assert counters() == (2, 4)
    row = current()
    assert (row.license_available, row.over_allocated) == (-2, True)


def test_an_over_allocated_pool_gives_no_licenses_until_usage_falls() -> None:
    open_pool(5, 4)
    commit(lambda tx: pool.revoke(tx, ID, 3, MOVE))
    for _ in range(2):
        with pytest.raises(LicensesExhausted):
            commit(take)
        commit(release)
    assert counters() == (2, 2)
    with pytest.raises(LicensesExhausted):
        commit(take)
    commit(release)
    commit(take)
    assert counters() == (2, 2)


def test_the_total_of_an_over_allocated_pool_can_only_be_raised() -> None:
    open_pool(2, 4)
    commit(lambda tx: pool.set_count(tx, current(), 3, MOVE))
    assert counters() == (3, 4)
    with pytest.raises(LicenseCountBelowUsed):
        pool.set_count(Transaction(), current(), 2, MOVE)
    assert counters() == (3, 4)


@pytest.mark.parametrize("count", [2, 5, 9])
def test_setting_the_total(count: int) -> None:
    row = open_pool(5, 2)
    commit(lambda tx: pool.set_count(tx, row, count, MOVE, {"company_name": "Other"}))
    assert counters() == (count, 2)
    assert current().company_name == "Other"


def test_setting_the_total_requires_an_unchanged_row() -> None:
    row = open_pool(5, 2)
    commit(take)
    with pytest.raises(VersionConflict):
        commit(lambda tx: pool.set_count(tx, row, 2, MOVE))
    assert counters() == (5, 3)


def test_sync_sets_the_counted_usage() -> None:
    row = open_pool(5, 4)
    commit(lambda tx: pool.set_used(tx, row, 2, 4, MOVE))
    assert counters() == (5, 2)


@pytest.mark.parametrize("change", [take, release, lambda tx: pool.grant(tx, ID, 1, MOVE)])
def test_sync_is_refused_if_the_pool_changed_during_the_count(
    change: Callable[[Transaction], object],
) -> None:
    row = open_pool(5, 4)
    commit(change)
    before = counters()
    with pytest.raises(VersionConflict):
        commit(lambda tx: pool.set_used(tx, row, 2, 4, MOVE))
    assert counters() == before


@pytest.mark.parametrize(
    ("step", "after"),
    [
        (take, (5, 3)),
        (release, (5, 1)),
        (lambda tx: pool.grant(tx, ID, 2, MOVE), (7, 2)),
        (lambda tx: pool.revoke(tx, ID, 4, MOVE), (1, 2)),
        (lambda tx: pool.revoke_unused(tx, current(), 3, MOVE), (2, 2)),
        (lambda tx: pool.set_count(tx, current(), 9, MOVE), (9, 2)),
        (lambda tx: pool.set_used(tx, current(), 1, 2, MOVE), (5, 1)),
    ],
)
def test_a_change_is_applied_once_after_a_lost_response(
    aws_faults: AwsFaults, step: Callable[[Transaction], object], after: tuple[int, int]
) -> None:
    open_pool(5, 2)
    aws_faults.after(lost_reply())
    commit(step)
    assert counters() == after


@pytest.mark.parametrize("step", [take, release])
def test_a_lost_response_is_not_mistaken_for_a_refusal(
    aws_faults: AwsFaults, step: Callable[[Transaction], object]
) -> None:
    """If the response is lost after the last license is taken, the retry finds the pool full."""
    open_pool(1, 0 if step is take else 1)
    aws_faults.after(lost_reply())
    commit(step)
    assert counters() == (1, 1 if step is take else 0)
