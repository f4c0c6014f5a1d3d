"""API Gateway events with broken bodies or headers."""

import json
from typing import Any

import pytest

from app import app
from tests.support.examples import World


def event(world: World, body: Any, *, encoded: bool = False) -> dict[str, Any]:
    """Return the event that API Gateway sends to Lambda. The body is text or base64."""
    path = "/v1/resellers/{reseller}/tenants"
    return {
        "requestContext": {
            "httpMethod": "POST",
            "resourcePath": path,
            "path": f"/api{path}",
            "requestId": "the-request-id",
            "identity": {"sourceIp": "127.0.0.1"},
        },
        "headers": {"authorization": f"Bearer {world.reseller.api.token}"},
        "pathParameters": {"reseller": "me"},
        "multiValueQueryStringParameters": None,
        "stageVariables": {},
        "body": body,
        "isBase64Encoded": encoded,
    }


@pytest.mark.parametrize(
    ("body", "encoded"),
    [
        ('{"name": "\ud800"}', False),
        ("\udcff", False),
        ("not base64!", True),
        ("YQ", True),
        ("ü", True),
        ("/////w==", True),
        (None, False),
        ("", True),
    ],
)
def test_broken_bodies_are_refused(world: World, body: Any, encoded: bool) -> None:
    response = app(event(world, body, encoded=encoded), None)
    assert response["statusCode"] == 422
    assert json.loads(response["body"])["code"] == "invalid_request"
    assert response["headers"]["X-Request-Id"] == "the-request-id"


def test_a_base64_body_is_decoded(world: World) -> None:
    response = app(event(world, "eyJuYW1lIjogIkJha2VyeSJ9", encoded=True), None)
    assert response["statusCode"] == 201


@pytest.mark.parametrize("value", ["\ud800", "\udcff\x00", "\x00"])
@pytest.mark.parametrize("name", ["authorization", "idempotency-key", "if-match", "x-any"])
def test_broken_headers_do_not_cause_server_errors(world: World, name: str, value: str) -> None:
    sent = event(world, '{"name": "Bakery"}')
    sent["headers"][name] = f"Bearer ses_{value}.{value}" if name == "authorization" else value
    response = app(sent, None)
    expected = {"authorization": 401, "idempotency-key": 422}
    assert response["statusCode"] == expected.get(name, 201)
