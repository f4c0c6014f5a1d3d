"""What every table's rows share: columns, ids, and one connection for all of them."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar

from pynamodb.attributes import Attribute
from pynamodb.connection import Connection
from pynamodb.connection.base import MetaTable
from pynamodb.connection.table import TableConnection
from pynamodb.constants import LIST, MAP, NUMBER, STRING
from pynamodb.indexes import Index
from pynamodb.models import Model
from ulid import ULID

from chalicelib import clock
from chalicelib.settings import ConfigurationError, settings

CONNECT_TIMEOUT_SECONDS = 1
READ_TIMEOUT_SECONDS = 3


def new_id(prefix: str) -> str:
    """A time-ordered id such as `tnt_01JD…`: the prefix and a ULID of now."""
    return f"{prefix}_{ULID.from_datetime(clock.now())}"


def made_at(id: str) -> datetime:
    """The moment that an id of ours was made. Raises ValueError for any other."""
    try:
        return ULID.from_str(id.partition("_")[2]).datetime
    except (OverflowError, OSError) as error:
        raise ValueError(id) from error


def first_id(prefix: str, moment: datetime) -> str:
    """No id of that moment or later is below it."""
    return f"{prefix}_{str(ULID.from_datetime(moment))[:10]}"


@cache
def connection() -> Connection:
    """One client for all tables: each of PynamoDB's own costs 50 to 100 ms of start-up."""
    made = Connection(
        connect_timeout_seconds=CONNECT_TIMEOUT_SECONDS,
        read_timeout_seconds=READ_TIMEOUT_SECONDS,
        max_retry_attempts=2,
    )
    made.client.meta.events.register("after-call.dynamodb", _explain_missing_table)
    return made


def _explain_missing_table(parsed: Mapping[str, Any], **_: Any) -> None:
    """DynamoDB does not say which table it misses, nor could it say why."""
    if parsed.get("Error", {}).get("Code") == "ResourceNotFoundException":
        raise ConfigurationError(
            f"DynamoDB has no such table. TABLE_PREFIX is {settings().table_prefix}: are there "
            "tables of that name in this account and region?"
        )


class Timestamp(Attribute[datetime]):
    """ISO 8601 UTC with milliseconds, as admins read it in the console and clients in JSON."""

    attr_type = STRING

    def serialize(self, value: datetime) -> str:
        return iso(value)

    def deserialize(self, value: str) -> datetime:
        return datetime.fromisoformat(value)


class Integer(Attribute[int]):
    """A whole number; PynamoDB's own NumberAttribute is a float to the type checker."""

    attr_type = NUMBER

    def serialize(self, value: int) -> str:
        return str(value)

    def deserialize(self, value: str) -> int:
        return int(value)


class Expiry(Attribute[datetime]):
    """The moment DynamoDB may delete the row: epoch seconds, as its TTL wants them."""

    attr_type = NUMBER

    def serialize(self, value: datetime) -> str:
        return str(int(value.timestamp()))

    def deserialize(self, value: str) -> datetime:
        return datetime.fromtimestamp(int(value), UTC)


class Texts(Attribute[list[str]]):
    """A list of texts."""

    attr_type = LIST

    def serialize(self, value: Sequence[str]) -> list[dict[str, str]]:
        return [{"S": text} for text in value]

    def deserialize(self, value: Sequence[Mapping[str, str]]) -> list[str]:
        return [item["S"] for item in value]


class Document(Attribute[dict[str, Any]]):
    """A JSON object kept as a DynamoDB map, so that it can be read and edited in the console."""

    attr_type = MAP

    def serialize(self, value: Mapping[str, Any]) -> dict[str, Any]:
        return {key: _to_dynamodb(item) for key, item in value.items()}

    def deserialize(self, value: Mapping[str, Any]) -> dict[str, Any]:
        return {key: _from_dynamodb(item) for key, item in value.items()}


class BrandingDocument(Document):
    """A branding document: texts. Whatever somebody made of the column in the console, the
    row can be read; domain/branding.py takes from it what is valid."""

    def get_value(self, value: dict[str, Any]) -> Any:
        return value.get(self.attr_type, {})

    def deserialize(self, value: Mapping[str, Any]) -> dict[str, Any]:
        return {key: item["S"] for key, item in value.items() if "S" in item}


def _to_dynamodb(value: Any) -> dict[str, Any]:
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int() | float():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case Mapping():
            return {"M": {key: _to_dynamodb(item) for key, item in value.items()}}
        case list() | tuple():
            return {"L": [_to_dynamodb(item) for item in value]}
        case _:
            raise TypeError(f"{type(value).__name__} has no place in a document.")


def _from_dynamodb(value: Mapping[str, Any]) -> Any:
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


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Row(Model):
    """Base of every table's model. `version` counts the row's changes, from 1."""

    noun: ClassVar[str]

    created_at = Timestamp()
    updated_at = Timestamp()
    version = Integer(default_for_new=1)

    class Meta:
        table_name = ""  # by stage, so known only once the settings are: see _get_connection

    @classmethod
    def _get_connection(cls) -> TableConnection:
        if cls._connection is None:
            cls._connection = _table_connection(cls)
        return cls._connection


def differing(row: Row, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the columns whose value is not the row's already."""
    return {name: value for name, value in columns.items() if getattr(row, name) != value}


def key_columns(model: type[Model] | Index[Any]) -> tuple[Attribute[Any], Attribute[Any] | None]:
    """The hash key of a table or index, and its range key if it has one."""
    attributes: dict[str, Attribute[Any]] = (
        model.Meta.attributes if isinstance(model, Index) else dict(model.get_attributes())
    )
    hash_key = next(a for a in attributes.values() if a.is_hash_key)
    return hash_key, next((a for a in attributes.values() if a.is_range_key), None)


def _table_connection(model: type[Row]) -> TableConnection:
    """The shared connection, told this table's keys, as PynamoDB wants them told."""
    name = f"{settings().table_prefix}-{model.noun}"
    # Each model its own Meta: an inherited one is shared, and the last table would win.
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
    with suppress(ValueError):  # known already: by a model of the same table, or by a thread
        table.connection.add_meta_table(meta)
    return table
