"""The OpenAPI document and the docs pages that are generated from it."""

import re

from app import app
from chalicelib.api.declarations import ROUTES
from chalicelib.domain.passwords import LENGTH
from chalicelib.web.docs.reference import reference
from tests.support.api import Api
from tests.support.page_client import PageClient


def test_the_document_lists_every_route(api: Api) -> None:
    document = api.get("/openapi.json").json
    listed = {(m.upper(), path) for path, item in document["paths"].items() for m in item}
    assert listed == {(route.method, route.path) for route in ROUTES}


def test_every_reference_resolves(api: Api) -> None:
    document = api.get("/openapi.json").json
    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(_references(document)) <= schemas


def test_operation_ids_are_unique(api: Api) -> None:
    document = api.get("/openapi.json").json
    ids = [op["operationId"] for item in document["paths"].values() for op in item.values()]
    assert len(ids) == len(set(ids))


def test_the_fields_of_a_patch_show_no_default(api: Api) -> None:
    """A field missing from the request keeps its value. The default in the code is never used."""
    document = api.get("/openapi.json").json
    edits = [item["patch"] for item in document["paths"].values() if "patch" in item]
    assert edits
    for edit in edits:
        sent = edit["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        schema = document["components"]["schemas"][sent.rpartition("/")[2]]
        assert schema["properties"]
        assert [name for name, kind in schema["properties"].items() if "default" in kind] == []
        assert "required" not in schema


def test_every_new_password_states_its_length(api: Api) -> None:
    schemas = api.get("/openapi.json").json["components"]["schemas"]
    chosen = {"NewUser": "password", "UserChanges": "password"}
    chosen |= {"PasswordChange": "new_password", "Reset": "new_password"}
    for model, field in chosen.items():
        schema = schemas[model]["properties"][field]
        schema = next((s for s in schema.get("anyOf", []) if s["type"] == "string"), schema)
        assert (schema["minLength"], schema["maxLength"]) == (LENGTH.start, LENGTH[-1]), model


def _references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [ref for value in node.values() for ref in _references(value)]
    if isinstance(node, list):
        return [ref for value in node for ref in _references(value)]
    return []


def test_the_docs_pages_cover_every_route_and_object(api: Api) -> None:
    shown = PageClient(app).get("/docs")
    assert shown.status == 200
    for route in ROUTES:
        assert f"<code>{route.path}</code>" in shown.text
    objects = PageClient(app).get("/docs/objects").text
    linked = set(re.findall(r'href="/docs/objects#(\w+)"', shown.text + objects))
    assert "NewTenant" in linked
    assert linked <= set(re.findall(r' id="(\w+)"', objects))
    assert "licenses_exhausted" in shown.text


def test_limits_are_described_in_plain_english() -> None:
    limits = {
        field["limits"]
        for section in reference()["sections"]
        for route in section["routes"]
        for field in route["query"]
    } | {field["limits"] for item in reference()["objects"] for field in item["fields"]}
    assert {
        "1 to 200 characters",
        "at most 254 characters",
        "1 to 5 items",
        "1 to 100",
        "−10,000,000 to 10,000,000",
    } <= limits
    assert [text for text in limits if re.search(r"\b1 \w+s\b|\d{5}", text)] == []
