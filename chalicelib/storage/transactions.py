"""All-or-nothing writes, and what each step's refusal means.

PynamoDB sends a transaction as checks, deletes, puts, updates and reports refusals in that
order; this module alone knows it. Only conflicts, throttling and lost replies are tried
again. A lost reply is harmless: DynamoDB remembers the request token for ten minutes, and
where it does not (an emulator, a longer pause) the witness tells: a row whose id was made
for this very attempt can be there already only if the attempt was committed.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection
from pynamodb.attributes import Attribute
from pynamodb.exceptions import CancellationReason, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib import clock
from chalicelib.errors import Busy, VersionConflict
from chalicelib.storage.rows import Row, connection, key_columns

DEADLINE_SECONDS = 4.0
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.5

# The same facts carry one name as an answer and another as the reason of a cancellation.
RETRIED_CODES = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
UNTOLD_CODES = frozenset(
    {"InternalServerError", "ServiceUnavailable", "TransactionInProgressException"}
)
RETRIED_REASONS = frozenset(
    {"ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"}
)

OnRefusal = Exception | Callable[[Any], Exception]
"""The error when a step's condition fails, or a function that is given the row found there
(None where there was none) and returns the error."""

sleep = time.sleep
monotonic = time.monotonic


@dataclass(frozen=True, slots=True)
class _Step:
    """One write. A decisive step's refusal outranks the others': it means that the whole
    transaction was carried out before."""

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
    """Collects steps, then commits all of them or none. Use it once."""

    def __init__(self) -> None:
        self._checks: list[_Step] = []
        self._deletes: list[_Step] = []
        self._puts: list[_Step] = []
        self._updates: list[_Step] = []
        self._then: list[Callable[[], None]] = []
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
        """Write nothing, but let the rest happen only if `condition` holds of this row."""

        def add(tx: TransactWrite) -> None:
            tx.condition_check(model, hash_key, range_key, condition)

        self._checks.append(_Step(add, model, otherwise))

    def delete(self, row: Row, *, condition: Condition, otherwise: Exception) -> None:
        self._deletes.append(_Step(lambda tx: tx.delete(row, condition), type(row), otherwise))

    def create(self, row: Row, *, otherwise: OnRefusal) -> None:
        """Write a row that must not be there yet."""
        self.put(row, condition=_key(row).does_not_exist(), otherwise=otherwise)

    def witness(self, row: Row) -> None:
        """Write a row whose id was made for this attempt; if it is there, all of it is."""
        self._put(row, _key(row).does_not_exist(), None, decisive=True)

    def put(
        self, row: Row, *, condition: Condition, otherwise: OnRefusal, decisive: bool = False
    ) -> None:
        self._put(row, condition, otherwise, decisive=decisive)

    def _put(
        self, row: Row, condition: Condition, otherwise: OnRefusal | None, *, decisive: bool
    ) -> None:
        row.created_at = row.updated_at = self.now

        def add(tx: TransactWrite) -> None:
            tx.save(row, condition, return_values="ALL_OLD")

        self._puts.append(_Step(add, type(row), otherwise, decisive))

    def update(
        self, row: Row, actions: Sequence[Action], *, condition: Condition, otherwise: OnRefusal
    ) -> None:
        """Change a row without having read it; `row` need only carry its key."""
        model = type(row)
        stamped = [*actions, model.updated_at.set(self.now), model.version.add(1)]

        def add(tx: TransactWrite) -> None:
            tx.update(row, stamped, condition, return_values="ALL_OLD")

        self._updates.append(_Step(add, model, otherwise))

    def change(
        self,
        row: Row,
        *,
        still: Condition | None = None,
        otherwise: OnRefusal | None = None,
        **columns: Any,
    ) -> None:
        """Change a row as it was read: refused where another change came first.

        still: what tells the row from one that was made anew under its key since, where rows
        can be; versions begin at 1 again.
        The row in hand takes the new values at once, so that an answer can be rendered from
        it before the commit; where that fails, the row gets its old ones back. None removes a
        column.
        """
        model = type(row)
        read_version = row.version
        before = {name: getattr(row, name) for name in (*columns, "updated_at", "version")}
        self._undo.append(lambda: _assign(row, before))
        actions: list[Action] = []
        for name, value in columns.items():
            attribute: Attribute[Any] = getattr(model, name)
            actions.append(attribute.remove() if value is None else attribute.set(value))
        condition = model.version == read_version
        if still is not None:
            condition &= still
        self.update(row, actions, condition=condition, otherwise=otherwise or VersionConflict())
        _assign(row, {**columns, "updated_at": self.now, "version": read_version + 1})

    def afterwards(self, tell: Callable[[], None]) -> None:
        """Call this once all of it is written: to count it, say."""
        self._then.append(tell)

    def commit(self) -> None:
        """Write everything. Raises the error of the step that was refused, or Busy."""
        steps = [*self._checks, *self._deletes, *self._puts, *self._updates]
        try:
            if steps:
                _write(steps)
        except BaseException:
            for undo in reversed(self._undo):
                undo()
            raise
        for tell in self._then:
            tell()


def _assign(row: Row, columns: dict[str, Any]) -> None:
    for name, value in columns.items():
        setattr(row, name, value)


def _write(steps: Sequence[_Step]) -> None:
    """A lost reply at the deadline is worth one attempt more, which would tell."""
    token = str(uuid4())
    deadline = monotonic() + DEADLINE_SECONDS
    pause = FIRST_PAUSE_SECONDS
    unsure = asked = False
    while (failure := _attempt(steps, token)) is not None:
        unsure = unsure or not _was_definitely_rejected(failure.cause)
        if monotonic() + pause > deadline:
            if asked or not unsure:
                raise Busy(unsure=unsure, because=_describe_failure(steps, failure)) from failure
            asked = True
        sleep(random.uniform(0, pause))  # noqa: S311 - jitter, not a secret
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _key(row: Row) -> Attribute[Any]:
    return key_columns(type(row))[0]


def _attempt(steps: Sequence[_Step], token: str) -> TransactWriteError | None:
    """Try once; None where everything is written, else what may have passed by the next time.
    Raises where it is not worth trying again."""
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
            error = _domain_error(refused)
            if error is None:
                return None
            raise error from failure
        if not _is_transient_refusal(failure, reasons):
            raise
        return failure
    return None


def _describe_failure(steps: Sequence[_Step], failure: TransactWriteError) -> str:
    """Which rows met which refusal; or what DynamoDB said, or who did not answer."""
    met = [
        f"{reason.code} on {step.model.__name__}"
        for step, reason in zip(steps, failure.cancellation_reasons, strict=False)
        if reason is not None
    ]
    return ", ".join(met) or str(failure.cause)


def _domain_error(refused: Sequence[tuple[_Step, CancellationReason]]) -> Exception | None:
    """The error to report where several steps were refused at once; None: it was committed.

    Updates come last and say most: a full pool is the news, not that the slug is taken too.
    """
    decisive = [(step, reason) for step, reason in refused if step.decisive]
    if any(step.otherwise is None for step, _ in decisive):
        return None
    step, reason = (decisive or refused)[-1]
    return step.error(reason)


def _is_transient_refusal(
    failure: TransactWriteError, reasons: Sequence[CancellationReason | None]
) -> bool:
    """Whether the trouble may be gone at the next attempt."""
    codes = {reason.code for reason in reasons if reason is not None}
    return codes <= RETRIED_REASONS if codes else is_transient(failure.cause)


def is_transient(cause: BaseException | None) -> bool:
    """Whether what came of a call to DynamoDB is load or a broken line, and no more."""
    if isinstance(cause, ClientError):
        return cause.response["Error"]["Code"] in RETRIED_CODES
    return isinstance(cause, NoConnection | HTTPClientError)


def _was_definitely_rejected(cause: BaseException | None) -> bool:
    """Whether DynamoDB said that nothing was written."""
    return isinstance(cause, ClientError) and cause.response["Error"]["Code"] not in UNTOLD_CODES
