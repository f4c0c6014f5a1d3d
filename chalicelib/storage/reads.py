"""Reads for all tables: pages of a query, rows by key, and rows from several tables."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pynamodb.constants import BATCH_GET_ITEM
from pynamodb.exceptions import QueryError
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import Index
from pynamodb.pagination import PageIterator

from chalicelib.errors import Busy, InvalidRequest
from chalicelib.storage import retries
from chalicelib.storage.connection import connection
from chalicelib.storage.rows import AnyIndex, Item, Row, key_columns

R = TypeVar("R", bound=Row)
T = TypeVar("T")

BATCH_GET_LIMIT = 100
MAX_FILTERED_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list. `next_cursor` leads to the next page; it is None on the last one."""

    rows: list[T]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Pagination:
    limit: int = 25
    cursor: str | None = None


def get(model: type[R], hash_key: str, range_key: str | None = None) -> R | None:
    """Return one row, or None if it does not exist. The read is consistent. Raises Busy."""
    try:
        return model.get(hash_key, range_key, consistent_read=True)
    except model.DoesNotExist:
        return None


def query_page(
    model: type[R],
    partition: str,
    request: Pagination,
    *,
    index: Index[R] | None = None,
    range_condition: Condition | None = None,
    filter_condition: Condition | None = None,
    newest_first: bool = False,
) -> Page[R]:
    """Return a page of one partition. Rows found in an index are then read in full from the table.

    With a filter, it keeps reading until the page is full or it has read MAX_FILTERED_ROWS rows.
    Such a page can be short, or empty, and still have a cursor to continue from.
    Raises Busy, and InvalidRequest for a cursor that is malformed or belongs to another list.
    """
    scope = _scope(model, partition, index, range_condition)
    start = _decode(request.cursor, scope, partition, model, index) if request.cursor else None
    source: Any = model if index is None else index  # Any: PynamoDB gives them no common type
    consistent = {} if index is not None else {"consistent_read": True}
    found = source.query(
        partition,
        range_condition,
        filter_condition=filter_condition,
        scan_index_forward=not newest_first,
        page_size=request.limit + 1,
        last_evaluated_key=start,
        **consistent,
    )
    try:
        rows, position = _read_until(model, found.page_iter, request.limit + 1)
    except QueryError as error:
        # DynamoDB refuses a position outside the list, so the cursor is from another list.
        if start and error.cause_response_code == "ValidationException":
            raise _invalid_cursor() from error
        raise
    if len(rows) > request.limit:
        rows = rows[: request.limit]
        position = rows[-1]
    cursor = _encode(position, scope, model, index) if position is not None else None
    if index is not None:
        rows = batch_get(model, rows)
    return Page(rows, cursor)


def _read_until(model: type[R], pages: PageIterator[Item], wanted: int) -> tuple[list[R], R | None]:
    """Read until at least `wanted` rows match. Each page read is larger than the one before.

    If MAX_FILTERED_ROWS rows have been read without enough matches, stop and also return the
    position to continue from, as a row that has only its key.
    """
    rows: list[R] = []
    for page in pages:
        rows += map(model.from_raw_data, page["Items"])
        last_key = pages.last_evaluated_key
        if last_key is None or len(rows) >= wanted:
            break
        if pages.total_scanned_count >= MAX_FILTERED_ROWS:
            return rows, model.from_raw_data(last_key)
        pages.page_size = min(4 * (pages.page_size or wanted), MAX_FILTERED_ROWS)
    return rows, None


def filter_page(
    read: Callable[[Pagination], Page[R]],
    request: Pagination,
    keep: Callable[[R], bool],
    *,
    most: int = 500,
    exact: bool = False,
) -> Page[R]:
    """Return a page of rows that `keep` accepts, for a filter that no index supports.

    To limit the cost, it stops after about `most` rows. The page can be short, or empty, and still
    have a cursor to continue from. It can also be longer than requested, unless it must be `exact`.
    """
    found: list[R] = []
    cursor, rows_read, limit = request.cursor, 0, request.limit
    while True:
        page = read(Pagination(limit, cursor))
        found += filter(keep, page.rows)
        cursor = page.next_cursor
        rows_read += limit
        if cursor is None or len(found) >= request.limit or rows_read >= most:
            return Page(found, cursor)
        limit = request.limit - len(found) if exact else BATCH_GET_LIMIT


def batch_get(
    model: type[R], keyed: Sequence[R], *, columns: Sequence[str] | None = None
) -> list[R]:
    """Read the rows with the same keys as `keyed`, in the same order.

    Reads all columns unless `columns` is given. Rows that do not exist are left out. Raises Busy.
    """
    names = _key_names(model)
    keys = [tuple(getattr(row, name) for name in names) for row in keyed]
    found: dict[tuple[str, ...], R] = {}
    for start in range(0, len(keys), BATCH_GET_LIMIT):
        batch = dict.fromkeys(keys[start : start + BATCH_GET_LIMIT])
        for row in _get_batch(model, names, list(batch), columns):
            found[tuple(getattr(row, name) for name in names)] = row
    return [found[key] for key in keys if key in found]


def _get_batch(
    model: type[R],
    names: list[str],
    keys: list[tuple[str, ...]],
    columns: Sequence[str] | None,
) -> Iterator[R]:
    """Read one batch. PynamoDB's `batch_get` would ask for what is left without pause or limit."""
    table = model._get_connection()
    left: Any = [  # Any: PynamoDB declares the keys as strings, but sends them as they are
        {name: {"S": part} for name, part in zip(names, key, strict=True)} for key in keys
    ]
    for _ in retries.attempts():  # again for the keys that DynamoDB had no capacity for
        answer = table.batch_get_item(left, consistent_read=True, attributes_to_get=columns)
        yield from map(model.from_raw_data, answer["Responses"].get(table.table_name, []))
        left = (answer.get("UnprocessedKeys") or {}).get(table.table_name, {}).get("Keys", [])
        if not left:
            return
    raise Busy(log_detail=f"BatchGetItem left {len(left)} keys of {model.noun}")


def get_one_of_each(*wanted: tuple[type[Row], *tuple[str, ...]]) -> list[Row | None]:
    """Read one row from each of several tables in one round trip. The reads are consistent.

    Each row is given as (model, hash key) or (model, hash key, range key). Raises Busy.
    """
    request: dict[str, object] = {}
    for model, *values in wanted:
        table = model._get_connection().table_name
        key = {name: {"S": value} for name, value in zip(_key_names(model), values, strict=True)}
        request[table] = {"Keys": [key], "ConsistentRead": True}
    items: dict[str, Item] = {}
    for _ in retries.attempts():  # again for the keys that DynamoDB had no capacity for
        answer = connection().dispatch(BATCH_GET_ITEM, {"RequestItems": request})
        items |= {table: rows[0] for table, rows in answer["Responses"].items() if rows}
        request = answer.get("UnprocessedKeys") or {}
        if not request:
            break
    else:
        raise Busy(log_detail=f"BatchGetItem left keys of {', '.join(request)}")
    found: list[Row | None] = []
    for model, *_ in wanted:
        item = items.get(model._get_connection().table_name)
        found.append(model.from_raw_data(item) if item else None)
    return found


def iterate_partition(
    model: type[R],
    partition: str,
    **query: Any,  # Any: options of PynamoDB's query
) -> Iterator[R]:
    """Yield all rows in one partition, with one page in memory at a time. Raises Busy."""
    yield from model.query(partition, consistent_read=True, **query)


def iterate_index(
    index: Index[R],
    partition: str,
    range_condition: Condition | None = None,
    **query: Any,  # Any: options of PynamoDB's query
) -> Iterator[R]:
    """Yield all rows in one partition of an index, like `iterate_partition`.

    They have only the columns that the index projects, and the index can lag behind the table.
    """
    yield from index.query(partition, range_condition, **query)


def iterate_table(
    model: type[R],
    **scan: Any,  # Any: options of PynamoDB's scan
) -> Iterator[R]:
    """Yield all rows of a table, with one page in memory at a time. Raises Busy."""
    yield from model.scan(consistent_read=True, **scan)


def count_partition(
    model: type[R], partition: str, *, filter_condition: Condition | None = None
) -> int:
    """Return the number of rows in one partition that match the filter. Raises Busy."""
    return model.count(partition, filter_condition=filter_condition, consistent_read=True)


def _key_names(source: type[Row] | AnyIndex) -> list[str]:
    return [key.attr_name for key in key_columns(source) if key is not None]


def _cursor_keys(model: type[Row], index: AnyIndex | None) -> list[str]:
    """Return the key columns of a position in the list, except for the list's partition key."""
    if index is None:
        return _key_names(model)[1:]
    hash_name, *rest = _key_names(index)
    return [name for name in dict.fromkeys([*_key_names(model), *rest]) if name != hash_name]


def _scope(
    model: type[Row], partition: str, index: AnyIndex | None, condition: Condition | None
) -> str:
    """Return a digest that identifies the list, so that its cursors are refused for any other."""
    parts = (model.noun, partition, index and index.Meta.index_name, str(condition))
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def _encode(row: Row, scope: str, model: type[Row], index: AnyIndex | None) -> str:
    position = [getattr(row, name) for name in _cursor_keys(model, index)]
    return base64.urlsafe_b64encode(json.dumps([scope, *position]).encode()).decode().rstrip("=")


def _decode(
    cursor: str, scope: str, partition: str, model: type[Row], index: AnyIndex | None
) -> dict[str, dict[str, str]]:
    names = _cursor_keys(model, index)
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        decoded = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        decoded = None
    if (
        not isinstance(decoded, list)
        or len(decoded) != len(names) + 1
        or decoded[0] != scope
        or not all(isinstance(part, str) and _is_valid_key(part) for part in decoded)
    ):
        raise _invalid_cursor()
    hash_key = _key_names(index or model)[0]
    position = {hash_key: partition, **dict(zip(names, decoded[1:], strict=True))}
    return {name: {"S": value} for name, value in position.items()}


def _is_valid_key(part: str) -> bool:
    """Return whether this is a valid sort key: 1 to 1024 bytes of UTF-8, so no lone surrogates."""
    return 0 < len(part.encode(errors="replace")) <= 1024 and part.isprintable()


def _invalid_cursor() -> InvalidRequest:
    return InvalidRequest.of("cursor", "This cursor does not belong to this list.")
