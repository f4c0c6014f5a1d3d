"""Values that are read from tables and kept for a while, or until this process writes the tables.

The modules that write rows tell this one. So a service that writes needs to know nothing about who
keeps what, and can't forget to clear it. Other processes see a change once their value is too old.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from chalicelib import clock

T = TypeVar("T")

ANY_TABLE = ""

_writes: Counter[str] = Counter()


def note_writes(tables: Iterable[str]) -> None:
    """Take note that these tables (by noun) have been written, or may have been."""
    _writes.update(tables)


def clear() -> None:
    """Forget all values. For tests and local edits, which write rows as someone in the console."""
    note_writes([ANY_TABLE])


class Cached(Generic[T]):
    """The result of `read`, up to `kept_for` old. `tables` names, by noun, what it is read from."""

    def __init__(self, read: Callable[[], T], tables: Iterable[str], kept_for: timedelta) -> None:
        self._read = read
        self._tables = (ANY_TABLE, *tables)
        self._kept_for = kept_for
        self._kept: tuple[list[int], datetime, T] | None = None

    def __call__(self) -> T:
        # Taken before reading, so that a write in the meantime makes the value outdated.
        writes = [_writes[table] for table in self._tables]
        kept = self._kept
        if kept is None or kept[0] != writes or not clock.is_recent(kept[1], self._kept_for):
            kept = writes, clock.now(), self._read()
            self._kept = kept
        return kept[2]
