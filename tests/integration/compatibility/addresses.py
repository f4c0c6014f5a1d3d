"""The address of every GET route and page, for every recorded row that it can show."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from tests.integration.compatibility.recordings import Item, Tables

# The table that a path parameter identifies a row of, by the segment before it, and its key.
NOUNS = {
    "users": ("users", "id"),
    "resellers": ("resellers", "id"),
    "tenants": ("tenants", "id"),
    "purchases": ("purchases", "id"),
    "domains": ("domains", "host"),
    "sessions": ("credentials", "id"),
    "api-keys": ("credentials", "id"),
    "reconciliations": ("reconciliations", "id"),
    "reconciliation": ("reconciliations", "id"),
    "findings": ("findings", "id"),
}
OWNERS = {"resellers": "reseller_id", "reconciliations": "reconciliation_id"}
QUERIES = {"quantity": "3", "licenses": "1"}


def addresses(template: str, rows: Tables, own: str | None) -> Iterator[str]:
    """Yield the path for one row of each kind; `own` is the reseller that a page's visitor has."""
    parts = template.split("/")
    places = [place for place, part in enumerate(parts) if part.startswith("{")]
    choices = [NOUNS[parts[place - 1]] for place in places]
    seen: set[Any] = set()
    for named in product(*(rows[noun] for noun, _ in choices)):
        kind = tuple(map(_kind, named[-1:]))
        if kind not in seen and _all_belong(named, choices, own):
            seen.add(kind)
            filled = list(parts)
            for place, item, (_, key) in zip(places, named, choices, strict=True):
                filled[place] = item[key]["S"]
            yield "/".join(filled)


def _kind(item: Item) -> tuple[Any, ...]:
    """Return what makes a difference to a reader: the columns that are there, and their words."""
    words = ("status", "state", "code", "scope", "is_active", "holds_license", "finding")
    refunds = item.get("refunds", {"M": {}})["M"].values()
    states = frozenset(str(refund["M"].get("state")) for refund in refunds)
    return frozenset(item), tuple(str(item.get(name)) for name in words), states


def _all_belong(named: tuple[Item, ...], choices: list[tuple[str, str]], own: str | None) -> bool:
    return all(_belongs(named, choices, index, own) for index in range(len(named)))


def _belongs(
    named: tuple[Item, ...], choices: list[tuple[str, str]], index: int, own: str | None
) -> bool:
    """Return whether a row belongs to the row before it in the path, or else to the visitor."""
    item = named[index]
    if index == 0:
        return own is None or item.get("reseller_id", {"S": own}) == {"S": own}
    noun, key = choices[index - 1]
    if noun == "tenants":  # a tenant's domains
        return item.get("tenant_id") == named[index - 1][key]
    return item.get(OWNERS[noun]) == named[index - 1][key]


def required_query(fields: Mapping[str, Any]) -> str:
    sent = [
        f"{name}={value}"
        for name, value in QUERIES.items()
        if name in fields and fields[name].is_required()
    ]
    return "?" + "&".join(sent) if sent else ""
