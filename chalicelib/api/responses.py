"""Answers: what a handler made, as JSON by the route's output model; and problems."""

import hashlib
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from chalicelib.api import requests
from chalicelib.api.csv import MEDIA_TYPE as CSV_TYPE
from chalicelib.api.csv import Csv
from chalicelib.api.declarations import Route
from chalicelib.api.problems import MEDIA_TYPE
from chalicelib.api.requests import Call
from chalicelib.settings import settings
from chalicelib.storage.reads import Page


@dataclass(frozen=True, slots=True)
class JsonResponse:
    status: int
    headers: dict[str, str]
    body: str


def render_response(route: Route, call: Call[Any], made: Any) -> JsonResponse:
    """The answer of a route to what its handler returned: a row, a page of rows, nothing."""
    if route.returns is None:
        return JsonResponse(HTTPStatus.NO_CONTENT, {}, "")
    if isinstance(made, Csv):
        return _csv(made)
    headers = {"Content-Type": "application/json", **_cacheable(route)}
    if isinstance(made, Page):
        data = [_plain(route.returns, row) for row in made.rows]
        return JsonResponse(
            route.status, headers, to_json({"data": data, "next_cursor": made.next_cursor})
        )
    document = _plain(route.returns, made)
    if tag := _etag(route, made, document):
        headers["ETag"] = tag
        if route.method == "GET" and requests.is_unchanged(call.if_none_match, tag):
            return JsonResponse(HTTPStatus.NOT_MODIFIED, {"ETag": tag, **_cacheable(route)}, "")
    if route.created:
        where = requests.path_of(route.created, {**call.path, **document})
        headers["Location"] = settings().public_url + where
    return JsonResponse(route.status, headers, to_json(document))


def _cacheable(route: Route) -> dict[str, str]:
    """What lifts the default, no-store, where a route says so."""
    if not route.cached_seconds:
        return {}
    return {
        "Cache-Control": f"public, max-age={route.cached_seconds}",
        "Access-Control-Allow-Origin": "*",
    }


def _etag(route: Route, made: Any, document: dict[str, Any]) -> str | None:
    """The row's version; where the answer is made of more, what it says as well."""
    version = getattr(made, "version", None)
    parts = [] if version is None else [version]
    if route.composed:
        parts.append(hashlib.sha256(to_json(document).encode()).hexdigest()[:16])
    return requests.etag(*parts) if parts else None


def _csv(made: Csv) -> JsonResponse:
    sent = {
        "Content-Type": f"{CSV_TYPE}; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{made.filename}"',
        "Vary": "Accept",
    }
    return JsonResponse(HTTPStatus.OK, sent, made.text())


def _plain(model: type[BaseModel], row: Any) -> dict[str, Any]:
    document: dict[str, Any] = model.model_validate(row, from_attributes=True).model_dump(
        mode="json", by_alias=True
    )
    return document


def to_json(document: Any) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def problem_response(
    status: HTTPStatus, document: dict[str, Any], headers: dict[str, str]
) -> JsonResponse:
    return JsonResponse(status, {"Content-Type": MEDIA_TYPE, **headers}, to_json(document))
