"""CSV answers: for a client that accepts `text/csv`, and for the spreadsheet it opens them in.

A cell that begins like a formula is run as one by a spreadsheet: such texts get a quote in
front, as OWASP's "CSV Injection" says. Numbers are numbers.
"""

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chalicelib.errors import InvalidRequest

MEDIA_TYPE = "text/csv"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
# Lambda answers with 6 MB at most, counted as the JSON that it makes of an answer.
MAX_BYTES = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Csv:
    """What a handler returns in place of its model. rows: as they come, never held at once."""

    filename: str
    columns: Sequence[str]
    rows: Iterable[Sequence[object]]

    def text(self) -> str:
        """RFC 4180. Raises InvalidRequest where it is more than one answer can hold."""
        line = csv.writer(_Line()).writerow
        lines = [line(self.columns)]
        size = 0
        for row in self.rows:
            lines.append(line([escaped(cell) for cell in row]))
            size += len(json.dumps(lines[-1]))
            if size > MAX_BYTES:
                raise InvalidRequest.of(
                    "Accept", "This is too much for one CSV: ask for a shorter period."
                )
        return "".join(lines)


class _Line:
    """What a writer writes to: it hands each line back."""

    def write(self, line: str) -> str:
        return line


def escaped(cell: object) -> object:
    if isinstance(cell, str) and cell.startswith(FORMULA_STARTS):
        return f"'{cell}"
    return "" if cell is None else cell


def is_wanted(accept: str | None) -> bool:
    """Whether a client prefers CSV to JSON: names it, and not JSON before it."""
    kinds = [part.partition(";")[0].strip().lower() for part in (accept or "").split(",")]
    return MEDIA_TYPE in kinds and (
        "application/json" not in kinds or kinds.index(MEDIA_TYPE) < kinds.index("application/json")
    )
