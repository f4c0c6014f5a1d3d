"""The changes in an audit entry, formatted for pages: each field's value before and after."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from chalicelib.domain.money import money
from chalicelib.services.settings.platform_settings import tiers_of
from chalicelib.settings import settings
from chalicelib.storage.audit import AuditEntry
from chalicelib.web.admin_shell.names import Names
from chalicelib.web.admin_shell.wording import Wording, ids_in
from chalicelib.web.admin_shell.words import FINDING_TITLES, field_label
from chalicelib.web.shell.rendering import View, time_element

LONGEST_VALUE = 160
TIME_COLUMNS = ("_at", "_until")
KIND_WORDS = {str(code): words for code, words in FINDING_TITLES.items()}


def names_in(entries: Sequence[AuditEntry]) -> Names:
    """Look up the names of everything that the entries mention."""
    return Names((entry.reseller_id, id) for entry in entries for id in _mentioned_ids(entry))


def _mentioned_ids(entry: AuditEntry) -> Iterator[str]:
    yield entry.actor
    yield entry.target
    for side, columns in (("before", entry.before or {}), ("after", entry.after or {})):
        for column, value in columns.items():
            if isinstance(value, str):
                yield value
                yield from ids_in(entry.sentences(side, column))


def changes_of(entry: AuditEntry, names: Names) -> list[View]:
    """Return {field, before, after} for each changed field. None means there is no value."""
    before, after = entry.before or {}, entry.after or {}
    return [
        {
            "field": field_label(column),
            "before": _changed_value(entry, "before", column, names),
            "after": _changed_value(entry, "after", column, names),
        }
        for column in dict.fromkeys([*before, *after])
        if before.get(column) is not None or after.get(column) is not None
    ]


def _changed_value(entry: AuditEntry, side: str, column: str, names: Names) -> str | None:
    if f"{side}.{column}" in (entry.messages or {}):
        return Wording(names).linked(entry.sentences(side, column))
    return _format_value(column, (getattr(entry, side) or {}).get(column), names)


def _format_value(column: str, value: object, names: Names) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, Mapping) and "tiers" in value:
        currency = settings().currency
        return ", ".join(
            f"from {tier.from_quantity:,} {money(tier.unit_amount, currency)}"
            for tier in tiers_of(value)
        )
    if isinstance(value, list | tuple):
        return _cut(", ".join(KIND_WORDS.get(str(item), str(item)) for item in value)) or "None"
    if isinstance(value, str):
        return _format_text(column, value, names)
    return _cut(json.dumps(value, ensure_ascii=False, default=str))


def _format_text(column: str, text: str, names: Names) -> str:
    """Show IDs by name, and a time in the reader's time zone."""
    if column.endswith(TIME_COLUMNS):
        with suppress(ValueError):
            return time_element(text)
    return names.linked(_cut(text))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"
