"""What a run goes through: rows in pieces, each of which can be looked at, or passed over."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from chalicelib.domain.findings import Finding
from chalicelib.services.reconciliation import name_checks
from chalicelib.services.reconciliation.facts import Inspection
from chalicelib.storage.rows import Row

PIECE = 100

R = TypeVar("R", bound=Row)
Position = dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """inspection: the count that the findings rest on, where they do. anew: it was made for
    this piece. notes: what could not be looked at, in sentences."""

    findings: Sequence[Finding] = ()
    inspection: Inspection | None = None
    anew: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """position: where to go on after it. what: for a person, should it be passed over.
    look: may raise; what it finds is not put down yet."""

    position: Position
    what: str
    look: Callable[[], BatchResult]


def row_batches(
    model: type[R],
    after: Position,
    columns: list[str] | None = None,
    *,
    size: int = PIECE,
    partition: str | None = None,
) -> Iterator[tuple[list[R], dict[str, Any]]]:
    """The table's rows, or a partition's, from the one after `after` (a key as DynamoDB writes
    it), and with each piece the key of its last row."""
    rows: list[R] = []
    options: dict[str, Any] = {
        "attributes_to_get": columns,
        "page_size": PIECE,
        "last_evaluated_key": after,
        "consistent_read": True,
    }
    for row in model.query(partition, **options) if partition else model.scan(**options):
        rows.append(row)
        if len(rows) == size:
            yield rows, _key(rows[-1])
            rows = []
    if rows:
        yield rows, _key(rows[-1])


def _key(row: Row) -> dict[str, Any]:
    return {name: {"S": value} for name, value in name_checks.named_key(row).items()}
