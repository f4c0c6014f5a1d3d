"""Local API Gateway and webhook Function URL: turn HTTP requests into Lambda events and back."""

import base64
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalice.app import Chalice
from chalice.config import Config
from chalice.local import CustomLocalChalice, LocalGateway, LocalGatewayException

from chalicelib.functions.stripe_webhook import stripe_webhook
from chalicelib.http.headers import API_HEADERS
from chalicelib.http.problems import MEDIA_TYPE

WEBHOOK_PATH = "/stripe/webhook"


@dataclass(frozen=True, slots=True)
class LocalResponse:
    """An HTTP response. `headers` is a list because Set-Cookie can appear more than once."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Gateway:
    """Routes requests as API Gateway does, and webhook requests to their own function."""

    def __init__(self, app: Chalice) -> None:
        # This is how Chalice serves several threads: `current_request` becomes thread-local.
        app.__class__ = CustomLocalChalice
        self._gateway = LocalGateway(app, Config.create())

    def handle(
        self, method: str, path_and_query: str, headers: Mapping[str, str], body: bytes
    ) -> LocalResponse:
        if path_and_query == WEBHOOK_PATH:
            return _call_webhook(method, headers, body)
        try:
            response = self._gateway.handle_request(method, path_and_query, dict(headers), body)
        except LocalGatewayException:
            return _not_found()
        if response["statusCode"] == 405:
            return _not_found()
        return _http_response(response)


def _http_response(response: dict[str, Any]) -> LocalResponse:
    headers = [(name, str(value)) for name, value in response["headers"].items()]
    for name, values in (response.get("multiValueHeaders") or {}).items():
        headers += [(name, value) for value in values]
    body = response.get("body") or ""
    encoded = response.get("isBase64Encoded")
    return LocalResponse(
        response["statusCode"], headers, base64.b64decode(body) if encoded else body.encode()
    )


def _not_found() -> LocalResponse:
    """Return the gateway response that infra/resources.yaml defines for unknown routes."""
    document = {
        "type": "urn:tenantry:problem:not_found",
        "title": "Not Found",
        "status": 404,
        "detail": "There is no such route.",
        "code": "not_found",
    }
    body = json.dumps(document).encode()
    headers = [
        ("Content-Type", MEDIA_TYPE),
        *API_HEADERS.items(),
        ("X-Request-Id", str(uuid.uuid4())),
    ]
    return LocalResponse(404, headers, body)


def _call_webhook(method: str, headers: Mapping[str, str], body: bytes) -> LocalResponse:
    """Call the webhook function with a Function URL event (payload format 2.0).

    A Function URL can send bodies as base64, so this one always does.
    """
    event = {
        "version": "2.0",
        "rawPath": "/",
        "headers": {name.lower(): value for name, value in headers.items()},
        "requestContext": {"http": {"method": method, "path": "/"}},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }
    return _http_response(stripe_webhook(event, None))
