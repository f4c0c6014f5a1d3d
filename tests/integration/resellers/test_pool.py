"""The pool, move by move: every condition, every error by name."""

from collections.abc import Callable

import pytest

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
MOVE = Move(Kind.ALLOCATION, "usr_1", ref="ref_1", reason="Because")


def open_pool(count: int, used: int = 0, *, is_active: bool = True) -> Reseller:
    tx = Transaction()
    row = Reseller(ID, user_id="usr_1", company_name="A", slug="aaa", company_key="a#rsl_1")
    row.is_active = is_active
    pool.open_pool(tx, row, count, MOVE)
    tx.commit()
    if used:
        row.update([Reseller.license_used.set(used)])
        tx = Transaction()
        pool._record(tx, ID, MOVE, used_change=used)
        tx.commit()
    return current()


def current() -> Reseller:
    found = get(Reseller, ID)
    assert found is not None
    return found


def counters() -> tuple[int, int]:
    """(count, used): which are what the ledger adds up to, whatever happened."""
    row = get(Reseller, ID)
    if row is None:
        assert list(LedgerEntry.query(ID)) == []
        return 0, 0
    entries = list(LedgerEntry.query(ID))
    assert sum(e.count_change for e in entries) == row.license_count
    assert sum(e.used_change for e in entries) == row.license_used
    return row.license_count, row.license_used


def do(step: Callable[[Transaction], object]) -> None:
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


def test_a_new_pool_holds_its_first_allocation() -> None:
    open_pool(5)
    assert counters() == (5, 0)
    (entry,) = LedgerEntry.query(ID)
    assert (entry.count_change, entry.used_change, entry.kind) == (5, 0, "allocation")
    assert (entry.actor, entry.ref, entry.reason) == ("usr_1", "ref_1", "Because")


def test_a_new_pool_without_licenses_has_no_entry() -> None:
    open_pool(0)
    assert list(LedgerEntry.query(ID)) == []


def test_a_pool_is_opened_once() -> None:
    open_pool(5)
    with pytest.raises(VersionConflict):
        open_pool(7)
    assert counters() == (5, 0)


@pytest.mark.parametrize("used", [0, 4])
def test_take(used: int) -> None:
    open_pool(5, used)
    do(take)
    assert counters() == (5, used + 1)


@pytest.mark.parametrize(("count", "used"), [(0, 0), (5, 5), (3, 5)])
def test_take_needs_used_below_count(count: int, used: int) -> None:
    open_pool(count, used)
    with pytest.raises(LicensesExhausted, match=f"{used} of {count}"):
        do(take)
    assert counters() == (count, used)


def test_take_needs_an_active_reseller() -> None:
    open_pool(5, is_active=False)
    with pytest.raises(ResellerInactive):
        do(take)
    assert counters() == (5, 0)


def test_an_inactive_and_full_reseller_is_told_that_it_is_inactive() -> None:
    open_pool(0, is_active=False)
    with pytest.raises(ResellerInactive):
        do(take)


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
def test_every_move_needs_the_reseller(step: Callable[[Transaction], object]) -> None:
    """And makes none by the way, as a bare ADD would."""
    with pytest.raises(NotFound):
        do(step)
    assert get(Reseller, ID) is None
    assert counters() == (0, 0)


def test_release() -> None:
    open_pool(5, 5)
    do(release)
    assert counters() == (5, 4)


def test_release_asks_for_no_active_reseller() -> None:
    open_pool(5, 1, is_active=False)
    do(release)
    assert counters() == (5, 0)


def test_release_of_what_is_not_counted() -> None:
    open_pool(5)
    with pytest.raises(PoolDrifted, match=ID):
        do(release)
    assert counters() == (5, 0)


def test_grant_asks_for_nothing_but_the_reseller() -> None:
    open_pool(0, is_active=False)
    do(lambda tx: pool.grant(tx, ID, 100_000, MOVE))
    assert counters() == (100_000, 0)


@pytest.mark.parametrize("licenses", [1, 3])
def test_revoke_by_an_admin(licenses: int) -> None:
    row = open_pool(5, 2)
    do(lambda tx: pool.revoke_unused(tx, row, licenses, MOVE))
    assert counters() == (5 - licenses, 2)


@pytest.mark.parametrize("licenses", [4, 5, 100])
def test_revoke_by_an_admin_leaves_what_is_used(licenses: int) -> None:
    row = open_pool(5, 2)
    with pytest.raises(LicenseCountBelowUsed, match="2 licenses"):
        do(lambda tx: pool.revoke_unused(tx, row, licenses, MOVE))
    assert counters() == (5, 2)


def test_revoke_by_an_admin_beside_a_take() -> None:
    """The condition is on what is used at the moment of writing, not at that of reading."""
    row = open_pool(2, 1)
    do(take)
    with pytest.raises(LicenseCountBelowUsed, match="2 licenses"):
        do(lambda tx: pool.revoke_unused(tx, row, 1, MOVE))
    assert counters() == (2, 2)


def test_revoke_by_an_admin_beside_a_grant_reads_again() -> None:
    row = open_pool(2)
    do(lambda tx: pool.grant(tx, ID, 5, MOVE))
    with pytest.raises(VersionConflict):
        do(lambda tx: pool.revoke_unused(tx, row, 1, MOVE))
    do(lambda tx: pool.revoke_unused(tx, current(), 1, MOVE))
    assert counters() == (6, 0)


def test_revoke_by_a_refund_may_leave_more_in_use_than_owned() -> None:
    open_pool(5, 4)
    do(lambda tx: pool.revoke(tx, ID, 3, MOVE))
    assert counters() == (2, 4)
    row = current()
    assert (row.license_available, row.over_allocated) == (-2, True)


def test_over_allocated_nothing_new_until_there_is_room() -> None:
    open_pool(5, 4)
    do(lambda tx: pool.revoke(tx, ID, 3, MOVE))
    for _ in range(2):
        with pytest.raises(LicensesExhausted):
            do(take)
        do(release)
    assert counters() == (2, 2)
    with pytest.raises(LicensesExhausted):
        do(take)
    do(release)
    do(take)
    assert counters() == (2, 2)


def test_over_allocated_an_admin_may_raise_the_total_but_not_lower_it() -> None:
    open_pool(2, 4)
    do(lambda tx: pool.set_count(tx, current(), 3, MOVE))
    assert counters() == (3, 4)
    with pytest.raises(LicenseCountBelowUsed):
        pool.set_count(Transaction(), current(), 2, MOVE)
    assert counters() == (3, 4)


@pytest.mark.parametrize("count", [2, 5, 9])
def test_set_count(count: int) -> None:
    row = open_pool(5, 2)
    do(lambda tx: pool.set_count(tx, row, count, MOVE, company_name="Other"))
    assert counters() == (count, 2)
    assert current().company_name == "Other"


def test_set_count_is_of_the_row_as_read() -> None:
    row = open_pool(5, 2)
    do(take)
    with pytest.raises(VersionConflict):
        do(lambda tx: pool.set_count(tx, row, 2, MOVE))
    assert counters() == (5, 3)


def test_sync_sets_what_was_counted() -> None:
    row = open_pool(5, 4)
    do(lambda tx: pool.set_used(tx, row, 2, 4, MOVE))
    assert counters() == (5, 2)


@pytest.mark.parametrize("meanwhile", [take, release, lambda tx: pool.grant(tx, ID, 1, MOVE)])
def test_sync_is_refused_where_the_pool_moved_since_the_count_began(
    meanwhile: Callable[[Transaction], object],
) -> None:
    row = open_pool(5, 4)
    do(meanwhile)
    before = counters()
    with pytest.raises(VersionConflict):
        do(lambda tx: pool.set_used(tx, row, 2, 4, MOVE))
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
def test_a_lost_reply_moves_nothing_twice(
    aws_faults: AwsFaults, step: Callable[[Transaction], object], after: tuple[int, int]
) -> None:
    open_pool(5, 2)
    aws_faults.after(lost_reply())
    do(step)
    assert counters() == after


@pytest.mark.parametrize("step", [take, release])
def test_a_lost_reply_is_not_mistaken_for_a_refusal(
    aws_faults: AwsFaults, step: Callable[[Transaction], object]
) -> None:
    """The last license is taken, the reply lost: the retry finds the pool full, by itself."""
    open_pool(1, 0 if step is take else 1)
    aws_faults.after(lost_reply())
    do(step)
    assert counters() == (1, 1 if step is take else 0)
