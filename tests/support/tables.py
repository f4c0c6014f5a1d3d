"""Emptying the tables between tests, filling them as they once were, and looking at all of them."""

import json
from collections import defaultdict
from copy import deepcopy
from typing import Any

from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID

from chalicelib.settings import settings
from chalicelib.storage.rows import connection
from infra.local.aws import REGION


def empty_tables() -> None:
    """Forget every row and every mail that was sent; to delete them one by one takes most of a
    test's time."""
    for table in tables().values():
        table.items = defaultdict(dict)
    get_backend("ses")[DEFAULT_ACCOUNT_ID][REGION].sent_messages.clear()


def rows_of_all_tables() -> dict[str, Any]:
    """A copy, for `load_rows`."""
    return {name: deepcopy(table.items) for name, table in tables().items()}


def load_rows(rows: dict[str, Any]) -> None:
    for name, table in tables().items():
        table.items = deepcopy(rows[name])


def tables() -> dict[str, Any]:
    tables: dict[str, Any] = get_backend("dynamodb")[DEFAULT_ACCOUNT_ID][REGION].tables
    return tables


def everything() -> dict[str, Any]:
    """Every row of every table, but for when a credential was last used: that is recorded
    every few minutes, whatever the request."""
    return {
        name: sorted(_told(name, item.to_json()["Attributes"]) for item in table.all_items())
        for name, table in tables().items()
    }


def _told(table: str, columns: dict[str, Any]) -> str:
    used = {"used_at", "updated_at", "version"} if table.endswith("-credentials") else set()
    return json.dumps({k: v for k, v in columns.items() if k not in used}, sort_keys=True)


def stored_items() -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, by the table's noun, in DynamoDB's own format."""
    return {
        _noun(name): [item.to_json()["Attributes"] for item in table.all_items()]
        for name, table in tables().items()
    }


def _noun(table: str) -> str:
    return table.removeprefix(f"{settings().table_prefix}-")


def put_items(items: dict[str, list[dict[str, Any]]]) -> None:
    """Write rows given as `stored_items` returns them."""
    client = connection().client
    for noun, rows in items.items():
        for row in rows:
            table = f"{settings().table_prefix}-{noun}"
            client._make_api_call("PutItem", {"TableName": table, "Item": row})


def key_columns(noun: str) -> list[str]:
    table = tables()[f"{settings().table_prefix}-{noun}"]
    return [name for name in (table.hash_key_attr, table.range_key_attr) if name]
