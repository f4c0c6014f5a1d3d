"""The one connection to DynamoDB, and what becomes of calls that fail because of load or network.

Every call of the product goes through here. So none of them needs to handle such failures itself,
and none can forget to: they all raise Busy, even in the middle of an iteration. Only transactions
see the original error, because they retry on their own.
"""

from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.connection import Connection
from pynamodb.constants import (
    BATCH_WRITE_ITEM,
    DELETE_ITEM,
    PUT_ITEM,
    TRANSACT_WRITE_ITEMS,
    UPDATE_ITEM,
)

from chalicelib.errors import Busy
from chalicelib.settings import ConfigurationError, settings
from chalicelib.storage.failures import is_transient, was_rejected

CONNECT_TIMEOUT_SECONDS = 1
READ_TIMEOUT_SECONDS = 3
Document = dict[str, Any]  # Any: DynamoDB's own JSON, which botocore doesn't type
WRITES = frozenset({BATCH_WRITE_ITEM, DELETE_ITEM, PUT_ITEM, UPDATE_ITEM})


class _Connection(Connection):
    def dispatch(self, operation_name: str, operation_kwargs: Document) -> Document:
        try:
            return super().dispatch(operation_name, operation_kwargs)
        except (BotoCoreError, ClientError) as failure:
            if operation_name == TRANSACT_WRITE_ITEMS or not is_transient(failure):
                raise
            unknown = operation_name in WRITES and not was_rejected(failure)
            raise Busy(outcome_unknown=unknown, log_detail=str(failure)) from failure


@cache
def connection() -> Connection:
    """Return one client for all tables, because PynamoDB takes 50 to 100 ms to create each one."""
    created = _Connection(
        connect_timeout_seconds=CONNECT_TIMEOUT_SECONDS,
        read_timeout_seconds=READ_TIMEOUT_SECONDS,
        max_retry_attempts=2,
    )
    created.client.meta.events.register("after-call.dynamodb", _explain_missing_table)
    return created


def _explain_missing_table(parsed: Document, **_: object) -> None:
    """Replace DynamoDB's error, which doesn't name the table or the likely cause."""
    if parsed.get("Error", {}).get("Code") == "ResourceNotFoundException":
        raise ConfigurationError(
            f"A DynamoDB table does not exist. TABLE_PREFIX is {settings().table_prefix}: does "
            "this account and region have tables with that prefix?"
        )
