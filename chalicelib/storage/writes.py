"""Writes of rows that need no transaction: nothing else changes with them, and the last one wins.

All other writes are steps of a Transaction, whose conditions keep the data consistent.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from pynamodb.exceptions import PutError
from pynamodb.expressions.update import Action
from pynamodb.models import BatchWrite, Model

from chalicelib import clock
from chalicelib.errors import Busy
from chalicelib.storage import caches
from chalicelib.storage.rows import Row

R = TypeVar("R", bound=Row)


def put(row: Row) -> None:
    """Write a whole row, whatever is stored under its key. Raises Busy."""
    model = type(row)
    _refuse_pool(model)
    row.updated_at = clock.now()
    if row.created_at is None:
        row.created_at = row.updated_at
    else:
        row.version += 1
    with _noted(model):
        Model.save(row)


def upsert(row: Row, actions: Sequence[Action]) -> None:
    """Change columns of a row, or create it. `row` needs only its key. Raises Busy."""
    model = type(row)
    _refuse_pool(model)
    now = clock.now()
    stamps = [
        model.created_at.set(model.created_at | now),
        model.updated_at.set(now),
        model.version.add(1),
    ]
    with _noted(model):
        Model.update(row, [*actions, *stamps])


def put_all(model: type[R], rows: Iterable[R]) -> None:
    """Write whole rows, in no particular order. Raises Busy; some may be written nonetheless."""
    _write_batch(model, put=rows)


def delete_all(model: type[R], rows: Iterable[R]) -> None:
    """Delete rows by their keys, in no particular order. Raises Busy as `put_all` does."""
    _write_batch(model, delete=rows)


def _write_batch(model: type[R], *, put: Iterable[R] = (), delete: Iterable[R] = ()) -> None:
    _refuse_pool(model)
    try:
        with _noted(model), BatchWrite(model) as batch:
            for row in put:
                batch.save(row)
            for row in delete:
                batch.delete(row)
    except PutError as failure:
        if failure.cause is not None:
            raise
        # DynamoDB accepted the calls but left rows out, because it was busy.
        raise Busy(outcome_unknown=True, log_detail=str(failure)) from failure


@contextmanager
def _noted(model: type[Row]) -> Iterator[None]:
    """Note the write, even if it fails, because the outcome can be unknown then."""
    try:
        yield
    finally:
        caches.note_writes([model.noun])


def _refuse_pool(model: type[Row]) -> None:
    if model.pool_columns:
        raise ValueError(f"Rows of {model.noun} are written only in a Transaction.")
