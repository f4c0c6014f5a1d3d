"""Requests with an Idempotency-Key: carried out once, answered alike every time."""

import json
from typing import Any

from chalicelib.api import requests
from chalicelib.api.declarations import Route
from chalicelib.api.requests import Call
from chalicelib.api.responses import JsonResponse, render_response, to_json
from chalicelib.services.core import idempotency
from chalicelib.services.core.idempotency import AlreadyCompleted, IdempotentRequest
from chalicelib.services.identity import lockout
from chalicelib.storage.idempotency import KeyedRequest

RESUMPTIONS = 3
# The fields of answers that hold a new secret, as `<credential id>.<secret>`.
SECRET_FIELDS = frozenset({"token", "key"})


def run_idempotent(
    route: Route, request: Any, call: Call[Any], idempotency_key: str
) -> JsonResponse:
    """Carry the request out, or repeat its answer; go on with it where it stopped halfway."""
    key = idempotency.key_for(_owner(route, call), idempotency_key)
    fingerprint, seed = requests.fingerprint(request, key, sensitive=route.sensitive)
    for _ in range(RESUMPTIONS):
        found = idempotency.find(key, fingerprint)
        if found is not None and found.response is not None:
            return _replay(found, seed)
        call.once = IdempotentRequest(
            key=key,
            fingerprint=fingerprint,
            render=lambda made: _record(render_response(route, call, made), seed),
            ref=found.ref if found else None,
            seed=seed,
        )
        try:
            return render_response(route, call, route.handler(call))
        except AlreadyCompleted:
            continue  # the same request, sent twice at once: the other one was first
    raise AlreadyCompleted


def _owner(route: Route, call: Call[Any]) -> str:
    """Whose the key is. Nobody's who is not signed in: the network's that it comes from, or a
    key that somebody knows would try passwords against its record, past every lockout."""
    if route.ends_session:
        return "public"  # the session may have ended by now; the fingerprint holds its token
    if call.known_caller is not None:
        return call.known_caller.id
    return f"public:{lockout.network(call.device.source_ip)}"


def _record(answer: JsonResponse, seed: bytes | None) -> dict[str, Any]:
    body = answer.body
    if seed is not None and body:
        body = _without_secret(body)
    return {"status": int(answer.status), "headers": answer.headers, "body": body}


def _without_secret(body: str) -> str:
    document = json.loads(body)
    for name in SECRET_FIELDS & document.keys():
        credential_id, _, _ = document[name].partition(".")
        document[name] = credential_id
    return to_json(document)


def _replay(found: KeyedRequest, seed: bytes | None) -> JsonResponse:
    response = found.response or {}
    body = response["body"]
    if seed is not None and body:
        document = json.loads(body)
        for name in SECRET_FIELDS & document.keys():
            secret = IdempotentRequest(seed=seed).secret_for(document[name])
            document[name] = f"{document[name]}.{secret}"
        body = to_json(document)
    headers = {**response["headers"], "Idempotent-Replayed": "true"}
    return JsonResponse(response["status"], headers, body)
