"""The OpenAPI document as a person reads it: routes by noun, their fields, the objects."""

from functools import cache
from typing import Any

from chalicelib.api.openapi import document
from chalicelib.api.problems import STATUSES

Schema = dict[str, Any]

# In the order that a newcomer meets them; any other noun comes after.
ORDER = ("session", "password", "tenants", "purchases", "branding", "domains", "api keys")
SPELLED = {"api keys": "API keys", "openapi": "OpenAPI"}
# The names of a lower and an upper limit, and what is counted by them.
LIMITS = (
    ("minLength", "maxLength", "character"),
    ("minimum", "maximum", ""),
    ("minItems", "maxItems", "item"),
)


@cache
def reference() -> dict[str, Any]:
    """sections: [{name, anchor, routes}]; objects: [{name, about, fields}]; errors."""
    api = document()
    sections: dict[str, list[Schema]] = {}
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            route = _route(method.upper(), path, operation)
            sections.setdefault(operation["tags"][0], []).append(route)
    names = sorted(sections, key=lambda n: (ORDER.index(n) if n in ORDER else len(ORDER), n))
    schemas = api["components"]["schemas"]
    return {
        # Each paragraph as pieces; every second one is code.
        "intro": [text.split("`") for text in api["info"]["description"].split("\n\n")],
        "sections": [
            {
                "name": SPELLED.get(name, name.capitalize()),
                "anchor": name.replace(" ", "-"),
                "routes": sections[name],
            }
            for name in names
        ],
        "objects": [
            _object(name, schemas[name])
            for name in sorted(schemas, key=str.lower)
            if _is_told(name, schemas[name])
        ],
        "errors": sorted((status.value, error.code) for error, status in STATUSES.items()),
    }


def _route(method: str, path: str, operation: Schema) -> Schema:
    (status, success), *_ = operation["responses"].items()
    content = success.get("content", {})
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    answer = content.get("application/json", {}).get("schema")
    *details, audience = operation["description"].split("\n\n")
    return {
        "method": method,
        "path": path,
        "anchor": operation["operationId"],
        "summary": operation["summary"],
        "details": details,
        "audience": audience,
        "query": [_parameter(p) for p in operation["parameters"] if p["in"] == "query"],
        "headers": [p["name"] for p in operation["parameters"] if p["in"] == "header"],
        "sends": _kind(body["schema"]) if body else None,
        "status": status,
        "answers": _kind(answer) if answer else None,
        "paged": bool(answer) and "next_cursor" in answer.get("properties", {}),
    }


def _parameter(parameter: Schema) -> Schema:
    return _field(parameter["name"], parameter["schema"], required=parameter["required"])


def _object(name: str, schema: Schema) -> Schema:
    # An answer has all of its fields; only what is sent can leave some out.
    is_sent = schema.get("additionalProperties") is False
    required = schema.get("required", []) if is_sent else []
    return {
        "name": name,
        "about": schema.get("description", ""),
        "fields": [
            _field(field, detail, required=field in required)
            for field, detail in schema.get("properties", {}).items()
        ],
        "values": schema.get("enum", []),
    }


def _field(name: str, schema: Schema, *, required: bool) -> Schema:
    return {
        "name": name,
        "required": required,
        "kind": _kind(schema),
        "limits": ", ".join(_limits(schema)),
        "about": schema.get("description", ""),
    }


def _limits(schema: Schema) -> list[str]:
    own = [
        _between(schema.get(low), schema.get(high), noun)
        for low, high, noun in LIMITS
        if low in schema or high in schema
    ]
    if "pattern" in schema:
        own.append(f"matching {schema['pattern']}")
    return own + [text for part in schema.get("anyOf", []) for text in _limits(part)]


def _between(low: int | None, high: int | None, noun: str) -> str:
    """`1 to 200 characters`, `at least 1 item`, `at most 1,000`."""
    if low is None or high is None:
        bound, number = ("at most", high) if low is None else ("at least", low)
        return f"{bound} {_counted(number or 0, noun)}"
    return f"{_number(low)} to {_counted(high, noun)}"


def _counted(number: int, noun: str) -> str:
    return f"{_number(number)} {noun}{'' if number == 1 else 's'}" if noun else _number(number)


def _number(number: int) -> str:
    return f"{number:,}".replace("-", "−")


def _kind(schema: Schema) -> list[dict[str, str]]:
    """What a value is, in parts: words, and objects to look up."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return [{"words": name, "object": name}]
    if "anyOf" in schema:
        parts = [_kind(part) for part in schema["anyOf"]]
        return [piece for i, part in enumerate(parts) for piece in _joined(part, "or", i)]
    if "enum" in schema:
        return [{"words": ", ".join(map(str, schema["enum"]))}]
    if "next_cursor" in schema.get("properties", {}):
        return [{"words": "a page of"}, *_kind(schema["properties"]["data"]["items"])]
    if schema.get("type") == "array":
        return [{"words": "list of"}, *_kind(schema.get("items", {}))]
    kind = schema.get("format") or schema.get("type") or "anything"
    return [{"words": " or ".join(kind) if isinstance(kind, list) else str(kind)}]


def _joined(part: list[dict[str, str]], word: str, position: int) -> list[dict[str, str]]:
    return [{"words": word}, *part] if position else part


def _is_told(name: str, schema: Schema) -> bool:
    """Queries are told beside their routes."""
    return not name.endswith("Query") and bool(schema.get("properties") or schema.get("enum"))
