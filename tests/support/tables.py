"""Emptying the tables between tests, quickly."""

from collections import defaultdict

from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID

from infra.local.aws import REGION


def empty_tables() -> None:
    """Forget every row and every mail that was sent; to delete them one by one takes most of a
    test's time."""
    for table in get_backend("dynamodb")[DEFAULT_ACCOUNT_ID][REGION].tables.values():
        table.items = defaultdict(dict)
    get_backend("ses")[DEFAULT_ACCOUNT_ID][REGION].sent_messages.clear()
