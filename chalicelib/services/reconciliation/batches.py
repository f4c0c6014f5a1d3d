"""Batches of rows. A run checks one batch at a time and can skip a batch that keeps failing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from chalicelib.domain.findings import Finding
from chalicelib.domain.messages import Sentences
from chalicelib.services.reconciliation import name_checks
from chalicelib.services.reconciliation.facts import Inspection
from chalicelib.storage.reads import iterate_partition, iterate_table
from chalicelib.storage.rows import Item, Row, key_columns

BATCH_SIZE = 100

R = TypeVar("R", bound=Row)
Position = dict[str, Any] | None  # Any: stored JSON, which each phase reads back


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What checking a batch found.

    Attributes:
        inspection: The snapshot that the findings are based on, if any.
        counts_reseller: Whether the report should count the inspected reseller as checked.
        notes: What could not be checked.
    """

    findings: Sequence[Finding] = ()
    inspection: Inspection | None = None
    counts_reseller: bool = False
    notes: Sentences = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """One unit of work.

    Attributes:
        position: Where to continue after this batch.
        if_skipped: The report's note if the batch is skipped.
        check: Checks the batch. It can raise, and it saves no findings.
    """

    position: Position
    if_skipped: Sentences
    check: Callable[[], BatchResult]


def row_batches(
    model: type[R],
    after: Position,
    columns: list[str] | None = None,
    *,
    size: int = BATCH_SIZE,
    partition: str | None = None,
) -> Iterator[tuple[list[R], Item]]:
    """Yield the rows of a table or partition in batches, each with the key of its last row.

    `after` is the key to start after, in DynamoDB's format. A later release may have added names to
    it.
    """
    rows: list[R] = []
    keys = [key.attr_name for key in key_columns(model) if key is not None]
    options: dict[str, Any] = {  # Any: options of PynamoDB's query
        "attributes_to_get": columns,
        "page_size": BATCH_SIZE,
        "last_evaluated_key": {name: after[name] for name in keys} if after else None,
    }
    found = (
        iterate_partition(model, partition, **options)
        if partition
        else iterate_table(model, **options)
    )
    for row in found:
        rows.append(row)
        if len(rows) == size:
            yield rows, _dynamodb_key(rows[-1])
            rows = []
    if rows:
        yield rows, _dynamodb_key(rows[-1])


def _dynamodb_key(row: Row) -> Item:
    return {name: {"S": value} for name, value in name_checks.key_values(row).items()}
