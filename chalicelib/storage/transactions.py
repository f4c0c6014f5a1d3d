"""All-or-nothing writes, and the errors for refused steps.

PynamoDB sends a transaction's checks, deletes, puts, and updates in that order, and reports
refusals in the same order. Only this module deals with that. It retries only after conflicts,
throttling, and lost responses. Retrying after a lost response is safe: DynamoDB remembers the
request token for ten minutes. If the token is not remembered (in an emulator, or after a longer
pause), the commit marker decides: a row whose ID was generated for this attempt exists only if the
attempt was committed.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from pynamodb.exceptions import CancellationReason, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib import clock
from chalicelib.errors import Busy, VersionConflict
from chalicelib.observability import follow_up
from chalicelib.storage import caches, retries
from chalicelib.storage.connection import connection
from chalicelib.storage.failures import is_retriable, was_rejected
from chalicelib.storage.rows import Column, Row, key_columns

DEADLINE_SECONDS = 4.0

OnRefusal = Exception | Callable[[Any], Exception]  # Any: the row, of the step's own model
"""The error to raise if a step's condition fails, or a function that returns it.

The function is given the row that exists under the step's key, or None."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One write. The refusal of a decisive step outranks all others, because it means that the
    whole transaction was committed earlier."""

    add: Callable[[TransactWrite], None]
    model: type[Row]
    otherwise: OnRefusal | None
    decisive: bool = False

    def error(self, reason: CancellationReason) -> Exception | None:
        if self.otherwise is None or isinstance(self.otherwise, Exception):
            return self.otherwise
        found = self.model.from_raw_data(reason.raw_item) if reason.raw_item else None
        return self.otherwise(found)


class Transaction:
    """Collects steps, then commits all of them or none. Use each instance only once."""

    def __init__(self) -> None:
        self._checks: list[_Step] = []
        self._deletes: list[_Step] = []
        self._puts: list[_Step] = []
        self._updates: list[_Step] = []
        self._after_commit: list[Callable[[], None]] = []
        self._undo: list[Callable[[], None]] = []
        self.now = clock.now()

    def check(
        self,
        model: type[Row],
        hash_key: str,
        range_key: str | None = None,
        *,
        condition: Condition,
        otherwise: Exception,
    ) -> None:
        """Require a condition on a row that this transaction doesn't write."""

        def add(tx: TransactWrite) -> None:
            tx.condition_check(model, hash_key, range_key, condition)

        self._checks.append(_Step(add, model, otherwise))

    def delete(self, row: Row, *, condition: Condition, otherwise: Exception) -> None:
        self._deletes.append(_Step(lambda tx: tx.delete(row, condition), type(row), otherwise))

    def create(self, row: Row, *, otherwise: OnRefusal, by_pool: Set[str] = frozenset()) -> None:
        """Write a row whose key must not exist yet. `by_pool`: see `update`."""
        self._put(row, _key(row).does_not_exist(), otherwise, by_pool=by_pool)

    def put_commit_marker(self, row: Row) -> None:
        """Write a row whose ID was generated for this attempt.

        If the row already exists, an earlier attempt was committed, and `commit` succeeds.
        """
        self._put(row, _key(row).does_not_exist(), None, decisive=True)

    def put(
        self, row: Row, *, condition: Condition, otherwise: OnRefusal, decisive: bool = False
    ) -> None:
        """Write a whole row, replacing the existing one if there is one.

        A row that was read keeps its unknown columns. A new row replaces everything, so put one
        only if the old row has expired or no longer means anything.
        """
        self._put(row, condition, otherwise, decisive=decisive)

    def _put(
        self,
        row: Row,
        condition: Condition,
        otherwise: OnRefusal | None,
        *,
        decisive: bool = False,
        by_pool: Set[str] = frozenset(),
    ) -> None:
        if row.pool_columns - by_pool:
            raise ValueError(f"Only storage/pool.py may write whole rows of {row.noun}.")
        row.created_at = row.updated_at = self.now

        def add(tx: TransactWrite) -> None:
            tx.save(row, condition, return_values="ALL_OLD")

        self._puts.append(_Step(add, type(row), otherwise, decisive))

    def update(
        self,
        row: Row,
        actions: Sequence[Action],
        *,
        condition: Condition,
        otherwise: OnRefusal,
        by_pool: Set[str] = frozenset(),
    ) -> None:
        """Change a row without reading it first. `row` needs only its key.

        Raises ValueError if an action writes a license pool column that is not in `by_pool`. Only
        storage/pool.py may pass `by_pool`.
        """
        model = type(row)
        written = {str(action.values[0]) for action in actions}
        if refused := written & (model.pool_columns - by_pool):
            raise ValueError(f"Only storage/pool.py may write {sorted(refused)}.")
        stamped = [*actions, model.updated_at.set(self.now), model.version.add(1)]

        def add(tx: TransactWrite) -> None:
            tx.update(row, stamped, condition, return_values="ALL_OLD")

        self._updates.append(_Step(add, model, otherwise))

    def change(
        self,
        row: Row,
        changes: Mapping[str, object] = MappingProxyType({}),
        /,
        *,
        still: Condition | None = None,
        otherwise: OnRefusal | None = None,
        by_pool: Set[str] = frozenset(),
        **more: object,
    ) -> None:
        """Change some columns of a row, provided that nobody has changed it since it was read.

        The columns are given as a mapping, as keywords, or both.
        `still` is an extra condition that detects a row deleted and recreated under the same
        key, since versions restart at 1.
        `row` gets the new values immediately, so a response can be rendered before the commit. If
        the commit fails, `row` gets its old values back. A column that is set to None is removed.
        """
        model = type(row)
        columns = {**changes, **more}
        condition = row.unchanged()
        if still is not None:
            condition &= still
        before = {name: getattr(row, name) for name in (*columns, "updated_at", "version")}
        self._undo.append(lambda: _assign(row, before))
        actions: list[Action] = []
        for name, value in columns.items():
            attribute: Column = getattr(model, name)
            actions.append(attribute.remove() if value is None else attribute.set(value))
        error = otherwise or VersionConflict()
        self.update(row, actions, condition=condition, otherwise=error, by_pool=by_pool)
        _assign(row, {**columns, "updated_at": self.now, "version": before["version"] + 1})

    def after_commit(self, action: Callable[[], None]) -> None:
        """Call `action` once the transaction is committed, for example to count it in a metric."""
        self._after_commit.append(action)

    def commit(self) -> None:
        """Commit all steps. Raises the error for the step that was refused, or Busy."""
        steps = [*self._checks, *self._deletes, *self._puts, *self._updates]
        try:
            if steps:
                _write(steps)
        except BaseException:
            for undo in reversed(self._undo):
                undo()
            raise
        finally:  # after a failure too, because its outcome can be unknown
            written = [*self._deletes, *self._puts, *self._updates]
            caches.note_writes(step.model.noun for step in written)
        for action in self._after_commit:
            with follow_up("after a transaction"):
                action()


def _assign(row: Row, columns: Mapping[str, object]) -> None:
    row.missing_columns -= columns.keys()
    for name, value in columns.items():
        setattr(row, name, value)


def _write(steps: Sequence[_Step]) -> None:
    """Write all steps, retrying until the deadline.

    If a response is lost at the deadline, try once more to find out whether the write succeeded.
    """
    token = str(uuid4())
    deadline = retries.monotonic() + DEADLINE_SECONDS
    outcome_unknown = is_last_try = False
    for longest_pause in retries.pauses():
        failure = _attempt(steps, token)
        if failure is None:
            return
        outcome_unknown = outcome_unknown or not was_rejected(failure.cause)
        if retries.monotonic() + longest_pause > deadline:
            if is_last_try or not outcome_unknown:
                raise Busy(
                    outcome_unknown=outcome_unknown, log_detail=_describe_failure(steps, failure)
                ) from failure
            is_last_try = True
        retries.pause(longest_pause)


def _key(row: Row) -> Column:
    return key_columns(type(row))[0]


def _attempt(steps: Sequence[_Step], token: str) -> TransactWriteError | None:
    """Try once. Return None if everything is written, or a failure that a retry might resolve.

    Raises any other failure, or the error for a refused step.
    """
    try:
        with TransactWrite(connection=connection(), client_request_token=token) as tx:
            for step in steps:
                step.add(tx)
    except TransactWriteError as failure:
        reasons = list(failure.cancellation_reasons)
        refused = [
            (step, reason)
            for step, reason in zip(steps, reasons, strict=False)
            if reason is not None and reason.code == "ConditionalCheckFailed"
        ]
        if refused:
            error = _refusal_error(refused)
            if error is None:
                return None
            raise error from failure
        if not is_retriable(failure, reasons):
            raise
        return failure
    return None


def _describe_failure(steps: Sequence[_Step], failure: TransactWriteError) -> str:
    """Return the reason for each refused row, or DynamoDB's own message, for the log."""
    reasons = [
        f"{reason.code} on {step.model.__name__}"
        for step, reason in zip(steps, failure.cancellation_reasons, strict=False)
        if reason is not None
    ]
    return ", ".join(reasons) or str(failure.cause)


def _refusal_error(refused: Sequence[tuple[_Step, CancellationReason]]) -> Exception | None:
    """Return the error to raise, or None if the transaction was in fact committed.

    If several steps were refused, the last one sent determines the error. Updates are sent last,
    and their errors are the most useful: an exhausted pool matters more than a taken slug.
    """
    decisive = [(step, reason) for step, reason in refused if step.decisive]
    if any(step.otherwise is None for step, _ in decisive):
        return None
    step, reason = (decisive or refused)[-1]
    return step.error(reason)
