"""Record every call that the service makes to AWS and Stripe, and make one of them fail.

Nothing lists the calls: a request is made once without a failure to record them, and then again for
each of them.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import botocore.client
import pytest
import stripe
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.exceptions import EndpointConnectionError
from moto.core.exceptions import ServiceException
from werkzeug.exceptions import HTTPException

from chalicelib import settings
from chalicelib.storage import retries
from chalicelib.storage.connection import connection
from infra.local.stripe_simulator.client import InProcessHTTPClient
from tests.support.aws_faults import WRITE, error_response, lost_reply
from tests.support.fast_moto import execute
from tests.support.source_layout import PACKAGE

DYNAMODB, STRIPE = "dynamodb", "stripe"
READS = {"BatchGetItem", "GetItem", "GetParameter", "Query", "Scan"}
# Which part of the product may call a service.
OWNERS = {
    DYNAMODB: "storage/",
    STRIPE: "payments/",
    "sesv2": "services/mail/outbox.py",
    "ssm": "settings.py",
}
ENDPOINT = "https://provider.example"


class Fault(StrEnum):
    """How a call fails. A fault lasts: the caller's retries of the same call fail as well."""

    REFUSED = "refused"  # by the provider, because of load
    UNREACHABLE = "unreachable"
    REPLY_LOST = "reply lost"  # after the call took effect
    REPLY_LOST_ONCE = "reply lost once"


@dataclass(frozen=True)
class Call:
    """A call. `identity` is the same for the caller's retries of it. `site` is where it was made:
    the file in chalicelib/ that is closest to the call."""

    service: str
    operation: str
    identity: str
    site: str
    tables: frozenset[str] = frozenset()

    @property
    def is_write(self) -> bool:
        return self.operation not in READS and not self.operation.startswith("GET ")

    @property
    def is_made_where_it_belongs(self) -> bool:
        """Whether the layer that owns the service made the call."""
        return self.site.startswith(OWNERS[self.service])

    def __str__(self) -> str:
        return f"{self.operation} {' '.join(sorted(self.tables))}".strip()


@dataclass
class Outages:
    """Intercepts the calls. `calls` holds those since the last `watch`, without retries."""

    calls: list[Call] = field(default_factory=list)
    _plan: tuple[int, Fault] | None = None
    _target: Call | None = None
    _active: bool = False
    clear_parameters: Callable[[], None] = lambda: None

    @contextmanager
    def watch(self, position: int | None = None, fault: Fault = Fault.REFUSED) -> Iterator[None]:
        """Record the calls made in the block. The call at `position`, if given, fails."""
        self.calls = []
        self._plan = None if position is None else (position, fault)
        self._target = None
        self.clear_parameters()
        self._active = True
        try:
            yield
        finally:
            self._active = False

    def around(self, call: Call, make: Callable[[], Any], fail: Callable[[Fault], Any]) -> Any:
        """Make a call, or have it fail as planned."""
        if not self._active:
            return make()
        is_retry = bool(self.calls) and self.calls[-1] == call and call.is_write
        if not is_retry:
            self.calls.append(call)
        if self._plan is None:
            return make()
        position, fault = self._plan
        if self._target is None and position == len(self.calls) - 1:
            self._target = call
        elif self._target != call or fault is Fault.REPLY_LOST_ONCE:
            return make()
        if fault in (Fault.REPLY_LOST, Fault.REPLY_LOST_ONCE):
            make()
        return fail(fault)


def install_outages(monkeypatch: pytest.MonkeyPatch) -> Outages:
    """Intercept all calls. Pauses between attempts only advance a fake clock."""
    outages = Outages()
    _intercept_aws(outages, monkeypatch)
    _intercept_stripe(outages, monkeypatch)
    _intercept_parameters(outages, monkeypatch)
    seconds = [0.0]
    monkeypatch.setattr(retries, "sleep", lambda pause: seconds.append(seconds.pop() + pause))
    monkeypatch.setattr(retries, "monotonic", lambda: seconds[0])
    return outages


def _site() -> str:
    frame = sys._getframe()
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if PACKAGE in path.parents:
            return str(path.relative_to(PACKAGE))
        frame = frame.f_back  # type: ignore[assignment]
    return ""


def _tables(params: dict[str, Any]) -> frozenset[str]:
    writes = params.get("TransactItems", [])
    named = [part["TableName"] for item in writes for part in item.values()]
    named += [params["TableName"]] if "TableName" in params else []
    named += params.get("RequestItems", [])
    return frozenset(name.split("-", 2)[-1] for name in named)


def _intercept_aws(outages: Outages, monkeypatch: pytest.MonkeyPatch) -> None:
    # A test that replaced this on the client and put it back would hide the replacement here.
    client: Any = connection().client
    client.__dict__.pop("_make_api_call", None)
    original = botocore.client.BaseClient._make_api_call
    answers: dict[str, Any] = {}

    def make_api_call(self: Any, operation: str, params: dict[str, Any]) -> Any:
        service = self.meta.service_model.service_name

        def make() -> Any:
            if service == DYNAMODB:
                try:
                    return execute(operation, params)
                except (ServiceException, HTTPException):
                    pass  # repeated below, so that botocore raises its own error
            return original(self, operation, params)

        def fail(fault: Fault) -> Any:
            raise aws_error(fault, operation)

        token = params.get("ClientRequestToken")
        call = Call(service, operation, token or str(len(outages.calls)), _site(), _tables(params))
        return outages.around(call, _remembering(answers, token, make), fail)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", make_api_call)


def _remembering(
    answers: dict[str, Any], token: str | None, make: Callable[[], Any]
) -> Callable[[], Any]:
    """Repeat the answer to a transaction with the same token, as DynamoDB does and moto doesn't."""

    def make_once() -> Any:
        if token is None:
            return make()
        if token not in answers:
            answers[token] = make()
        return answers[token]

    return make_once


def aws_error(fault: Fault, operation: str) -> Exception:
    error: Exception
    if fault is Fault.REFUSED:
        error = error_response("ThrottlingException", operation=operation)
    elif fault is Fault.UNREACHABLE:
        error = EndpointConnectionError(endpoint_url=ENDPOINT)
    else:
        error = lost_reply()
    return error


def _intercept_stripe(outages: Outages, monkeypatch: pytest.MonkeyPatch) -> None:
    original = InProcessHTTPClient.request

    def request(
        self: Any, method: str, url: str, headers: Any, post_data: Any = None, **more: Any
    ) -> Any:
        def fail(fault: Fault) -> Any:
            if fault is Fault.REFUSED:
                return '{"error": {"type": "api_error", "message": "planned"}}', 500, {}
            error: Any = stripe.APIConnectionError
            raise error("planned by the test", should_retry=True)

        path = url.partition("/v1/")[2].partition("?")[0]
        operation = f"{method.upper()} {path}"
        call = Call(STRIPE, operation, f"{url} {post_data}", _site())
        return outages.around(
            call, lambda: original(self, method, url, headers, post_data, **more), fail
        )

    monkeypatch.setattr(InProcessHTTPClient, "request", request)


def _intercept_parameters(outages: Outages, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the secrets from Parameter Store, as on AWS, where a new process has none of them."""
    values = {}
    given = settings.settings()
    for variable, value in (
        ("PUBLIC_URL", given.public_url),
        ("STRIPE_SECRET_KEY", given.stripe_secret_key),
        ("STRIPE_WEBHOOK_SECRET", ",".join(given.stripe_webhook_secrets)),
    ):
        values[f"/{variable}"] = value
        monkeypatch.delenv(variable)
        monkeypatch.setenv(f"{variable}_PARAMETER", f"/{variable}")
    settings.settings.cache_clear()
    cached: set[str] = set()

    def get_parameter(name: str, **_: object) -> str:
        if name in cached:
            return values[name]

        def fail(fault: Fault) -> str:
            cause = aws_error(fault, "GetParameter")
            raise GetParameterError(str(cause)) from cause

        call = Call("ssm", "GetParameter", name, _site())
        value: str = outages.around(call, lambda: values[name], fail)
        if outages._active:
            cached.add(name)
        return value

    monkeypatch.setattr(parameters, "get_parameter", get_parameter)
    outages.clear_parameters = cached.clear


def faults_for(call: Call, position: int) -> list[Fault]:
    """Return the ways in which to make a call fail. Two that are much alike take turns."""
    at_once = (Fault.REFUSED, Fault.UNREACHABLE)[position % 2]
    if not call.is_write:
        return [at_once]
    once = [Fault.REPLY_LOST_ONCE] if call.operation == WRITE else []
    return [at_once, Fault.REPLY_LOST, *once]
