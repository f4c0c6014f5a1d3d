"""Which DynamoDB failures are worth a retry, and which leave the outcome unknown."""

from collections.abc import Sequence

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection
from pynamodb.exceptions import CancellationReason, TransactWriteError

# The codes that botocore makes up for a response that isn't DynamoDB's, but a proxy's on the way.
PROXY_CODES = frozenset({"500", "502", "503", "504"})
# The same failure has one name as an error code and another as a cancellation reason.
RETRIED_CODES = PROXY_CODES | frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
UNKNOWN_OUTCOME_CODES = PROXY_CODES | frozenset(
    {"InternalServerError", "ServiceUnavailable", "TransactionInProgressException"}
)
RETRIED_REASONS = frozenset(
    {"ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"}
)


def is_retriable(failure: TransactWriteError, reasons: Sequence[CancellationReason | None]) -> bool:
    codes = {reason.code for reason in reasons if reason is not None}
    return codes <= RETRIED_REASONS if codes else is_transient(failure.cause)


def is_transient(cause: BaseException | None) -> bool:
    """Return whether a call to DynamoDB failed only because of load or the network."""
    if isinstance(cause, ClientError):
        return cause.response["Error"]["Code"] in RETRIED_CODES
    return isinstance(cause, NoConnection | HTTPClientError)


def was_rejected(cause: BaseException | None) -> bool:
    """Return whether DynamoDB reported that nothing was written."""
    if not isinstance(cause, ClientError):
        return False
    return cause.response["Error"]["Code"] not in UNKNOWN_OUTCOME_CODES
