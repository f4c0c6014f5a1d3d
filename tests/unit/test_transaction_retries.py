"""Which transaction failures are retried, for how long, and what a lost response means."""

import random
from collections.abc import Callable

import botocore.exceptions
import pytest
from pynamodb.exceptions import TransactWriteError

from chalicelib.errors import Busy
from chalicelib.storage import failures, retries, transactions
from chalicelib.storage.claims import Claim, owner_of
from chalicelib.storage.reads import get
from chalicelib.storage.transactions import Transaction
from tests.support.aws_faults import AwsFaults, error_response, lost_reply, transaction_canceled
from tests.support.claims import change_owner, store_claim

TRANSIENT: list[Exception] = [
    transaction_canceled("TransactionConflict"),
    transaction_canceled("None", "ThrottlingError"),
    transaction_canceled("ProvisionedThroughputExceeded", "TransactionConflict"),
    *[error_response(code) for code in sorted(failures.RETRIED_CODES)],
    lost_reply(),
    botocore.exceptions.ConnectTimeoutError(endpoint_url="https://dynamodb.example"),
    botocore.exceptions.EndpointConnectionError(endpoint_url="https://dynamodb.example"),
    botocore.exceptions.ConnectionClosedError(endpoint_url="https://dynamodb.example"),
]


@pytest.mark.parametrize("failure", TRANSIENT, ids=lambda failure: str(failure)[:60])
def test_a_transient_failure_is_retried_with_the_same_token(
    aws_faults: AwsFaults, failure: Exception
) -> None:
    aws_faults.before(failure, times=2)
    store_claim("name")
    tokens = {params["ClientRequestToken"] for params in aws_faults.writes()}
    assert (len(aws_faults.writes()), len(tokens)) == (3, 1)


def test_each_transaction_has_its_own_token(aws_faults: AwsFaults) -> None:
    store_claim("one")
    store_claim("two")
    assert len({params["ClientRequestToken"] for params in aws_faults.writes()}) == 2


PERMANENT = [
    error_response("ValidationException"),
    error_response("AccessDeniedException"),
    error_response("ResourceNotFoundException"),
    error_response("IdempotentParameterMismatchException"),
    transaction_canceled("ValidationError", "TransactionConflict"),
    transaction_canceled("ItemCollectionSizeLimitExceeded"),
    transaction_canceled("None"),
]


@pytest.mark.parametrize("failure", PERMANENT, ids=lambda failure: str(failure)[:60])
def test_a_permanent_failure_is_not_retried(aws_faults: AwsFaults, failure: Exception) -> None:
    aws_faults.before(failure)
    with pytest.raises(TransactWriteError):
        store_claim("name")
    assert len(aws_faults.writes()) == 1


def test_retries_stop_at_the_deadline_with_busy(aws_faults: AwsFaults) -> None:
    aws_faults.before(transaction_canceled("TransactionConflict"), times=10_000)
    with pytest.raises(Busy) as busy:
        store_claim("name")
    assert busy.value.retry_after >= 1
    assert aws_faults.seconds <= transactions.DEADLINE_SECONDS
    assert owner_of("name") is None


def test_pauses_grow_and_have_full_jitter(
    aws_faults: AwsFaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranges: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        ranges.append((low, high))
        return high

    monkeypatch.setattr(random, "uniform", uniform)
    aws_faults.before(transaction_canceled("TransactionConflict"), times=10_000)
    with pytest.raises(Busy):
        store_claim("name")
    lows, highs = zip(*ranges, strict=True)
    assert set(lows) == {0}, "full jitter"
    assert highs[:4] == (0.02, 0.04, 0.08, 0.16)
    assert max(highs) == retries.LONGEST_PAUSE_SECONDS


def test_the_deadline_allows_many_attempts(aws_faults: AwsFaults) -> None:
    aws_faults.before(transaction_canceled("TransactionConflict"), times=8)
    store_claim("name")
    assert len(aws_faults.pauses) == 8


def marked_change() -> Transaction:
    """Return a transaction with a change and a commit marker."""
    tx = Transaction()
    change_owner(tx, "counter", "you")
    tx.put_commit_marker(Claim("marker", owner="me"))
    return tx


def assert_changed_once() -> None:
    row = get(Claim, "counter")
    assert row is not None
    assert (row.owner, row.version) == ("you", 2)


def test_after_a_lost_response_the_commit_marker_shows_the_commit(
    aws_faults: AwsFaults,
) -> None:
    """Unlike DynamoDB, moto forgets request tokens, so the retry finds the first attempt's rows."""
    store_claim("counter")
    aws_faults.after(lost_reply())
    marked_change().commit()
    assert_changed_once()


def lose_reply_at_deadline(aws_faults: AwsFaults) -> Callable[[], object]:
    """Return a fault that loses the response once all the time is used up."""

    def lose() -> object:
        aws_faults.seconds += transactions.DEADLINE_SECONDS
        raise lost_reply()

    return lose


def test_a_response_lost_at_the_deadline_is_followed_by_another_attempt(
    aws_faults: AwsFaults,
) -> None:
    store_claim("counter")
    aws_faults.after(lose_reply_at_deadline(aws_faults))
    marked_change().commit()
    assert_changed_once()


def test_busy_says_if_the_outcome_is_unknown(aws_faults: AwsFaults) -> None:
    aws_faults.before(lose_reply_at_deadline(aws_faults))
    aws_faults.before(lost_reply(), times=10_000)
    with pytest.raises(Busy, match="could not confirm"):
        store_claim("name")
    assert len(aws_faults.writes()) == 2


def test_a_lost_request_is_resent(aws_faults: AwsFaults) -> None:
    store_claim("counter")
    aws_faults.before(lost_reply())
    marked_change().commit()
    assert_changed_once()
