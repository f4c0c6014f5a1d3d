"""Editing the tables as a person at the AWS console could: no version, no ledger, no claim."""

from typing import Any

from chalicelib.services.reconciliation.names import named_key
from chalicelib.storage.rows import Row, connection


def edit(row: Row, **columns: Any) -> None:
    """Set columns (None: remove) behind the service's back."""
    item = stored(row)
    for name, value in columns.items():
        attribute = type(row).get_attributes()[name]
        item.pop(name, None)
        if value is not None:
            item[name] = {attribute.attr_type: attribute.serialize(value)}
    _put(row, item)


def edit_raw(row: Row, **columns: dict[str, Any]) -> None:
    """Set columns as DynamoDB writes them, of whatever type."""
    _put(row, stored(row) | columns)


def remove(row: Row) -> None:
    key = {name: {"S": value} for name, value in named_key(row).items()}
    _call("DeleteItem", TableName=_table(row), Key=key)


def duplicate(row: Row, **key: str) -> None:
    """The console's "Duplicate item": the same row under another key."""
    _put(row, stored(row) | {name: {"S": value} for name, value in key.items()})


def stored(row: Row) -> dict[str, Any]:
    """The row as DynamoDB has it."""
    key = {name: {"S": value} for name, value in named_key(row).items()}
    item: dict[str, Any] = _call("GetItem", TableName=_table(row), Key=key, ConsistentRead=True)
    return dict(item["Item"])


def _put(row: Row, item: dict[str, Any]) -> None:
    _call("PutItem", TableName=_table(row), Item=item)


def _table(row: Row) -> str:
    return type(row)._get_connection().table_name


def _call(operation: str, **parameters: Any) -> Any:
    return connection().client._make_api_call(operation, parameters)
