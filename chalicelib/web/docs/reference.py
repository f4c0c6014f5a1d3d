"""The OpenAPI document, prepared for pages: routes grouped by noun, with fields and objects."""

from functools import cache

from chalicelib.api.declarations import ROUTES
from chalicelib.api.openapi import INTRODUCTION, access, describe, document
from chalicelib.http.fields import Schema
from chalicelib.http.problems import STATUSES
from chalicelib.web.shell.rendering import View

# The nouns that a new user needs first. Other nouns follow in alphabetical order.
ORDER = ("session", "password", "tenants", "purchases", "branding", "domains", "api keys")
SPELLED = {"api keys": "API keys", "openapi": "OpenAPI"}
# The JSON Schema keywords for a lower and an upper limit, and the limits' unit.
LIMITS = (
    ("minLength", "maxLength", "character"),
    ("minimum", "maximum", ""),
    ("minItems", "maxItems", "item"),
)


@cache
def reference() -> View:
    """Return intro, sections [{name, anchor, routes}], objects [{name, about, fields}], errors."""
    api = document()
    sections: dict[str, list[Schema]] = {}
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            route = _route(method.upper(), path, operation)
            sections.setdefault(operation["tags"][0], []).append(route)
    names = sorted(sections, key=lambda n: (ORDER.index(n) if n in ORDER else len(ORDER), n))
    schemas = api["components"]["schemas"]
    return {
        # Paragraphs, each split at backticks, so that every second piece is code.
        "intro": [text.split("`") for text in INTRODUCTION],
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
            if _is_listed(name, schemas[name])
        ],
        "errors": sorted((status.value, error.code) for error, status in STATUSES.items()),
    }


def _route(method: str, path: str, operation: Schema) -> Schema:
    (status, success), *_ = operation["responses"].items()
    content = success.get("content", {})
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    answer = content.get("application/json", {}).get("schema")
    (declared,) = (r for r in ROUTES if (r.method, r.path) == (method, path))
    _, details = describe(declared)
    return {
        "method": method,
        "path": path,
        "anchor": operation["operationId"],
        "summary": operation["summary"],
        "details": details,
        "audience": access(declared),
        "query": [_parameter(p) for p in operation["parameters"] if p["in"] == "query"],
        "headers": [p["name"] for p in operation["parameters"] if p["in"] == "header"],
        "sends": _kind(body["schema"]) if body else None,
        "status": status,
        "answers": _kind(answer) if answer else None,
    }


def _parameter(parameter: Schema) -> Schema:
    return _field(parameter["name"], parameter["schema"], required=parameter["required"])


def _object(name: str, schema: Schema) -> Schema:
    # A response always includes all of its fields. Only requests have optional fields.
    is_request = schema.get("additionalProperties") is False
    required = schema.get("required", []) if is_request else []
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
        _format_range(schema.get(low), schema.get(high), noun)
        for low, high, noun in LIMITS
        if low in schema or high in schema
    ]
    if "pattern" in schema:
        own.append(f"matching {schema['pattern']}")
    return own + [text for part in schema.get("anyOf", []) for text in _limits(part)]


def _format_range(low: int | None, high: int | None, noun: str) -> str:
    """Format a range: `1 to 200 characters`, `at least 1 item`, `at most 1,000`."""
    if low is None or high is None:
        bound, number = ("at most", high) if low is None else ("at least", low)
        return f"{bound} {_format_count(number or 0, noun)}"
    return f"{_format_number(low)} to {_format_count(high, noun)}"


def _format_count(number: int, noun: str) -> str:
    formatted = _format_number(number)
    return f"{formatted} {noun}{'' if number == 1 else 's'}" if noun else formatted


def _format_number(number: int) -> str:
    return f"{number:,}".replace("-", "−")


def _kind(schema: Schema) -> list[dict[str, str]]:
    """Describe a value's type as a list of parts: words, and objects to link to."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return [_words(name, links_to=name)]
    if "anyOf" in schema:
        parts = [_kind(part) for part in schema["anyOf"]]
        return [piece for i, part in enumerate(parts) for piece in _joined(part, "or", i)]
    if "enum" in schema:
        return [_words(", ".join(map(str, schema["enum"])))]
    if "next_cursor" in schema.get("properties", {}):
        return [_words("a page of"), *_kind(schema["properties"]["data"]["items"])]
    if schema.get("type") == "array":
        return [_words("list of"), *_kind(schema.get("items", {}))]
    kind = schema.get("format") or schema.get("type") or "anything"
    return [_words(" or ".join(kind) if isinstance(kind, list) else str(kind))]


def _words(words: str, *, links_to: str = "") -> dict[str, str]:
    return {"words": words, "object": links_to}


def _joined(part: list[dict[str, str]], word: str, position: int) -> list[dict[str, str]]:
    return [_words(word), *part] if position else part


def _is_listed(name: str, schema: Schema) -> bool:
    """Return whether to list the object. Queries are listed with their routes instead."""
    return not name.endswith("Query") and bool(schema.get("properties") or schema.get("enum"))
