"""What of a transaction is tried again, for how long, and what a lost reply means."""

import random
from collections.abc import Callable

import botocore.exceptions
import pytest
from pynamodb.exceptions import TransactWriteError

from chalicelib.errors import Busy
from chalicelib.storage import failures, transactions
from chalicelib.storage.claims import Claim, owner_of
from chalicelib.storage.reads import get
from chalicelib.storage.transactions import Transaction
from tests.support.aws_faults import AwsFaults, error_response, lost_reply, transaction_canceled
from tests.support.claims import change_owner, store_claim

PASSING: list[Exception] = [
    transaction_canceled("TransactionConflict"),
    transaction_canceled("None", "ThrottlingError"),
    transaction_canceled("ProvisionedThroughputExceeded", "TransactionConflict"),
    *[error_response(code) for code in sorted(failures.RETRIED_CODES)],
    lost_reply(),
    botocore.exceptions.ConnectTimeoutError(endpoint_url="https://dynamodb.example"),
    botocore.exceptions.EndpointConnectionError(endpoint_url="https://dynamodb.example"),
    botocore.exceptions.ConnectionClosedError(endpoint_url="https://dynamodb.example"),
]


@pytest.mark.parametrize("trouble", PASSING, ids=lambda trouble: str(trouble)[:60])
def test_passing_trouble_is_tried_again_as_the_same_request(
    aws_faults: AwsFaults, trouble: Exception
) -> None:
    aws_faults.before(trouble, times=2)
    store_claim("name")
    tokens = {params["ClientRequestToken"] for params in aws_faults.writes()}
    assert (len(aws_faults.writes()), len(tokens)) == (3, 1)


def test_two_transactions_are_two_requests(aws_faults: AwsFaults) -> None:
    store_claim("one")
    store_claim("two")
    assert len({params["ClientRequestToken"] for params in aws_faults.writes()}) == 2


LASTING = [
    error_response("ValidationException"),
    error_response("AccessDeniedException"),
    error_response("ResourceNotFoundException"),
    error_response("IdempotentParameterMismatchException"),
    transaction_canceled("ValidationError", "TransactionConflict"),
    transaction_canceled("ItemCollectionSizeLimitExceeded"),
    transaction_canceled("None"),
]


@pytest.mark.parametrize("trouble", LASTING, ids=lambda trouble: str(trouble)[:60])
def test_nothing_else_is(aws_faults: AwsFaults, trouble: Exception) -> None:
    aws_faults.before(trouble)
    with pytest.raises(TransactWriteError):
        store_claim("name")
    assert len(aws_faults.writes()) == 1


def test_until_the_deadline_and_then_it_is_busy(aws_faults: AwsFaults) -> None:
    aws_faults.before(transaction_canceled("TransactionConflict"), times=10_000)
    with pytest.raises(Busy) as busy:
        store_claim("name")
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
    aws_faults.before(transaction_canceled("TransactionConflict"), times=10_000)
    with pytest.raises(Busy):
        store_claim("name")
    lows, highs = zip(*asked, strict=True)
    assert set(lows) == {0}, "full jitter"
    assert highs[:4] == (0.02, 0.04, 0.08, 0.16)
    assert max(highs) == transactions.LONGEST_PAUSE_SECONDS


def test_an_unhurried_deadline_leaves_many_attempts(aws_faults: AwsFaults) -> None:
    aws_faults.before(transaction_canceled("TransactionConflict"), times=8)
    store_claim("name")
    assert len(aws_faults.pauses) == 8


def with_witness(tx: Transaction) -> None:
    change_owner(tx, "counter", "you")
    tx.put_commit_marker(Claim("witness", owner="me"))


def test_a_lost_reply_is_found_out_by_the_witness(aws_faults: AwsFaults) -> None:
    """moto, unlike DynamoDB, forgets request tokens: the second attempt finds the first."""
    store_claim("counter")
    aws_faults.after(lost_reply())
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
        raise lost_reply()

    return lose


def test_a_reply_lost_at_the_deadline_is_asked_for_once_more(aws_faults: AwsFaults) -> None:
    store_claim("counter")
    aws_faults.after(too_late(aws_faults))
    tx = Transaction()
    with_witness(tx)
    tx.commit()
    row = get(Claim, "counter")
    assert row is not None
    assert (row.owner, row.version) == ("you", 2), "once"


def test_what_cannot_be_seen_is_said(aws_faults: AwsFaults) -> None:
    aws_faults.before(too_late(aws_faults))
    aws_faults.before(lost_reply(), times=10_000)
    with pytest.raises(Busy, match="could not confirm"):
        store_claim("name")
    assert len(aws_faults.writes()) == 2


def test_a_lost_request_is_sent_again(aws_faults: AwsFaults) -> None:
    store_claim("counter")
    aws_faults.before(lost_reply())
    tx = Transaction()
    with_witness(tx)
    tx.commit()
    row = get(Claim, "counter")
    assert row is not None
    assert row.version == 2
