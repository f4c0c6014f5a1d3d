"""GET /openapi.json: the HTTP contract, generated from the route declarations."""

import json
from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel
from pydantic.json_schema import models_json_schema

from chalicelib.api.declarations import ROUTES, Audience, Route
from chalicelib.api.routing import Routes
from chalicelib.domain.scopes import Scope
from chalicelib.http.fields import Schema
from chalicelib.http.problems import MEDIA_TYPE
from chalicelib.http.requests import Call, Empty

routes = Routes(__name__)

REF = "#/components/schemas/{model}"
# Generated client code uses these schema names, so they must not change when a class is renamed.
PUBLISHED_NAMES = {"LookupResult": "Finding"}
CONVENTIONS = """\
Times are in UTC, in ISO 8601 format. Amounts of money are integer cents. IDs are opaque strings.
Lists return `{data, next_cursor}`. Send `limit` for the number of rows per page (1 to 100, 25 by
default), and `next_cursor` as `cursor` to get the next page. To retry a
POST safely, send the same `Idempotency-Key`. To avoid overwriting a concurrent change, send the
`ETag` you received as `If-Match`. Errors are problem documents (RFC 9457)."""
INTRODUCTION = ("Manage resellers, their licenses, and their tenants.", CONVENTIONS)


class FieldProblem(BaseModel):
    field: str = Field(description="The name or dotted path of the field.")
    message: str


class Problem(BaseModel):
    """The body of every error response."""

    model_config = ConfigDict(title="Problem")

    type: str
    title: str
    status: int
    detail: str = Field(description="What went wrong, as text for people to read.")
    code: str = Field(description="What went wrong, as a code for programs to check.")
    errors: list[FieldProblem] = Field(
        default_factory=list, description="The invalid fields, if `code` is `invalid_request`."
    )


class OpenApi(RootModel[dict[str, object]]):
    """An OpenAPI 3.1 document."""


@routes.get("/openapi.json", Audience.PUBLIC, Scope.READ, returns=OpenApi)
def read_openapi(_call: Call[Empty]) -> Schema:
    """Get the OpenAPI document."""
    return document()


@cache
def document() -> Schema:
    """Return the OpenAPI document for all declared routes."""
    schemas = _schemas()
    paths: dict[str, Schema] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tenantry", "version": "1", "description": "\n\n".join(INTRODUCTION)},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas() -> Schema:
    bodies = [route.input for route in ROUTES if _has_body(route)]
    queries = [route.input for route in ROUTES if route.method == "GET"]
    outputs: list[type[BaseModel]] = [route.returns for route in ROUTES if route.returns]
    outputs.append(Problem)
    models: dict[tuple[type[BaseModel], Literal["validation", "serialization"]], None] = {}
    models |= {(model, "validation"): None for model in (*bodies, *queries)}
    models |= {(model, "serialization"): None for model in outputs}
    _, definitions = models_json_schema(list(models), ref_template=REF)
    text = json.dumps(definitions["$defs"])
    for name, published in PUBLISHED_NAMES.items():
        text = text.replace(f'"{name}"', f'"{published}"')
        text = text.replace(f'"{REF.format(model=name)}"', f'"{REF.format(model=published)}"')
    schemas: Schema = json.loads(text)
    return schemas


def _has_body(route: Route) -> bool:
    return route.method in ("POST", "PATCH", "PUT") and route.input is not Empty


def _operation(route: Route, schemas: Schema) -> Schema:
    summary, details = describe(route)
    operation: Schema = {
        "operationId": route.handler.__name__,
        "summary": summary,
        "description": "\n\n".join(filter(None, [details, access(route)])),
        "tags": [_tag(route)],
        "parameters": _parameters(route, schemas),
        "responses": {str(int(route.status)): _success(route), "default": _problem()},
    }
    if route.audience is not Audience.PUBLIC:
        operation["security"] = [{"bearer": []}]
    if _has_body(route):
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _ref(route.input)}},
        }
    return operation


def describe(route: Route) -> tuple[str, str]:
    """Return the first sentence of the handler's docstring, and the rest."""
    summary, _, details = " ".join((route.handler.__doc__ or "").split()).partition(". ")
    return summary.removesuffix("."), details


def access(route: Route) -> str:
    """Describe who can call the route."""
    if route.audience is Audience.PUBLIC:
        return "Anyone, without authentication."
    who = {
        Audience.SIGNED_IN: "Any signed-in user.",
        Audience.RESELLER: "The reseller itself, or a super admin.",
        Audience.ADMIN: "A super admin.",
    }[route.audience]
    if route.scope is Scope.SESSION:
        return f"{who} Requires a session token; API keys are not accepted."
    return f"{who} An API key needs the scope `{route.scope}`."


def _tag(route: Route) -> str:
    """Return the name of the handler's module, with spaces instead of underscores."""
    return route.handler.__module__.rpartition(".")[2].replace("_", " ")


def _parameters(route: Route, schemas: Schema) -> list[Schema]:
    names = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in names
    ]
    if route.method == "GET":
        schema = schemas[route.input.__name__]
        parameters += [
            {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", []),
                "schema": detail,
            }
            for name, detail in schema.get("properties", {}).items()
        ]
    if route.method == "POST":
        parameters.append(_header("Idempotency-Key"))
    if route.method in ("PATCH", "PUT", "DELETE"):
        parameters.append(_header("If-Match"))
    return parameters


def _header(name: str) -> Schema:
    return {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}


def _success(route: Route) -> Schema:
    if route.returns is None:
        return {"description": "Done. The response has no body."}
    schema: Schema = _ref(route.returns)
    if route.paged:
        schema = {
            "type": "object",
            "required": ["data", "next_cursor"],
            "properties": {
                "data": {"type": "array", "items": schema},
                "next_cursor": {"type": ["string", "null"]},
            },
        }
    return {
        "description": route.status.phrase,
        "content": {"application/json": {"schema": schema}},
    }


def _problem() -> Schema:
    return {"description": "Error", "content": {MEDIA_TYPE: {"schema": _ref(Problem)}}}


def _ref(model: type[BaseModel]) -> Schema:
    return {"$ref": REF.format(model=model.__name__)}
