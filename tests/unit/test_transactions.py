"""Transactions: what each refusal means, and changes of a row as it was read."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.errors import Busy, VersionConflict
from chalicelib.storage.claims import Claim, owner_of, release_name
from chalicelib.storage.credentials import Credential
from chalicelib.storage.reads import get
from chalicelib.storage.rows import Row
from chalicelib.storage.transactions import Transaction
from tests.support.aws_faults import AwsFaults, transaction_canceled
from tests.support.claims import Refused, change_owner, put_claim, store_claim


def four_steps() -> Transaction:
    """One of each sort, in an order that is not the one in which they are sent."""
    tx = Transaction()
    change_owner(tx, "updated", "you")
    put_claim(tx, "put")
    tx.check(Claim, "checked", condition=Claim.name.exists(), otherwise=Refused("checked"))
    row = Claim("deleted")
    tx.delete(row, condition=Claim.name.exists(), otherwise=Refused("deleted"))
    return tx


SENT = ("checked", "deleted", "put", "updated")


@pytest.fixture
def rows(aws_faults: AwsFaults) -> None:
    for name in ("checked", "deleted", "updated"):
        store_claim(name)
    aws_faults.calls.clear()


@pytest.mark.usefixtures("rows")
def test_all_of_it_is_written(aws_faults: AwsFaults) -> None:
    four_steps().commit()
    assert [owner_of(name) for name in SENT] == ["me", None, "me", "you"]
    assert len(aws_faults.writes()) == 1


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("refused", SENT)
def test_a_refusal_is_the_error_of_its_own_step(aws_faults: AwsFaults, refused: str) -> None:
    reasons = ["ConditionalCheckFailed" if name == refused else "None" for name in SENT]
    aws_faults.before(transaction_canceled(*reasons))
    with pytest.raises(Refused, match=refused):
        four_steps().commit()
    assert len(aws_faults.writes()) == 1, "a refusal is not tried again"


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("refused", SENT)
def test_the_databases_own_refusal_too_and_nothing_is_half_written(refused: str) -> None:
    if refused == "put":
        store_claim("put")
    else:
        Claim(refused).delete()
    before = [owner_of(name) for name in SENT]
    with pytest.raises(Refused, match=refused):
        four_steps().commit()
    assert [owner_of(name) for name in SENT] == before


@pytest.mark.usefixtures("rows")
def test_of_several_refusals_the_last_sent_is_told(aws_faults: AwsFaults) -> None:
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
    change_owner(tx, "nobody", "you")
    with pytest.raises(Refused, match="decisive"):
        tx.commit()


@pytest.mark.usefixtures("aws_faults")
def test_a_witness_that_is_there_means_that_all_of_it_is() -> None:
    store_claim("witness")
    tx = Transaction()
    tx.put_commit_marker(Claim("witness", owner="me"))
    change_owner(tx, "nobody", "you")
    tx.commit()


@pytest.mark.usefixtures("aws_faults")
def test_a_witness_outranks_every_other_refusal() -> None:
    """Of a keyed request whose reply was lost, its own record is in the way too."""
    store_claim("witness")
    store_claim("decisive")
    tx = Transaction()
    tx.put_commit_marker(Claim("witness", owner="me"))
    row, absent = Claim("decisive", owner="me"), Claim.name.does_not_exist()
    tx.put(row, condition=absent, otherwise=Refused("decisive"), decisive=True)
    tx.commit()


@pytest.mark.usefixtures("aws_faults")
def test_an_error_may_be_made_of_the_row_that_was_found() -> None:
    store_claim("there")
    told: list[Claim | None] = []

    def otherwise(found: Claim | None) -> Exception:
        told.append(found)
        return Refused()

    for name in ("there", "not there"):
        tx = Transaction()
        condition = Claim.owner == "somebody else"
        tx.update(Claim(name), [Claim.owner.set("x")], condition=condition, otherwise=otherwise)
        with pytest.raises(Refused):
            tx.commit()
    assert told[0] is not None
    assert (told[0].owner, told[1]) == ("me", None)


def test_no_steps_no_call(aws_faults: AwsFaults) -> None:
    Transaction().commit()
    assert aws_faults.calls == []


def change(row: Row, **columns: Any) -> None:
    tx = Transaction()
    tx.change(row, **columns)
    tx.commit()


@pytest.mark.usefixtures("aws_faults")
def test_a_change_is_of_the_row_as_read() -> None:
    first, second = store_claim("name"), get(Claim, "name")
    assert second is not None
    change(first, owner="first")
    assert (first.owner, first.version) == ("first", 2), "the row in hand is the new one"
    with pytest.raises(VersionConflict):
        change(second, owner="second")
    change(first, owner="again")
    assert owner_of("name") == "again"


@pytest.mark.usefixtures("aws_faults")
def test_a_change_of_what_is_gone_does_not_bring_it_back() -> None:
    row = store_claim("name")
    Claim("name").delete()
    with pytest.raises(VersionConflict):
        change(row, owner="ghost")
    assert owner_of("name") is None


@pytest.mark.usefixtures("aws_faults")
def test_a_change_that_is_not_written_leaves_the_row_in_hand_as_it_was(
    aws_faults: AwsFaults,
) -> None:
    row = store_claim("name")
    before = (row.owner, row.version, row.updated_at)
    aws_faults.before(transaction_canceled("TransactionConflict"), times=10_000)
    tx = Transaction()
    tx.change(row, owner="you")
    with pytest.raises(Busy):
        tx.commit()
    assert (row.owner, row.version, row.updated_at) == before


def test_none_removes_a_column() -> None:
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
@pytest.mark.parametrize("thief", ["me", "somebody else"])
def test_a_claim_is_freed_by_its_owner_alone(thief: str) -> None:
    store_claim("name")
    tx = Transaction()
    release_name(tx, "name", thief)
    tx.commit()
    assert (owner_of("name") is None) == (thief == "me")


def test_a_claim_that_changes_hands_meanwhile_is_left(aws_faults: AwsFaults) -> None:
    row = store_claim("name")
    tx = Transaction()
    release_name(tx, "name", "me")
    steal: Callable[[], object] = lambda: change(row, owner="thief")  # noqa: E731
    aws_faults.before(steal)
    with pytest.raises(VersionConflict):
        tx.commit()
    assert owner_of("name") == "thief"
