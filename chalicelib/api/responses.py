"""Render a handler's result as JSON or CSV. Also renders problem documents."""

import hashlib
import json
from dataclasses import dataclass
from http import HTTPStatus

from pydantic import BaseModel

from chalicelib.api.declarations import Route
from chalicelib.http import requests
from chalicelib.http.csv import MEDIA_TYPE as CSV_TYPE
from chalicelib.http.csv import Csv
from chalicelib.http.problems import MEDIA_TYPE
from chalicelib.http.requests import Call, I
from chalicelib.storage.reads import Page


@dataclass(frozen=True, slots=True)
class RenderedResponse:
    status: int
    headers: dict[str, str]
    body: str


def render_response(route: Route, call: Call[I], result: object) -> RenderedResponse:
    """Render what the handler returned: a row, a page of rows, a CSV file, or nothing."""
    if route.returns is None:
        return RenderedResponse(HTTPStatus.NO_CONTENT, {}, "")
    if isinstance(result, Csv):
        return _csv_response(result)
    headers = {"Content-Type": "application/json", **_cache_headers(route)}
    if isinstance(result, Page):
        data = [_to_document(route.returns, row) for row in result.rows]
        body = to_json({"data": data, "next_cursor": result.next_cursor})
        return RenderedResponse(route.status, headers, body)
    document = _to_document(route.returns, result)
    if tag := _etag(route, result, document):
        headers["ETag"] = tag
        if route.method == "GET" and requests.matches_etag(call.if_none_match, tag):
            not_modified = {"ETag": tag, **_cache_headers(route)}
            return RenderedResponse(HTTPStatus.NOT_MODIFIED, not_modified, "")
    if route.created:
        path = requests.path_of(route.created, {**call.path, **document})
        headers["Location"] = call.base_url + path
    return RenderedResponse(route.status, headers, to_json(document))


def _cache_headers(route: Route) -> dict[str, str]:
    """Return the headers that replace the default, no-store, if the route allows caching."""
    if not route.max_age:
        return {}
    return {
        "Cache-Control": f"public, max-age={route.max_age}",
        "Access-Control-Allow-Origin": "*",
    }


def _etag(route: Route, result: object, document: dict[str, object]) -> str | None:
    """Build the ETag from the row's version and, on a composed route, a hash of the document."""
    version = getattr(result, "version", None)
    parts = [] if version is None else [version]
    if route.composed:
        parts.append(hashlib.sha256(to_json(document).encode()).hexdigest()[:16])
    return requests.etag(*parts) if parts else None


def _csv_response(file: Csv) -> RenderedResponse:
    headers = {
        "Content-Type": f"{CSV_TYPE}; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{file.filename}"',
        "Vary": "Accept",
    }
    return RenderedResponse(HTTPStatus.OK, headers, file.text())


def _to_document(model: type[BaseModel], row: object) -> dict[str, object]:
    document: dict[str, object] = model.model_validate(row, from_attributes=True).model_dump(
        mode="json", by_alias=True
    )
    return document


def to_json(document: object) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def problem_response(
    status: HTTPStatus, document: dict[str, object], headers: dict[str, str]
) -> RenderedResponse:
    return RenderedResponse(status, {"Content-Type": MEDIA_TYPE, **headers}, to_json(document))
