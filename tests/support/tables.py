"""Emptying the tables between tests, or filling them as they once were, quickly."""

from collections import defaultdict
from copy import deepcopy
from typing import Any

from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID

from infra.local.aws import REGION


def empty_tables() -> None:
    """Forget every row and every mail that was sent; to delete them one by one takes most of a
    test's time."""
    for table in _tables().values():
        table.items = defaultdict(dict)
    get_backend("ses")[DEFAULT_ACCOUNT_ID][REGION].sent_messages.clear()


def rows_of_all_tables() -> dict[str, Any]:
    """A copy, for `put_back`."""
    return {name: deepcopy(table.items) for name, table in _tables().items()}


def put_back(rows: dict[str, Any]) -> None:
    for name, table in _tables().items():
        table.items = deepcopy(rows[name])


def _tables() -> dict[str, Any]:
    tables: dict[str, Any] = get_backend("dynamodb")[DEFAULT_ACCOUNT_ID][REGION].tables
    return tables
