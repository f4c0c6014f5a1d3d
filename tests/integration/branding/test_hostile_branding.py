"""Hostile values in every field are refused or stored in a harmless form."""

import json
import re
from typing import Any

import pytest
from pynamodb.models import Model

from chalicelib.domain.branding import FIELDS, stylesheet
from chalicelib.services.branding import documents
from chalicelib.storage.resellers import Reseller
from tests.support.api import Api
from tests.support.hostile_values import HOSTS, NEUTRALIZED, REFUSED, SCRIPT
from tests.support.people import People, Person

MINE = "/v1/resellers/me/branding"


@pytest.fixture
def reseller(people: People) -> Person:
    return people.reseller(licenses=1)


def send(person: Person, method: str, path: str, body: Any) -> Any:
    """Send the body as ASCII-only JSON, in which even a lone surrogate can be escaped."""
    return person.api.call(method, path, json.dumps(body).encode())


def test_there_are_hostile_values_for_every_field() -> None:
    assert REFUSED.keys() == FIELDS.keys()


@pytest.mark.parametrize("field", FIELDS)
def test_hostile_values_are_refused_by_every_route(
    reseller: Person, people: People, field: str
) -> None:
    tenants = "/v1/resellers/me/tenants"
    for value in REFUSED[field]:
        document = {field: value}
        nested = {"branding_config": document}
        for method, path, body, name in (
            ("PUT", MINE, document, field),
            ("PATCH", MINE, document, field),
            ("POST", tenants, {"name": "T", **nested}, f"branding_config.{field}"),
        ):
            refused = send(reseller, method, path, body)
            assert refused.code == "invalid_request", (value, refused.text)
            if "\ud83d" not in value:  # a body with a lone surrogate is refused as a whole
                assert [e["field"] for e in refused.json["errors"]] == [name], value
    nested = {"branding_config": {field: REFUSED[field][0]}}
    assert send(people.admin, "PATCH", "/v1/settings", nested).code == "invalid_request"
    assert reseller.api.get(MINE).json["own"] == {}
    assert reseller.api.get(tenants).json["data"] == []


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [(field, *pair) for field, values in NEUTRALIZED.items() for pair in values.items()],
)
def test_values_are_stored_in_a_harmless_form(
    reseller: Person, field: str, value: str, stored: str
) -> None:
    reply = reseller.api.put(MINE, {field: value})
    assert reply.status == 200, reply.text
    assert reply.json["own"][field] == reply.json["effective"][field] == stored
    assert reseller.api.put(MINE, reply.json["own"]).json["own"] == reply.json["own"]
    assert_harmless(stylesheet(reply.json["effective"]))


@pytest.mark.parametrize("field", FIELDS)
def test_hostile_values_written_in_the_console_are_never_shown(
    api: Api, reseller: Person, field: str
) -> None:
    clean = api.get("/v1/branding?reseller=company-1").json
    plain = stylesheet(clean)
    row = Reseller.get(reseller.reseller_id)
    for value in REFUSED[field]:
        if "\ud83d" in value:
            continue  # DynamoDB does not accept a lone surrogate
        row.branding_config = {field: value, "onload": SCRIPT, SCRIPT: value}
        Model.save(row)
        assert reseller.api.get(MINE).json["own"] == {}, value
        assert api.get("/v1/branding?reseller=company-1").json == clean, value
        assert documents.login_branding(None, "company-1", None) == clean
        assert stylesheet({**clean, **row.branding_config}) in (plain, without(plain, field))


def without(sheet: str, field: str) -> str:
    """Return the stylesheet without the CSS property that the field sets."""
    names = {"primary_color": "--brand-primary", "accent_color": "--brand-accent"}
    return re.sub(rf"{names.get(field, '(?!)')}:[^;]*;", "", sheet)


@pytest.mark.parametrize("host", HOSTS)
def test_hostile_hosts_are_refused_as_custom_domains(reseller: Person, host: str) -> None:
    refused = reseller.api.post("/v1/resellers/me/domains", {"host": host})
    assert refused.code == "invalid_request", refused.text
    assert refused.json["errors"][0]["field"] == "host"


@pytest.mark.parametrize("host", HOSTS)
def test_a_hostile_host_gets_the_same_response_as_an_unknown_one(api: Api, host: str) -> None:
    from urllib.parse import quote

    shown = api.get("/v1/branding?host=" + quote(host))
    assert (shown.status, shown.text) == (200, api.get("/v1/branding").text)


@pytest.mark.parametrize(
    "document",
    [
        {"onload": "alert(1)"},
        {"custom_css": "body{}"},
        {"__proto__": {}},
        {"primary_color": {"$ne": ""}},
        {"primary_color": ["#112233"]},
        {"primary_color": 1122867},
        {"logo_url": True},
        [],
        "text",
        None,
    ],
)
def test_unknown_fields_and_other_types_are_refused(reseller: Person, document: Any) -> None:
    assert send(reseller, "PUT", MINE, document).code == "invalid_request"


def assert_harmless(sheet: str) -> None:
    """Check that the stylesheet contains only our properties, with colors and quoted URLs."""
    value = r'(#[0-9a-f]{6}|url\("https://[A-Za-z0-9._~:/?#@!$&*+;=%-]+"\))'
    assert re.fullmatch(rf":root\{{(--brand-[a-z-]+:{value};)*\}}\n", sheet), sheet
