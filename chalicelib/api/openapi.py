"""GET /openapi.json: the contract, made from the routes themselves, so that it can't lie."""

from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, RootModel
from pydantic.json_schema import models_json_schema

from chalicelib.api.declarations import ROUTES, Audience, Route, Scope
from chalicelib.api.problems import MEDIA_TYPE
from chalicelib.api.requests import Call, Empty
from chalicelib.api.routing import Routes

routes = Routes(__name__)

REF = "#/components/schemas/{model}"
DESCRIPTION = """Licenses for resellers, seats for their tenants.

Times are ISO 8601 UTC, money is integer cents, ids are opaque. Lists answer `{data,
next_cursor}`. Send `Idempotency-Key` with a POST to repeat it safely, and `If-Match` with the
`ETag` that you read to change only what you saw. Errors are RFC 9457 problem documents."""


class FieldProblem(BaseModel):
    field: str
    message: str


class Problem(BaseModel):
    """Every error. `code` is the one to branch on; `errors` is there for invalid_request."""

    model_config = ConfigDict(title="Problem")

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldProblem] = Field(default_factory=list)


class OpenApi(RootModel[dict[str, Any]]):
    """An OpenAPI 3.1 document."""


@routes.get("/openapi.json", Audience.PUBLIC, Scope.READ, returns=OpenApi)
def read_openapi(_call: Call[Empty]) -> dict[str, Any]:
    """This document."""
    return document()


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document of every declared route."""
    schemas = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tenantry", "version": "1", "description": DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas() -> dict[str, Any]:
    inputs = [(route.input, "validation") for route in ROUTES if _has_body(route)]
    queries = [(route.input, "validation") for route in ROUTES if route.method == "GET"]
    outputs = [(route.returns, "serialization") for route in ROUTES if route.returns]
    wanted: Any = dict.fromkeys([*inputs, *queries, *outputs, (Problem, "serialization")])
    _, definitions = models_json_schema(list(wanted), ref_template=REF)
    schemas: dict[str, Any] = definitions["$defs"]
    return schemas


def _has_body(route: Route) -> bool:
    return route.method in ("POST", "PATCH", "PUT") and route.input is not Empty


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "summary": (route.handler.__doc__ or "").strip(),
        "tags": [_tag(route)],
        "parameters": _parameters(route, schemas),
        "responses": {str(int(route.status)): _success(route), "default": _problem()},
    }
    if route.audience is not Audience.PUBLIC:
        operation["security"] = [{"bearer": []}]
        operation["description"] = _who(route)
    if _has_body(route):
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _ref(route.input)}},
        }
    return operation


def _who(route: Route) -> str:
    """Who may call it, for people."""
    who = {
        Audience.SIGNED_IN: "Whoever is signed in",
        Audience.RESELLER: "Resellers, and super admins",
        Audience.ADMIN: "Super admins",
    }[route.audience]
    if route.scope is Scope.SESSION:
        return f"{who}; with a session, not with an API key."
    return f"{who}; an API key needs the scope {route.scope}."


def _tag(route: Route) -> str:
    """The noun of the route's module."""
    return route.handler.__module__.rpartition(".")[2].replace("_", " ")


def _parameters(route: Route, schemas: dict[str, Any]) -> list[dict[str, Any]]:
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


def _header(name: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}


def _success(route: Route) -> dict[str, Any]:
    if route.returns is None:
        return {"description": "Done."}
    schema: dict[str, Any] = _ref(route.returns)
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


def _problem() -> dict[str, Any]:
    return {"description": "A problem", "content": {MEDIA_TYPE: {"schema": _ref(Problem)}}}


def _ref(model: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": REF.format(model=model.__name__)}
