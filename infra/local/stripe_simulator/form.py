"""Stripe's request encoding: `line_items[0][price_data][currency]=usd`, `expand[]=customer`."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from infra.local.stripe_simulator.errors import InvalidParameter

_NAME = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")


def decode(encoded: str) -> dict[str, Any]:
    """Return nested dicts of strings. The schema that reads them turns some into arrays."""
    decoded: dict[str, Any] = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        matched = _NAME.match(name)
        if not matched:
            raise InvalidParameter(f"Invalid parameter name: {name}", name)
        path = [matched[1], *matched[2][1:-1].split("][")] if matched[2] else [matched[1]]
        _put(decoded, path, value, name)
    return decoded


def _put(into: dict[str, Any], path: list[str], value: str, name: str) -> None:
    *parents, last = path
    for part in parents:
        into = into.setdefault(part or str(len(into)), {})
        if not isinstance(into, dict):
            raise InvalidParameter(f"Invalid parameter: {name} is both a value and a hash", name)
    into[last or str(len(into))] = value
