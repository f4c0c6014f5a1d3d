"""The HTTP response that every part of the simulator returns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class HttpResponse:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def json_response(
    status: int, content: Any, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    body = json.dumps(content).encode()
    return HttpResponse(status, {"Content-Type": "application/json", **(headers or {})}, body)
