"""Requests with an Idempotency-Key: execute once, then replay the recorded response."""

import json

from chalice.app import Request

from chalicelib.api.declarations import Route
from chalicelib.api.responses import RenderedResponse, render_response, to_json
from chalicelib.http import requests
from chalicelib.http.requests import Call, I
from chalicelib.services.core import idempotency
from chalicelib.services.core.idempotency import IdempotentRequest
from chalicelib.services.identity import lockout
from chalicelib.storage.idempotency import KeyedRequest

# Response fields that contain a new secret, in the form `<credential ID>.<secret>`.
SECRET_FIELDS = frozenset({"token", "key"})


def run_idempotent(
    route: Route, request: Request, call: Call[I], idempotency_key: str
) -> RenderedResponse:
    """Execute the request, resume it if an earlier attempt stopped halfway, or replay its response.

    Raises IdempotencyKeyReused, Busy, or any error from the handler.
    """
    key = idempotency.key_for(_key_owner(route, call), idempotency_key)
    fingerprint, seed = requests.fingerprint(request, key, sensitive=route.sensitive)

    def handle(once: IdempotentRequest) -> RenderedResponse:
        call.once = once
        return render_response(route, call, route.handler(call))

    request_once = IdempotentRequest(
        key=key,
        fingerprint=fingerprint,
        render=lambda result: _record(render_response(route, call, result), seed),
        seed=seed,
    )
    return idempotency.run_once(request_once, handle, lambda found: _replay(found, seed))


def _key_owner(route: Route, call: Call[I]) -> str:
    """Return the key's owner: the caller or, if the client is anonymous, the client's network.

    If all anonymous clients shared the same keys, anyone who knew a key could test passwords
    against its record without ever being locked out.
    """
    if route.ends_session:
        return "public"  # the session may have ended; the fingerprint covers its token
    if call.known_caller is not None:
        return call.known_caller.id
    return f"public:{lockout.network(call.device.source_ip)}"


def _record(response: RenderedResponse, seed: bytes | None) -> dict[str, object]:
    """Return what to store: the response, without its secret if the request is sensitive."""
    body = response.body
    if seed is not None and body:
        body = _remove_secret(body)
    return {"status": int(response.status), "headers": response.headers, "body": body}


def _remove_secret(body: str) -> str:
    document = json.loads(body)
    for name in SECRET_FIELDS & document.keys():
        credential_id, _, _ = document[name].partition(".")
        document[name] = credential_id
    return to_json(document)


def _replay(found: KeyedRequest, seed: bytes | None) -> RenderedResponse:
    """Return the recorded response. Any secret in it is derived from the seed again."""
    response = found.response or {}
    body = response["body"]
    if seed is not None and body:
        document = json.loads(body)
        for name in SECRET_FIELDS & document.keys():
            secret = IdempotentRequest(seed=seed).secret_for(document[name])
            document[name] = f"{document[name]}.{secret}"
        body = to_json(document)
    headers = {**response["headers"], "Idempotent-Replayed": "true"}
    return RenderedResponse(response["status"], headers, body)
