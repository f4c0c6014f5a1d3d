"""Emptying the tables between tests, filling them as they once were, and looking at all of them."""

import json
from collections import defaultdict
from copy import deepcopy
from typing import Any

from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID

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
