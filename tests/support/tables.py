"""Helpers that read, fill, and empty moto's tables directly."""

import json
from collections import defaultdict
from copy import deepcopy
from typing import Any

from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID

from chalicelib.settings import settings
from chalicelib.storage import caches
from chalicelib.storage.connection import connection
from infra.local.aws import REGION


def empty_tables() -> None:
    """Delete every row and every sent mail.

    Deleting the rows one by one would take most of a test's time.
    """
    for table in tables().values():
        table.items = defaultdict(dict)
    get_backend("ses")[DEFAULT_ACCOUNT_ID][REGION].sent_messages.clear()
    caches.clear()


def copy_rows() -> dict[str, Any]:
    """Return a copy of all rows, for `load_rows`."""
    return {name: deepcopy(table.items) for name, table in tables().items()}


def load_rows(rows: dict[str, Any]) -> None:
    for name, table in tables().items():
        table.items = deepcopy(rows[name])
    caches.clear()


def tables() -> dict[str, Any]:
    """Return moto's tables by name."""
    tables: dict[str, Any] = get_backend("dynamodb")[DEFAULT_ACCOUNT_ID][REGION].tables
    return tables


def comparable_rows() -> dict[str, Any]:
    """Return every row in every table, leaving out when each credential was last used.

    That time is written every few minutes, regardless of the request.
    """
    return {
        name: sorted(_comparable(name, item.to_json()["Attributes"]) for item in table.all_items())
        for name, table in tables().items()
    }


def _comparable(table: str, columns: dict[str, Any]) -> str:
    left_out = {"used_at", "updated_at", "version"} if table.endswith("-credentials") else set()
    return json.dumps({k: v for k, v in columns.items() if k not in left_out}, sort_keys=True)


def stored_items() -> dict[str, list[dict[str, Any]]]:
    """Return every row, by its table's noun, in DynamoDB's own format."""
    prefix = f"{settings().table_prefix}-"
    return {
        name.removeprefix(prefix): [item.to_json()["Attributes"] for item in table.all_items()]
        for name, table in tables().items()
    }


def put_items(items: dict[str, list[dict[str, Any]]]) -> None:
    """Write rows in the format that `stored_items` returns."""
    client = connection().client
    for noun, rows in items.items():
        for row in rows:
            client._make_api_call("PutItem", {"TableName": _table_name(noun), "Item": row})
    caches.clear()


def key_columns(noun: str) -> list[str]:
    """Return the names of a table's key columns, hash key first."""
    table = tables()[_table_name(noun)]
    return [name for name in (table.hash_key_attr, table.range_key_attr) if name]


def _table_name(noun: str) -> str:
    return f"{settings().table_prefix}-{noun}"
