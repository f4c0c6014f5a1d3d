"""Reading a request: body or query into the route's input, and the headers of the contract.

Nothing here trusts what it reads: every way to send it wrong ends in a problem document.
"""

import hashlib
import hmac
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote, unquote

from pydantic import BaseModel, ConfigDict, ValidationError

from chalicelib.api import csv
from chalicelib.errors import (
    Busy,
    FieldError,
    InvalidRequest,
    NotFound,
    PayloadTooLarge,
    TenantryError,
    Unauthenticated,
    VersionConflict,
)
from chalicelib.services.core import hashing
from chalicelib.services.core.audit import Actor
from chalicelib.services.core.idempotency import IdempotentRequest
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.sessions import Device
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import Row

I = TypeVar("I", bound=BaseModel)  # noqa: E741
R = TypeVar("R", bound=Row)
T = TypeVar("T")

MAX_BODY_BYTES = 256 * 1024
MAX_PATH_PARAMETER_BYTES = 300
MAX_FIELD_ERRORS = 100
ID = re.compile(r"[a-z]{3}_[0-9A-Z]{26}")
ATTEMPTS = 8


class Empty(BaseModel):
    """A route that takes no input."""

    model_config = ConfigDict(extra="forbid")


@dataclass
class Call(Generic[I]):
    """One request, parsed. input: the query of a GET, the body of everything else."""

    input: I
    path: dict[str, str]
    if_match: str | None
    if_none_match: str | None
    wants_csv: bool = False
    device: Device = field(default_factory=Device)
    once: IdempotentRequest = field(default_factory=IdempotentRequest)
    known_caller: Caller | None = None
    known_reseller: Reseller | None = None

    @property
    def caller(self) -> Caller:
        if self.known_caller is None:
            raise Unauthenticated("Nobody is signed in.")
        return self.known_caller

    @property
    def reseller(self) -> Reseller:
        """The account that the path names, which this caller may act on."""
        if self.known_reseller is None:
            raise NotFound("reseller")
        return self.known_reseller

    @property
    def by(self) -> Actor:
        """Who does it, and from where, for the ledger and the audit trail."""
        return self.caller.actor(self.device.source_ip)

    def changes(self) -> dict[str, Any]:
        """The fields that were sent, for a PATCH."""
        return self.input.model_dump(exclude_unset=True)

    def on_current(
        self,
        read: Callable[[], R],
        act: Callable[[R], T],
        *,
        version_of: Callable[[R], object] = lambda row: row.version,
    ) -> T:
        """Act on a row as it is now, again whenever another change came first; with If-Match
        only while that is its version still.

        version_of: the version of what is edited, where that is a part of the row.
        """
        for _ in range(ATTEMPTS):
            row = read()
            if self.if_match is not None and not _matches(self.if_match, version_of(row)):
                raise VersionConflict
            try:
                return act(row)
            except VersionConflict:
                continue
        raise Busy


def _matches(if_match: str, version: object) -> bool:
    """Of a tag that says more than the version, the version alone counts here."""
    own = re.compile(rf'\*|"{version}(-[0-9a-f]+)?"')
    return any(own.fullmatch(tag.strip()) for tag in if_match.split(","))


def etag(*parts: object) -> str:
    return f'"{"-".join(str(part) for part in parts)}"'


def is_unchanged(if_none_match: str | None, tag: str) -> bool:
    """Whether the client has it already. RFC 9110: here weak tags count as strong ones."""
    tags = [given.strip().removeprefix("W/") for given in (if_none_match or "").split(",")]
    return "*" in tags or tag in tags


def parse(request: Any, model: type[I], path_parameters: dict[str, str]) -> Call[I]:
    """Raises PayloadTooLarge, InvalidRequest, NotFound (a path that no row can have)."""
    path = {name: unquote(value) for name, value in path_parameters.items()}
    if not all(map(may_be_id, path.values())):
        raise NotFound("resource")
    is_query = request.method in ("GET", "DELETE")
    return Call(
        input=_query(request, model) if is_query else _body(request, model),
        path=path,
        if_match=request.headers.get("if-match"),
        if_none_match=request.headers.get("if-none-match"),
        wants_csv=csv.is_wanted(request.headers.get("accept")),
        device=device(request),
    )


def may_be_id(value: str) -> bool:
    """Whether a row can be asked for by it: DynamoDB takes no empty key and no long one."""
    return value.isprintable() and 0 < len(value.encode()) <= MAX_PATH_PARAMETER_BYTES


def ids(path: dict[str, str]) -> dict[str, str]:
    """Whose and which, for the log. Ids alone: what else stands in an address may be a secret."""
    return {name: value for name, value in path.items() if ID.fullmatch(value)}


def refusal(error: TenantryError) -> dict[str, str]:
    """Why a request was refused, for the log."""
    told = {"refused": error.code}
    return told | ({"because": error.log_detail} if error.log_detail else {})


def raw_body(request: Any) -> bytes:
    """Raises PayloadTooLarge, InvalidRequest."""
    try:
        raw: bytes = request.raw_body
    except ValueError:
        raise InvalidRequest.of("body", "The body could not be decoded.") from None
    if len(raw) > MAX_BODY_BYTES:
        raise PayloadTooLarge("A request body may have 256 KiB at most.")
    return raw


def _body(request: Any, model: type[I]) -> I:
    try:
        return model.model_validate_json(raw_body(request) or b"{}")
    except ValidationError as error:
        raise InvalidRequest(field_errors(error, "body")) from None


def _query(request: Any, model: type[I]) -> I:
    parameters: dict[str, str] = {}
    for name in request.query_params or {}:
        values = request.query_params.getlist(name)
        if len(values) > 1:
            raise InvalidRequest.of(name, "Send this parameter once.")
        parameters[name] = values[0]
    try:
        return model.model_validate(parameters)
    except ValidationError as error:
        raise InvalidRequest(field_errors(error, "query")) from None


def field_errors(error: ValidationError, whole: str) -> list[FieldError]:
    return [
        FieldError(
            ".".join(str(part) for part in item["loc"]) or whole,
            item["msg"].removeprefix("Value error, "),
        )
        for item in error.errors(include_url=False, include_input=False, include_context=False)[
            :MAX_FIELD_ERRORS
        ]
    ]


def bearer_token(request: Any) -> str | None:
    scheme, _, token = (request.headers.get("authorization") or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def idempotency_key(request: Any) -> str | None:
    """Raises InvalidRequest for a key that is empty, too long or not plain text."""
    key: str | None = request.headers.get("idempotency-key")
    if key is not None and not re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        raise InvalidRequest.of("Idempotency-Key", "Use 1 to 255 visible ASCII characters.")
    return key


def fingerprint(request: Any, salt: str, *, sensitive: bool) -> tuple[str, bytes | None]:
    """What tells this request from another with the same key, and the seed of its secrets.

    A request that carries a password is stretched like one: the fingerprint is kept, and a
    quick hash of it could be guessed at.
    """
    target = request.context.get("path") or request.path
    content = f"{request.method} {target}\n".encode() + raw_body(request)
    if not sensitive:
        return hashlib.sha256(content).hexdigest(), None
    token = bearer_token(request) or ""
    seed = hashing.derive_seed(content + b"\n" + token.encode(), salt)
    return hmac.digest(seed, b"fingerprint", "sha256").hex(), seed


def device(request: Any) -> Device:
    """Where a request comes from: the address that API Gateway saw. X-Forwarded-For is the
    client's to invent, and so is the name of the browser, which is only shown."""
    return Device(
        source_ip=request.context.get("identity", {}).get("sourceIp"),
        user_agent=request.headers.get("user-agent"),
    )


def request_id(request: Any) -> str:
    """API Gateway's id of the request: what the client is told and the log carries."""
    return str(request.context.get("requestId") or uuid.uuid4())


def path_of(template: str, values: dict[str, Any]) -> str:
    """The path of what was created, such as `/v1/users/usr_…`."""
    return template.format_map({k: quote(str(v), safe="") for k, v in values.items()})
