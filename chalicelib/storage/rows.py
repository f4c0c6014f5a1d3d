"""What the rows in all tables share: column types, IDs, and how they are read and written.

Code has to handle rows written by other releases, because functions are updated one by one and a
release can be rolled back. So a reader ignores what it does not know, and a writer preserves it:
see Row and from_stored. CONTRIBUTING.md has the rules.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, ClassVar, NoReturn, Self, TypeVar

from pynamodb.attributes import Attribute
from pynamodb.connection.base import MetaTable
from pynamodb.connection.table import TableConnection
from pynamodb.constants import LIST, MAP, NUMBER, STRING
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import Index
from pynamodb.models import Model
from ulid import ULID

from chalicelib import clock
from chalicelib.settings import settings
from chalicelib.storage.connection import connection

T = TypeVar("T")

Item = dict[str, Any]  # Any: a row or a value in DynamoDB's own JSON format
Column = Attribute[Any]  # Any: a column of any type
Columns = dict[str, Any]  # Any: new values by column, each of its column's type
AnyIndex = Index[Any]  # Any: an index of any table


def new_id(prefix: str) -> str:
    """Return a time-ordered ID such as `tnt_01JD…`: the prefix and a ULID of the current time."""
    return f"{prefix}_{ULID.from_datetime(clock.now())}"


def id_created_at(id: str) -> datetime:
    """Return when an ID was generated. Raises ValueError for text that is not one of our IDs."""
    try:
        return ULID.from_str(id.partition("_")[2]).datetime
    except (OverflowError, OSError) as error:
        raise ValueError(id) from error


def lowest_id(prefix: str, at: datetime) -> str:
    """Return a prefix that sorts at or below every ID generated at `at` or later."""
    return f"{prefix}_{str(ULID.from_datetime(at))[:10]}"


class Timestamp(Attribute[datetime]):
    """UTC, in ISO 8601 with milliseconds: readable in the AWS console, and the same as in JSON."""

    attr_type = STRING

    def serialize(self, value: datetime) -> str:
        return iso(value)

    def deserialize(self, value: str) -> datetime:
        return datetime.fromisoformat(value)


class Integer(Attribute[int]):
    """A whole number. To a type checker, PynamoDB's own NumberAttribute holds a float."""

    attr_type = NUMBER

    def serialize(self, value: int) -> str:
        return str(value)

    def deserialize(self, value: str) -> int:
        return int(value)


class Expiry(Attribute[datetime]):
    """When DynamoDB can delete the row, in epoch seconds, as DynamoDB's TTL requires."""

    attr_type = NUMBER

    def serialize(self, value: datetime) -> str:
        return str(int(value.timestamp()))

    def deserialize(self, value: str) -> datetime:
        return datetime.fromtimestamp(int(value), UTC)


class StringList(Attribute[list[str]]):
    attr_type = LIST

    def serialize(self, value: Sequence[str]) -> list[dict[str, str]]:
        return [{"S": text} for text in value]

    def deserialize(self, value: Sequence[Mapping[str, str]]) -> list[str]:
        return [item["S"] for item in value]


class Document(Attribute[dict[str, Any]]):  # Any: JSON
    """A JSON object, stored as a DynamoDB map so that it can be edited in the AWS console."""

    attr_type = MAP

    def serialize(self, value: Mapping[str, object]) -> Item:
        return {key: _to_dynamodb(item) for key, item in value.items()}

    def deserialize(self, value: Item) -> dict[str, Any]:  # Any: JSON
        return {key: _from_dynamodb(item) for key, item in value.items()}


class BrandingDocument(Document):
    """A branding document. domain/branding.py extracts the valid fields from it.

    The row stays readable even if someone changed the column's type in the AWS console.
    """

    def get_value(self, value: Item) -> Item:
        own: Item = value.get(self.attr_type, {})
        return own


def _to_dynamodb(value: object) -> Item:
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int() | float():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case bytes():
            return {"B": value}
        case Mapping():
            return {"M": {key: _to_dynamodb(item) for key, item in value.items()}}
        case list() | tuple():
            return {"L": [_to_dynamodb(item) for item in value]}
        case _:
            raise TypeError(f"A document cannot hold a {type(value).__name__}.")


def _from_dynamodb(value: Item) -> object:
    ((kind, item),) = value.items()
    match kind:
        case "NULL":
            return None
        case "N":
            return int(item) if item.lstrip("-").isdigit() else float(item)
        case "M":
            return {key: _from_dynamodb(inner) for key, inner in item.items()}
        case "L":
            return [_from_dynamodb(inner) for inner in item]
        case _:
            return item


def from_stored(cls: type[T], document: Mapping[str, object], **given: object) -> T:
    """Build a dataclass from a stored document.

    Fields that the class does not have are ignored, and fields missing from the document get the
    class's defaults.
    """
    known = {field.name for field in fields(cls)}  # type: ignore[arg-type]
    return cls(**{name: value for name, value in document.items() if name in known}, **given)


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Row(Model):
    """Base class for all table models.

    `version` counts the row's changes, starting at 1. It is 0 if the stored row has no version.
    `unknown_columns` holds the stored columns that this release does not know, in DynamoDB's own
    format. They are written back when the whole row is put.
    A column that is missing from the stored row reads as its default. `missing_columns` names these
    columns, for the few cases where the default would be dangerous.
    """

    noun: ClassVar[str]
    # The columns that only storage/pool.py may write.
    pool_columns: ClassVar[frozenset[str]] = frozenset()
    unknown_columns: Mapping[str, Item] = MappingProxyType({})
    missing_columns: frozenset[str] = frozenset()

    created_at = Timestamp()
    updated_at = Timestamp()
    version = Integer(default_for_new=1)

    class Meta:
        table_name = ""  # depends on the stage: see _get_connection

    @classmethod
    def from_raw_data(cls, data: Item) -> Self:
        row = super().from_raw_data(data)
        known = cls.get_attributes()
        row.unknown_columns = {name: value for name, value in data.items() if name not in known}
        row.missing_columns = frozenset(known) - data.keys()
        row.version = row.version or 0
        return row

    def serialize(self, null_check: bool = True) -> dict[str, Item]:
        return {**self.unknown_columns, **super().serialize(null_check)}

    @staticmethod
    def _refuse(*_: object, **__: object) -> NoReturn:
        raise TypeError("Write rows in a Transaction, or with a function in storage/writes.py.")

    # PynamoDB's own methods would bypass a transaction's conditions, and its guard of the counters.
    save = update = delete = refresh = batch_write = _refuse

    def unchanged(self) -> Condition:
        """Return the condition that the stored row still has the version that was read."""
        version = type(self).version
        return version == self.version if self.version else version.does_not_exist()

    @classmethod
    def _get_connection(cls) -> TableConnection:
        if cls._connection is None:
            cls._connection = _table_connection(cls)
        return cls._connection


def reads_as(column: Column, value: object) -> Condition:
    """Return a condition that holds if the column reads as `value`.

    A missing column reads as its default, so the condition can hold for a missing row. Combine it
    with `exists()` on the key where that matters.
    """
    condition: Condition = column == value
    return condition | column.does_not_exist() if column.default == value else condition


def changed_columns(row: Row, columns: Mapping[str, object]) -> dict[str, object]:
    """Return the entries in `columns` whose value differs from the row's."""
    return {name: value for name, value in columns.items() if getattr(row, name) != value}


def key_columns(model: type[Model] | AnyIndex) -> tuple[Column, Column | None]:
    """Return the hash key of a table or index, and its range key if it has one."""
    attributes: dict[str, Column] = (
        model.Meta.attributes if isinstance(model, Index) else dict(model.get_attributes())
    )
    hash_key = next(a for a in attributes.values() if a.is_hash_key)
    return hash_key, next((a for a in attributes.values() if a.is_range_key), None)


def _table_connection(model: type[Row]) -> TableConnection:
    """Return the shared connection, with this table's keys added in the form PynamoDB needs."""
    name = f"{settings().table_prefix}-{model.noun}"
    # Each model needs its own Meta: a shared one would get the name of the last table.
    model.Meta = type("Meta", (model.Meta,), {"table_name": name})  # type: ignore[misc, assignment]
    schema = model._get_schema()
    meta = MetaTable(
        {
            "TableName": name,
            "KeySchema": schema["key_schema"],
            "AttributeDefinitions": schema["attribute_definitions"],
            "GlobalSecondaryIndexes": [
                {"IndexName": index["index_name"], "KeySchema": index["key_schema"]}
                for index in schema["global_secondary_indexes"]
            ],
            "LocalSecondaryIndexes": [],
        }
    )
    table = TableConnection(name)
    table.connection = connection()
    with suppress(ValueError):  # already added, by another model for the table or another thread
        table.connection.add_meta_table(meta)
    return table
