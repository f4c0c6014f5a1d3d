"""What of a transaction is tried again, for how long, and what a lost reply means."""

import random
from collections.abc import Callable

import botocore.exceptions
import pytest
from pynamodb.exceptions import TransactWriteError

from chalicelib.errors import Busy
from chalicelib.storage import transactions
from chalicelib.storage.claims import Claim, owner_of
from chalicelib.storage.reads import get
from chalicelib.storage.transactions import Transaction
from tests.support.aws_faults import AwsFaults, cancelled, lost, refusal
from tests.support.claims import rename, stored

PASSING: list[Exception] = [
    cancelled("TransactionConflict"),
    cancelled("None", "ThrottlingError"),
    cancelled("ProvisionedThroughputExceeded", "TransactionConflict"),
    *[refusal(code) for code in sorted(transactions.RETRIED_CODES)],
    lost(),
    botocore.exceptions.ConnectTimeoutError(endpoint_url="https://dynamodb.example"),
    botocore.exceptions.EndpointConnectionError(endpoint_url="https://dynamodb.example"),
    botocore.exceptions.ConnectionClosedError(endpoint_url="https://dynamodb.example"),
]


@pytest.mark.parametrize("trouble", PASSING, ids=lambda trouble: str(trouble)[:60])
def test_passing_trouble_is_tried_again_as_the_same_request(
    aws_faults: AwsFaults, trouble: Exception
) -> None:
    aws_faults.before(trouble, times=2)
    stored("name")
    tokens = {params["ClientRequestToken"] for params in aws_faults.writes()}
    assert (len(aws_faults.writes()), len(tokens)) == (3, 1)


def test_two_transactions_are_two_requests(aws_faults: AwsFaults) -> None:
    stored("one")
    stored("two")
    assert len({params["ClientRequestToken"] for params in aws_faults.writes()}) == 2


LASTING = [
    refusal("ValidationException"),
    refusal("AccessDeniedException"),
    refusal("ResourceNotFoundException"),
    refusal("IdempotentParameterMismatchException"),
    cancelled("ValidationError", "TransactionConflict"),
    cancelled("ItemCollectionSizeLimitExceeded"),
    cancelled("None"),
]


@pytest.mark.parametrize("trouble", LASTING, ids=lambda trouble: str(trouble)[:60])
def test_nothing_else_is(aws_faults: AwsFaults, trouble: Exception) -> None:
    aws_faults.before(trouble)
    with pytest.raises(TransactWriteError):
        stored("name")
    assert len(aws_faults.writes()) == 1


def test_until_the_deadline_and_then_it_is_busy(aws_faults: AwsFaults) -> None:
    aws_faults.before(cancelled("TransactionConflict"), times=10_000)
    with pytest.raises(Busy) as busy:
        stored("name")
    assert busy.value.retry_after >= 1
    assert aws_faults.seconds <= transactions.DEADLINE_SECONDS
    assert owner_of("name") is None


def test_pauses_grow_and_are_jittered(
    aws_faults: AwsFaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        asked.append((low, high))
        return high

    monkeypatch.setattr(random, "uniform", uniform)
    aws_faults.before(cancelled("TransactionConflict"), times=10_000)
    with pytest.raises(Busy):
        stored("name")
    lows, highs = zip(*asked, strict=True)
    assert set(lows) == {0}, "full jitter"
    assert highs[:4] == (0.02, 0.04, 0.08, 0.16)
    assert max(highs) == transactions.LONGEST_PAUSE_SECONDS


def test_an_unhurried_deadline_leaves_many_attempts(aws_faults: AwsFaults) -> None:
    aws_faults.before(cancelled("TransactionConflict"), times=8)
    stored("name")
    assert len(aws_faults.pauses) == 8


def with_witness(tx: Transaction) -> None:
    rename(tx, "counter", "you")
    tx.witness(Claim("witness", owner="me"))


def test_a_lost_reply_is_found_out_by_the_witness(aws_faults: AwsFaults) -> None:
    """moto, unlike DynamoDB, forgets request tokens: the second attempt finds the first."""
    stored("counter")
    aws_faults.after(lost())
    tx = Transaction()
    with_witness(tx)
    tx.commit()
    row = get(Claim, "counter")
    assert row is not None
    assert (row.owner, row.version) == ("you", 2), "once"


def too_late(aws_faults: AwsFaults) -> Callable[[], object]:
    """A reply is lost after all the time there is."""

    def lose() -> object:
        aws_faults.seconds += transactions.DEADLINE_SECONDS
        raise lost()

    return lose


def test_a_reply_lost_at_the_deadline_is_asked_for_once_more(aws_faults: AwsFaults) -> None:
    stored("counter")
    aws_faults.after(too_late(aws_faults))
    tx = Transaction()
    with_witness(tx)
    tx.commit()
    row = get(Claim, "counter")
    assert row is not None
    assert (row.owner, row.version) == ("you", 2), "once"


def test_what_cannot_be_seen_is_said(aws_faults: AwsFaults) -> None:
    aws_faults.before(too_late(aws_faults))
    aws_faults.before(lost(), times=10_000)
    with pytest.raises(Busy, match="could not be seen"):
        stored("name")
    assert len(aws_faults.writes()) == 2


def test_a_lost_request_is_sent_again(aws_faults: AwsFaults) -> None:
    stored("counter")
    aws_faults.before(lost())
    tx = Transaction()
    with_witness(tx)
    tx.commit()
    row = get(Claim, "counter")
    assert row is not None
    assert row.version == 2
