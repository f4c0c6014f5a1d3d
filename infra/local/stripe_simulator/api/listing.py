"""Pages of a list, newest first, with cursors in both directions."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

from infra.local.stripe_simulator.account import Object
from infra.local.stripe_simulator.errors import no_such
from infra.local.stripe_simulator.objects.shared import list_of

_COMPARE = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}


def page(objects: Iterable[Object], params: dict[str, Any], url: str) -> Object:
    items = list(objects)
    limit = params.get("limit", 10)
    if "ending_before" in params:
        newer = items[: _position(items, params, "ending_before")]
        return list_of(newer[-limit:], url, has_more=len(newer) > limit)
    start = _position(items, params, "starting_after") + 1 if "starting_after" in params else 0
    return list_of(items[start : start + limit], url, has_more=len(items) > start + limit)


def created_within(item: Object, params: dict[str, Any]) -> bool:
    bounds = params.get("created", {})
    return all(_COMPARE[name](item["created"], bound) for name, bound in bounds.items())


def matches(item: Object, params: dict[str, Any], *fields: str) -> bool:
    return all(item[name] == params[name] for name in fields if name in params)


def _position(items: list[Object], params: dict[str, Any], cursor: str) -> int:
    for position, item in enumerate(items):
        if item["id"] == params[cursor]:
            return position
    raise no_such("object", params[cursor], param=cursor, status=400)
