"""Transactions: the error raised by each refused step, and changes to a row that was read."""

from collections.abc import Callable
from typing import Any

import pytest
from pynamodb.models import Model

from chalicelib.errors import Busy, VersionConflict
from chalicelib.storage.claims import Claim, owner_of, release_name, transfer_claim
from chalicelib.storage.credentials import Credential
from chalicelib.storage.reads import get
from chalicelib.storage.rows import Row, reads_as
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User
from infra.local import table_edits
from tests.support.aws_faults import AwsFaults, transaction_canceled
from tests.support.claims import Refused, change_owner, put_claim, store_claim


def four_steps() -> Transaction:
    """Return a transaction with one step of each kind, in a different order than they are sent."""
    tx = Transaction()
    change_owner(tx, "updated", "you")
    put_claim(tx, "put")
    tx.check(Claim, "checked", condition=Claim.name.exists(), otherwise=Refused("checked"))
    row = Claim("deleted")
    tx.delete(row, condition=Claim.name.exists(), otherwise=Refused("deleted"))
    return tx


SENT_ORDER = ("checked", "deleted", "put", "updated")


@pytest.fixture
def rows(aws_faults: AwsFaults) -> None:
    for name in ("checked", "deleted", "updated"):
        store_claim(name)
    aws_faults.calls.clear()


@pytest.mark.usefixtures("rows")
def test_a_commit_writes_all_steps_in_one_call(aws_faults: AwsFaults) -> None:
    four_steps().commit()
    assert [owner_of(name) for name in SENT_ORDER] == ["me", None, "me", "you"]
    assert len(aws_faults.writes()) == 1


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("refused", SENT_ORDER)
def test_a_refusal_raises_the_error_of_its_step(aws_faults: AwsFaults, refused: str) -> None:
    reasons = ["ConditionalCheckFailed" if name == refused else "None" for name in SENT_ORDER]
    aws_faults.before(transaction_canceled(*reasons))
    with pytest.raises(Refused, match=refused):
        four_steps().commit()
    assert len(aws_faults.writes()) == 1, "a refusal is not retried"


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("refused", SENT_ORDER)
def test_a_refused_transaction_writes_nothing(refused: str) -> None:
    """Here, the database itself refuses the transaction."""
    if refused == "put":
        store_claim("put")
    else:
        Model.delete(Claim(refused))
    before = [owner_of(name) for name in SENT_ORDER]
    with pytest.raises(Refused, match=refused):
        four_steps().commit()
    assert [owner_of(name) for name in SENT_ORDER] == before


@pytest.mark.usefixtures("rows")
def test_the_last_step_sent_wins_if_several_are_refused(aws_faults: AwsFaults) -> None:
    aws_faults.before(
        transaction_canceled("ConditionalCheckFailed", "None", "ConditionalCheckFailed", "None")
    )
    with pytest.raises(Refused, match="put"):
        four_steps().commit()


@pytest.mark.usefixtures("aws_faults")
def test_a_decisive_refusal_outranks_later_steps() -> None:
    store_claim("decisive")
    tx = Transaction()
    row, absent = Claim("decisive", owner="me"), Claim.name.does_not_exist()
    tx.put(row, condition=absent, otherwise=Refused("decisive"), decisive=True)
    change_owner(tx, "missing", "you")
    with pytest.raises(Refused, match="decisive"):
        tx.commit()


@pytest.mark.usefixtures("aws_faults")
def test_an_existing_commit_marker_means_that_the_commit_succeeded() -> None:
    store_claim("marker")
    tx = Transaction()
    tx.put_commit_marker(Claim("marker", owner="me"))
    change_owner(tx, "missing", "you")
    tx.commit()


@pytest.mark.usefixtures("aws_faults")
def test_a_commit_marker_outranks_a_decisive_refusal() -> None:
    """If the response to a keyed request is lost, the retry also finds the request's own record."""
    store_claim("marker")
    store_claim("decisive")
    tx = Transaction()
    tx.put_commit_marker(Claim("marker", owner="me"))
    row, absent = Claim("decisive", owner="me"), Claim.name.does_not_exist()
    tx.put(row, condition=absent, otherwise=Refused("decisive"), decisive=True)
    tx.commit()


@pytest.mark.usefixtures("aws_faults")
def test_the_error_can_depend_on_the_existing_row() -> None:
    store_claim("existing")
    given: list[Claim | None] = []

    def otherwise(found: Claim | None) -> Exception:
        given.append(found)
        return Refused()

    for name in ("existing", "missing"):
        tx = Transaction()
        condition = Claim.owner == "somebody else"
        tx.update(Claim(name), [Claim.owner.set("x")], condition=condition, otherwise=otherwise)
        with pytest.raises(Refused):
            tx.commit()
    assert given[0] is not None
    assert (given[0].owner, given[1]) == ("me", None)


def test_a_transaction_without_steps_makes_no_call(aws_faults: AwsFaults) -> None:
    Transaction().commit()
    assert aws_faults.calls == []


def change(row: Row, **columns: Any) -> None:
    tx = Transaction()
    tx.change(row, columns)
    tx.commit()


@pytest.mark.usefixtures("aws_faults")
def test_a_change_is_refused_if_another_came_first() -> None:
    first, second = store_claim("name"), get(Claim, "name")
    assert second is not None
    change(first, owner="first")
    assert (first.owner, first.version) == ("first", 2), "the object has the new values"
    with pytest.raises(VersionConflict):
        change(second, owner="second")
    change(first, owner="again")
    assert owner_of("name") == "again"


@pytest.mark.usefixtures("aws_faults")
def test_a_change_does_not_recreate_a_deleted_row() -> None:
    row = store_claim("name")
    Model.delete(Claim("name"))
    with pytest.raises(VersionConflict):
        change(row, owner="you")
    assert owner_of("name") is None


@pytest.mark.usefixtures("aws_faults")
def test_a_failed_change_restores_the_values_of_the_object(aws_faults: AwsFaults) -> None:
    row = store_claim("name")
    before = (row.owner, row.version, row.updated_at)
    aws_faults.before(transaction_canceled("TransactionConflict"), times=10_000)
    tx = Transaction()
    tx.change(row, owner="you")
    with pytest.raises(Busy):
        tx.commit()
    assert (row.owner, row.version, row.updated_at) == before


def test_changing_a_column_to_none_removes_it() -> None:
    tx = Transaction()
    row = Credential("ses_1", owner="usr_1", reseller_id="rsl_1", secret_hash="x")
    row.expires_at = tx.now
    tx.create(row, otherwise=Refused())
    tx.commit()
    change(row, reseller_id=None)
    read = get(Credential, "ses_1")
    assert read is not None
    assert read.reseller_id is None


@pytest.mark.usefixtures("aws_faults")
def test_only_one_of_two_changes_to_a_row_without_a_version_succeeds() -> None:
    """A row created in the AWS console may have no version."""
    table_edits.edit(store_claim("name"), version=None)
    first, second = get(Claim, "name"), get(Claim, "name")
    assert first is not None
    assert second is not None
    change(first, owner="first")
    with pytest.raises(VersionConflict):
        change(second, owner="second")
    change(first, owner="again")
    assert owner_of("name") == "again"


@pytest.mark.usefixtures("aws_faults")
def test_putting_a_row_that_was_read_keeps_its_unknown_columns() -> None:
    row = store_claim("name")
    table_edits.put(
        row, {**table_edits.read_item(row), "next": {"M": {"list": {"L": [{"N": "1"}]}}}}
    )
    read = get(Claim, "name")
    assert read is not None
    tx = Transaction()
    transfer_claim(tx, read, "you", otherwise=Refused())
    tx.commit()
    stored = table_edits.read_item(row)
    assert stored["next"] == {"M": {"list": {"L": [{"N": "1"}]}}}
    assert (stored["owner"], stored["version"]) == ({"S": "you"}, {"N": "2"})


@pytest.mark.usefixtures("aws_faults")
@pytest.mark.parametrize(
    ("stored", "column", "holds"),
    [
        (None, User.is_active, True),
        (True, User.is_active, True),
        (False, User.is_active, False),
        (None, User.is_super_admin, False),
        (True, User.is_super_admin, True),
    ],
)
def test_a_condition_reads_a_missing_column_as_its_default(
    stored: bool | None, column: Any, holds: bool
) -> None:
    tx = Transaction()
    row = User("usr_1", email="ann@example.com", name="Ann")
    tx.create(row, otherwise=Refused())
    tx.commit()
    table_edits.edit(row, **{column.attr_name: stored})
    read = get(User, "usr_1")
    assert getattr(read, column.attr_name) is holds
    tx = Transaction()
    tx.check(User, "usr_1", condition=reads_as(column, True), otherwise=Refused())
    if holds:
        tx.commit()
    else:
        with pytest.raises(Refused):
            tx.commit()


@pytest.mark.usefixtures("aws_faults")
@pytest.mark.parametrize("caller", ["me", "somebody else"])
def test_only_the_owner_can_release_a_name(caller: str) -> None:
    store_claim("name")
    tx = Transaction()
    release_name(tx, "name", caller)
    tx.commit()
    assert (owner_of("name") is None) == (caller == "me")


def test_a_name_that_changes_owners_concurrently_is_not_released(aws_faults: AwsFaults) -> None:
    row = store_claim("name")
    tx = Transaction()
    release_name(tx, "name", "me")
    take_over: Callable[[], object] = lambda: change(row, owner="you")  # noqa: E731
    aws_faults.before(take_over)
    with pytest.raises(VersionConflict):
        tx.commit()
    assert owner_of("name") == "you"


@pytest.mark.usefixtures("aws_faults")
def test_an_error_after_the_commit_does_not_fail_it() -> None:
    done: list[str] = []

    def fail() -> None:
        raise RuntimeError("an error that nobody expected")

    tx = Transaction()
    put_claim(tx, "name")
    tx.after_commit(fail)
    tx.after_commit(lambda: done.append("next"))
    tx.commit()
    assert owner_of("name") == "me"
    assert done == ["next"]
