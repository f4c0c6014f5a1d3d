"""The changes in an audit entry, formatted for pages: each field's value before and after."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chalicelib.domain.money import money
from chalicelib.services.settings.platform_settings import tiers_of
from chalicelib.settings import settings
from chalicelib.storage.audit import AuditEntry
from chalicelib.web.admin_shell.names import Names
from chalicelib.web.admin_shell.words import FINDING_TITLES, field_label

LONGEST_VALUE = 160
KIND_WORDS = {str(code): words for code, words in FINDING_TITLES.items()}


def mentioned_texts(entries: Sequence[AuditEntry]) -> Iterator[tuple[str | None, str | None]]:
    """Yield the texts in the entries that can contain IDs, in the form that `Names` expects."""
    for entry in entries:
        yield entry.reseller_id, entry.actor
        yield entry.reseller_id, entry.target
        for value in [*(entry.before or {}).values(), *(entry.after or {}).values()]:
            if isinstance(value, str):
                yield entry.reseller_id, value


def changes_of(entry: AuditEntry, names: Names) -> list[dict[str, Any]]:
    """Return {field, before, after} for each changed field. None means there is no value."""
    before, after = entry.before or {}, entry.after or {}
    return [
        {
            "field": field_label(column),
            "before": _format_value(before.get(column), names),
            "after": _format_value(after.get(column), names),
        }
        for column in dict.fromkeys([*before, *after])
        if before.get(column) is not None or after.get(column) is not None
    ]


def _format_value(value: Any, names: Names) -> Any:
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
        return names.linked(_cut(value))
    return _cut(json.dumps(value, ensure_ascii=False, default=str))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"
