"""The contract that the service gives out of itself."""

import re

from app import app
from chalicelib.api.declarations import ROUTES
from chalicelib.domain.passwords import LENGTH
from chalicelib.web.docs.reference import reference
from tests.support.api import Api
from tests.support.page_client import PageClient


def test_names_every_route(api: Api) -> None:
    document = api.get("/openapi.json").json
    told = {(m.upper(), path) for path, item in document["paths"].items() for m in item}
    assert told == {(route.method, route.path) for route in ROUTES}


def test_every_reference_leads_somewhere(api: Api) -> None:
    document = api.get("/openapi.json").json
    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(_references(document)) <= schemas


def test_operation_ids_are_unique(api: Api) -> None:
    document = api.get("/openapi.json").json
    ids = [op["operationId"] for item in document["paths"].values() for op in item.values()]
    assert len(ids) == len(set(ids))


def test_what_may_be_left_out_of_an_edit_shows_no_default(api: Api) -> None:
    """It stays as it is: an empty text that stands in for it in the code is nobody's value."""
    document = api.get("/openapi.json").json
    edits = [item["patch"] for item in document["paths"].values() if "patch" in item]
    assert edits
    for edit in edits:
        sent = edit["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        schema = document["components"]["schemas"][sent.rpartition("/")[2]]
        assert schema["properties"]
        assert [name for name, kind in schema["properties"].items() if "default" in kind] == []
        assert "required" not in schema


def test_every_new_password_tells_its_length(api: Api) -> None:
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


def test_the_api_is_told_to_people_whole(api: Api) -> None:
    shown = PageClient(app).get("/docs")
    assert shown.status == 200
    for route in ROUTES:
        assert f'<code class="break">{route.path}</code>' in shown.text
    objects = PageClient(app).get("/docs/objects").text
    linked = set(re.findall(r'href="/docs/objects#(\w+)"', shown.text + objects))
    assert "NewTenant" in linked
    assert linked <= set(re.findall(r' id="(\w+)"', objects))
    assert "licenses_exhausted" in shown.text


def test_limits_are_told_in_plain_english() -> None:
    told = {
        field["limits"]
        for section in reference()["sections"]
        for route in section["routes"]
        for field in route["query"]
    } | {field["limits"] for made in reference()["objects"] for field in made["fields"]}
    assert {
        "1 to 200 characters",
        "at most 254 characters",
        "1 to 5 items",
        "1 to 100",
        "−10,000,000 to 10,000,000",
    } <= told
    assert [text for text in told if re.search(r"\b1 \w+s\b|\d{5}", text)] == []
