"""Rows of other releases, made from the recorded ones.

- `next_release`: every row has a column of each DynamoDB type that this release doesn't know, and
  every stored document has fields that it doesn't know, at every level.
- `unknown_values`: every column that holds one of a set of values holds another one.
- `older_release`: every column and document field that has a default is missing.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields
from typing import Any

from chalicelib.services.reconciliation.run_loop import RunProgress
from chalicelib.services.reporting.dashboard_stats import DashboardStats
from chalicelib.storage.purchases import RefundIntent
from chalicelib.storage.rows import Row
from tests.integration.compatibility.recordings import Item, Tables

EXTRA_COLUMNS: Item = {
    "next_text": {"S": "next"},
    "next_number": {"N": "1.5"},
    "next_flag": {"BOOL": True},
    "next_null": {"NULL": True},
    "next_list": {"L": [{"S": "next"}, {"N": "2"}]},
    "next_map": {"M": {"next": {"M": {"text": {"S": "next"}}}}},
    "next_binary": {"B": b"\x00\x01"},
    "next_texts": {"SS": ["next", "text"]},
    "next_numbers": {"NS": ["1", "2"]},
    "next_binaries": {"BS": [b"\x00"]},
}
# A document holds JSON, so it has no binary values and no sets.
EXTRA_FIELDS: Item = {
    name: value
    for name, value in EXTRA_COLUMNS.items()
    if next(iter(value)) in ("S", "N", "BOOL", "NULL", "L", "M")
}

# Maps from an ID, a date, or a name to entries that are all alike. A release adds fields to the
# entries, not to the map. "*" stands for any key.
COLLECTIONS = {
    ("purchases", "refunds"),
    ("purchases", "bookings"),
    ("settings", "history"),
    ("settings", "counted", "booked"),
    ("settings", "counted", "booked", "*"),
    ("reconciliations", "found"),
    ("reconciliations", "repaired"),
    ("findings", "actions"),
    ("idempotency", "response", "headers"),
}

UNKNOWN: dict[tuple[str, ...], Any] = {
    ("purchases", "status"): "on_hold",
    ("purchases", "refunds", "*", "state"): "awaiting_approval",
    ("reconciliations", "scope"): "nightly",
    ("reconciliations", "cursor", "phase"): "webhooks",
    ("findings", "code"): "webhook_missing",
    ("findings", "proposed"): "replay",
    ("ledger", "kind"): "transfer",
    ("domains", "status"): "transferring",
    ("domains", "finding"): "signature_expired",
    ("outbox", "template"): "invoice_reminder",
    ("resellers", "supply_told"): "few",
    ("audit", "action"): "webhook.created",
    ("stripe-events", "type"): "invoice.paid",
    ("stripe-events", "status"): "on_hold",
    ("stripe-events", "outcome"): "forwarded",
}
# Replaced only where the row is finished: RUNNING and OPEN ones keep the functions busy.
UNKNOWN_IF_FINISHED = {
    ("reconciliations", "status"): ("finished", "paused"),
    ("findings", "state"): ("ignored", "postponed"),
}
ADDED: dict[tuple[str, str], dict[str, Any]] = {
    ("credentials", "scopes"): {"S": "webhooks"},
    ("settings", "automatic_repairs"): {"S": "webhook_missing"},
}

DOCUMENTS: dict[tuple[str, ...], type[Any]] = {
    ("purchases", "refunds", "*"): RefundIntent,
    ("reconciliations", "cursor"): RunProgress,
    ("settings", "counted"): DashboardStats,
}

Path = tuple[str, ...]

# What is replaced as a whole: it is the result of a new check, so the old one says nothing.
REPLACED: set[Path] = {("domains", "found_values")}


def recorded(tables: Tables) -> Tables:
    return tables


def next_release(tables: Tables) -> Tables:
    return _map(tables, _with_extra_fields, EXTRA_COLUMNS)


def unknown_values(tables: Tables) -> Tables:
    changed = _map(tables, _with_unknown_value, {})
    for (noun, column), value in ADDED.items():
        for item in changed[noun]:
            if column in item:
                item[column]["L"].append(value)
    for item in changed["findings"]:
        item["actions"]["M"]["replay"] = {"S": "Send the webhook again"}
    for (noun, column), (known, unknown) in UNKNOWN_IF_FINISHED.items():
        for item in changed[noun]:
            if item[column]["S"] == known:
                item[column] = {"S": unknown}
    kind_and_owner = {"name": {"S": "webhook:example.com"}, "owner": {"S": "whk_1"}}
    changed["claims"].append({**changed["claims"][0], **kind_and_owner})
    changed["credentials"].append({**changed["credentials"][0], "id": {"S": "whk_1"}})
    return changed


def older_release(tables: Tables) -> Tables:
    with_default: dict[str, set[str]] = {}
    for model in models():
        with_default.setdefault(model.noun, set()).update(
            name
            for name, column in model.get_attributes().items()
            if column.default is not None or column.default_for_new is not None
        )
    with_default["users"].remove("is_super_admin")  # or nobody could read what only admins can
    with_default["purchases"].remove("licenses_granted")  # settling must not guess it
    return {
        noun: [
            {name: value for name, value in item.items() if name not in with_default[noun]}
            for item in items
        ]
        for noun, items in _map(tables, _without_default_fields, {}).items()
    }


VARIANTS: dict[str, Callable[[Tables], Tables]] = {
    made.__name__: made for made in (recorded, next_release, unknown_values, older_release)
}


def models() -> Iterator[type[Row]]:
    pending: list[type[Row]] = [Row]
    while pending:
        subclasses = pending.pop().__subclasses__()
        yield from subclasses
        pending += subclasses


def lost(before: Item, after: Item, path: Path) -> Iterator[Path]:
    """Yield the path of every added column and field of `before` that `after` lacks."""
    for name, value in before.items():
        if name.startswith("next_"):
            if after.get(name) != value:
                yield (*path, name)
        elif (*path, name) in REPLACED:
            continue
        elif "M" in value and "M" in after.get(name, {}):
            yield from lost(value["M"], after[name]["M"], (*path, name))


def overwritten(before: Item, after: Item, path: Path) -> Iterator[Path]:
    """Yield the path of every unknown value of `before` that `after` doesn't have."""
    for name, value in before.items():
        here = (*path, name)
        if "M" in value:
            yield from overwritten(value["M"], after.get(name, {}).get("M", {}), here)
        elif _matching(here, UNKNOWN) and after.get(name) != value:
            yield here


def _map(tables: Tables, change: Callable[[Path, Item], Item], columns: Item) -> Tables:
    """Apply `change` to every map in every row, the innermost first."""
    return {
        noun: [
            {
                **{name: _mapped((noun, name), value, change) for name, value in item.items()},
                **copy.deepcopy(columns),
            }
            for item in items
        ]
        for noun, items in tables.items()
    }


def _mapped(path: Path, value: dict[str, Any], change: Callable[[Path, Item], Item]) -> Any:
    ((kind, content),) = value.items()
    if kind == "L":
        return {"L": [_mapped((*path, "*"), each, change) for each in content]}
    if kind == "M":
        inner = {name: _mapped((*path, name), each, change) for name, each in content.items()}
        return {"M": change(path, inner)}
    return _changed_leaf(path, value, change)


def _changed_leaf(path: Path, value: Item, change: Callable[[Path, Item], Item]) -> Item:
    if change is _with_unknown_value:
        found = _matching(path, UNKNOWN)
        return {"S": UNKNOWN[found]} if found else value
    return value


def _matching(path: Path, patterns: Any) -> Any:
    for pattern in patterns:
        pairs = zip(pattern, path, strict=False)
        if len(pattern) == len(path) and all(want in ("*", part) for want, part in pairs):
            return pattern
    return None


def _with_extra_fields(path: Path, document: Item) -> Item:
    if _matching(path, COLLECTIONS):
        return document
    return {**document, **copy.deepcopy(EXTRA_FIELDS)}


def _with_unknown_value(_path: Path, document: Item) -> Item:
    return document


def _without_default_fields(path: Path, document: Item) -> Item:
    found = _matching(path, DOCUMENTS)
    if not found:
        return document
    optional = {
        field.name
        for field in fields(DOCUMENTS[found])
        if field.default is not MISSING or field.default_factory is not MISSING
    }
    return {name: value for name, value in document.items() if name not in optional}
