"""The contract that the service gives out of itself."""

from chalicelib.api.routing import DECLARED
from tests.support.api import Api


def test_names_every_route(api: Api) -> None:
    document = api.get("/openapi.json").json
    told = {(m.upper(), path) for path, item in document["paths"].items() for m in item}
    assert told == {(route.method, route.path) for route in DECLARED}


def test_every_reference_leads_somewhere(api: Api) -> None:
    document = api.get("/openapi.json").json
    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(_references(document)) <= schemas


def test_operation_ids_are_unique(api: Api) -> None:
    document = api.get("/openapi.json").json
    ids = [op["operationId"] for item in document["paths"].values() for op in item.values()]
    assert len(ids) == len(set(ids))


def _references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [ref for value in node.values() for ref in _references(value)]
    if isinstance(node, list):
        return [ref for value in node for ref in _references(value)]
    return []
