"""A small HTTP client built on Chalice's test client."""

import json
from dataclasses import dataclass
from typing import Any

from chalice.app import Chalice
from chalice.test import Client


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The error code. Reading it asserts that the response is a problem document."""
        assert self.headers["Content-Type"] == "application/problem+json", self.text
        code: str = self.json["code"]
        return code


class Api:
    """Calls the API with the given token, unless a call passes its own Authorization header."""

    def __init__(self, app: Chalice, token: str | None = None) -> None:
        self._app = app
        self._client = Client(app)
        self.token = token

    def as_(self, token: str | None) -> "Api":
        return Api(self._app, token)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        key: str | None = None,
        if_match: str | None = None,
    ) -> Reply:
        """Send `body` as JSON, or unchanged if it is bytes. `key` is the idempotency key."""
        sent_headers = dict(headers or {})
        if self.token is not None:
            sent_headers.setdefault("Authorization", f"Bearer {self.token}")
        if key is not None:
            sent_headers["Idempotency-Key"] = key
        if if_match is not None:
            sent_headers["If-Match"] = if_match
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        response = self._client.http.request(method, path, headers=sent_headers, body=raw)
        return Reply(response.status_code, dict(response.headers), response.body.decode())

    def get(self, path: str, **options: Any) -> Reply:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Reply:
        return self.call("POST", path, body, **options)

    def patch(self, path: str, body: Any, **options: Any) -> Reply:
        return self.call("PATCH", path, body, **options)

    def put(self, path: str, body: Any, **options: Any) -> Reply:
        return self.call("PUT", path, body, **options)

    def delete(self, path: str, **options: Any) -> Reply:
        return self.call("DELETE", path, **options)


def assert_problem(reply: Reply, status: int, code: str) -> None:
    assert (reply.status, reply.code) == (status, code)
    document = reply.json
    assert document["status"] == status
    assert {"type", "title", "status", "detail", "code"} <= document.keys()
    assert ("errors" in document) == (code == "invalid_request")
    assert reply.headers["X-Request-Id"]
    assert "Traceback" not in reply.text
