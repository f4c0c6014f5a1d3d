"""CSV responses, for clients that accept `text/csv`.

Spreadsheets execute a cell that begins like a formula. A single quote at the start of the cell
prevents that, as OWASP's "CSV Injection" page recommends. Numbers are left unchanged.
"""

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chalicelib.errors import InvalidRequest

MEDIA_TYPE = "text/csv"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
# Lambda limits a response to 6 MB, measured after it has been encoded as JSON.
MAX_BYTES = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Csv:
    """A CSV result that a handler can return instead of its JSON model.

    `rows` is read only once.
    """

    filename: str
    columns: Sequence[str]
    rows: Iterable[Sequence[object]]

    def text(self) -> str:
        """Return the file's text (RFC 4180). Raises InvalidRequest if it exceeds MAX_BYTES."""
        format_line = csv.writer(_Passthrough()).writerow
        lines = [format_line(self.columns)]
        size = 0
        for row in self.rows:
            lines.append(format_line([escape_formula(cell) for cell in row]))
            size += len(json.dumps(lines[-1]))
            if size > MAX_BYTES:
                raise InvalidRequest.of(
                    "Accept", "This CSV file would be too large. Request a shorter period."
                )
        return "".join(lines)


class _Passthrough:
    """A file-like object whose `write` returns the text, so that csv.writer returns each line."""

    def write(self, line: str) -> str:
        return line


def escape_formula(cell: object) -> object:
    if isinstance(cell, str) and cell.startswith(FORMULA_STARTS):
        return f"'{cell}"
    return "" if cell is None else cell


def prefers_csv(accept: str | None) -> bool:
    """Return whether an Accept header lists CSV and doesn't list JSON before it."""
    types = [part.partition(";")[0].strip().lower() for part in (accept or "").split(",")]
    return MEDIA_TYPE in types and (
        "application/json" not in types or types.index(MEDIA_TYPE) < types.index("application/json")
    )
