"""Parse a request: its body or query, as the route's input model, and the headers we support.

Nothing a client sends is trusted. The response to a malformed request is a problem document.
"""

import hashlib
import hmac
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast
from urllib.parse import quote, unquote

from chalice.app import MultiDict, Request
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from chalicelib.domain.actors import Actor
from chalicelib.errors import (
    FieldError,
    InvalidRequest,
    NotFound,
    PayloadTooLarge,
    TenantryError,
    Unauthenticated,
    VersionConflict,
)
from chalicelib.http import csv
from chalicelib.services.core import hashing
from chalicelib.services.core.idempotency import IdempotentRequest
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.sessions import Device
from chalicelib.storage import retries
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import Row

I = TypeVar("I", bound=BaseModel)  # noqa: E741
R = TypeVar("R", bound=Row)
T = TypeVar("T")

MAX_BODY_BYTES = 256 * 1024
MAX_PATH_PARAMETER_BYTES = 300
MAX_FIELD_ERRORS = 100
ID = re.compile(r"[a-z]{3}_[0-9A-Z]{26}")


class Empty(BaseModel):
    """The input model for a route that takes no input."""

    model_config = ConfigDict(extra="forbid")


@dataclass
class Call(Generic[I]):
    """A parsed request. `input` is the query of a GET or DELETE; otherwise, the body.

    `base_url` is our own, for a route whose response has a Location.
    """

    input: I
    path: dict[str, str]
    if_match: str | None
    if_none_match: str | None
    wants_csv: bool = False
    base_url: str = ""
    device: Device = field(default_factory=Device)
    once: IdempotentRequest = field(default_factory=IdempotentRequest)
    known_caller: Caller | None = None
    known_reseller: Reseller | None = None

    @property
    def caller(self) -> Caller:
        if self.known_caller is None:
            raise Unauthenticated("This request requires authentication.")
        return self.known_caller

    @property
    def reseller(self) -> Reseller:
        """The reseller account in the path, on which the caller is allowed to act."""
        if self.known_reseller is None:
            raise NotFound("reseller")
        return self.known_reseller

    @property
    def by(self) -> Actor:
        """The actor to record in the ledger and the audit trail."""
        return self.caller.actor(self.device.source_ip)

    def changes(self) -> dict[str, Any]:  # Any: from pydantic's model_dump
        """Return the fields included in a PATCH request."""
        return self.input.model_dump(exclude_unset=True)

    def on_current(
        self,
        read: Callable[[], R],
        act: Callable[[R], T],
        *,
        version_of: Callable[[R], object] = lambda row: row.version,
    ) -> T:
        """Read a row and act on it. If another change comes first, read the row again and retry.

        `version_of` returns the version to compare with If-Match, by default the row's own. Raises
        VersionConflict if If-Match doesn't match, or Busy after too many conflicts.
        """

        def read_matching() -> R:
            row = read()
            if self.if_match is not None and not _matches(self.if_match, version_of(row)):
                raise VersionConflict
            return row

        return retries.act_on_current(read_matching, act)


def _matches(if_match: str, version: object) -> bool:
    """Compare only the versions, not the hash that follows them in a composed route's ETag."""
    accepted = re.compile(rf'\*|"{version}(-[0-9a-f]+)?"')
    return any(accepted.fullmatch(tag.strip()) for tag in if_match.split(","))


def etag(*parts: object) -> str:
    return f'"{"-".join(str(part) for part in parts)}"'


def matches_etag(if_none_match: str | None, tag: str) -> bool:
    """Return whether the client already has this version.

    If-None-Match uses weak comparison (RFC 9110, 13.1.2), so a `W/` prefix is ignored.
    """
    tags = [given.strip().removeprefix("W/") for given in (if_none_match or "").split(",")]
    return "*" in tags or tag in tags


def parse(request: Request, model: type[I], path_parameters: dict[str, str]) -> Call[I]:
    """Return the parsed request.

    Raises PayloadTooLarge or InvalidRequest. Raises NotFound if a path parameter cannot be an ID.
    """
    path = {name: unquote(value) for name, value in path_parameters.items()}
    if not all(map(is_possible_id, path.values())):
        raise NotFound("resource")
    is_query = request.method in ("GET", "DELETE")
    return Call(
        input=_query(request, model) if is_query else _body(request, model),
        path=path,
        if_match=request.headers.get("if-match"),
        if_none_match=request.headers.get("if-none-match"),
        wants_csv=csv.prefers_csv(request.headers.get("accept")),
        device=device(request),
    )


def is_possible_id(value: str) -> bool:
    """Return whether the value could be a DynamoDB key: printable, and not empty or too long."""
    return value.isprintable() and 0 < len(value.encode()) <= MAX_PATH_PARAMETER_BYTES


def loggable_ids(path: dict[str, str]) -> dict[str, str]:
    """Return only the path parameters that are IDs. Any other value could be a secret."""
    return {name: value for name, value in path.items() if ID.fullmatch(value)}


def refusal_log_fields(error: TenantryError) -> dict[str, str]:
    fields = {"refused": error.code}
    return fields | ({"because": error.log_detail} if error.log_detail else {})


def raw_body(request: Request) -> bytes:
    """Return the request body. Raises PayloadTooLarge or InvalidRequest."""
    try:
        raw = cast("bytes", request.raw_body)  # declared as `bytes | str`, but never a str
    except ValueError:
        raise InvalidRequest.of("body", "The body could not be decoded.") from None
    if len(raw) > MAX_BODY_BYTES:
        raise PayloadTooLarge("The request body must not exceed 256 KiB.")
    return raw


def _body(request: Request, model: type[I]) -> I:
    try:
        return model.model_validate_json(raw_body(request) or b"{}")
    except ValidationError as error:
        raise InvalidRequest(field_errors(error, "body")) from None


def _query(request: Request, model: type[I]) -> I:
    parameters: dict[str, str] = {}
    query = request.query_params or MultiDict({})
    for name in query:
        values = query.getlist(name)
        if len(values) > 1:
            raise InvalidRequest.of(name, "Send this parameter only once.")
        parameters[name] = values[0]
    try:
        return model.model_validate(parameters)
    except ValidationError as error:
        raise InvalidRequest(field_errors(error, "query")) from None


def error_message(detail: ErrorDetails) -> str:
    """Return a validation error in words: those of our own validators, or else Pydantic's."""
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    return detail["msg"]


def field_errors(
    error: ValidationError, whole: str, message: Callable[[ErrorDetails], str] = error_message
) -> list[FieldError]:
    """Return the first MAX_FIELD_ERRORS errors.

    An error that concerns the whole model gets `whole` as its field name.
    """
    details = error.errors(include_url=False, include_input=False)[:MAX_FIELD_ERRORS]
    return [
        FieldError(".".join(str(part) for part in detail["loc"]) or whole, message(detail))
        for detail in details
    ]


def bearer_token(request: Request) -> str | None:
    scheme, _, token = (request.headers.get("authorization") or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def idempotency_key(request: Request) -> str | None:
    """Return the Idempotency-Key. Raises InvalidRequest if its format is invalid."""
    key: str | None = request.headers.get("idempotency-key")
    if key is not None and not re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        raise InvalidRequest.of("Idempotency-Key", "Use 1 to 255 visible ASCII characters.")
    return key


def fingerprint(request: Request, salt: str, *, sensitive: bool) -> tuple[str, bytes | None]:
    """Return a digest of the request and, if the request is sensitive, the seed for its secrets.

    The fingerprint is stored. A sensitive request can contain a password, and a fast hash of
    it could be brute-forced, so the fingerprint comes from a slow key derivation instead.
    """
    target = request.context.get("path") or request.path
    content = f"{request.method} {target}\n".encode() + raw_body(request)
    if not sensitive:
        return hashlib.sha256(content).hexdigest(), None
    token = bearer_token(request) or ""
    seed = hashing.derive_seed(content + b"\n" + token.encode(), salt)
    return hmac.digest(seed, b"fingerprint", "sha256").hex(), seed


def device(request: Request) -> Device:
    """Return the client's IP address as seen by API Gateway, and its user agent.

    X-Forwarded-For is ignored because clients can forge it. They can forge the user agent, too, so
    it is only displayed.
    """
    return Device(
        source_ip=request.context.get("identity", {}).get("sourceIp"),
        user_agent=request.headers.get("user-agent"),
    )


def request_id(request: Request) -> str:
    """Return API Gateway's request ID, which the response and every log line contain."""
    return str(request.context.get("requestId") or uuid.uuid4())


def path_of(template: str, values: dict[str, object]) -> str:
    """Fill in a path template, such as `/v1/users/{id}`, with escaped values."""
    return template.format_map({k: quote(str(v), safe="") for k, v in values.items()})
