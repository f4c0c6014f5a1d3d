"""Inject errors, lost responses, and races into the service's calls to DynamoDB."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import botocore.exceptions
import pytest

from chalicelib.storage import retries
from chalicelib.storage.connection import connection

WRITE = "TransactWriteItems"
Fault = Exception | Callable[[], object]


def error_response(
    code: str, *reasons: str, operation: str = WRITE
) -> botocore.exceptions.ClientError:
    """Return a DynamoDB error. `reasons` are a transaction's cancellation reasons, in order."""
    response: dict[str, Any] = {
        "Error": {"Code": code, "Message": "planned by the test"},
        "CancellationReasons": [{"Code": reason} for reason in reasons],
    }
    return botocore.exceptions.ClientError(response, operation)


def transaction_canceled(*reasons: str) -> botocore.exceptions.ClientError:
    return error_response("TransactionCanceledException", *reasons)


def lost_reply() -> botocore.exceptions.ReadTimeoutError:
    return botocore.exceptions.ReadTimeoutError(endpoint_url="https://dynamodb.example")


@dataclass
class _Planned:
    operation: str
    fault: Fault
    after: bool


@dataclass
class AwsFaults:
    """Records DynamoDB calls and injects planned faults into them.

    Attributes:
        calls: Every call since the start of the test, as (operation, parameters).
        pauses: The pauses between attempts, in seconds. Tests don't actually wait.
        seconds: The sum of the pauses, which serves as the monotonic clock.
    """

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    seconds: float = 0.0
    _plans: list[_Planned] = field(default_factory=list)

    def before(self, fault: Fault, *, operation: str = WRITE, times: int = 1) -> None:
        """Raise or call `fault` before the next call. If it raises, the call is skipped."""
        self._plans += [_Planned(operation, fault, after=False)] * times

    def after(self, fault: Fault, *, operation: str = WRITE, times: int = 1) -> None:
        """Raise or call `fault` after the next call has been made."""
        self._plans += [_Planned(operation, fault, after=True)] * times

    def clear(self) -> None:
        """Drop all planned faults."""
        self._plans.clear()

    def writes(self) -> list[dict[str, Any]]:
        return [params for operation, params in self.calls if operation == WRITE]

    def _next_plan(self, operation: str) -> _Planned | None:
        for plan in self._plans:
            if plan.operation == operation:
                self._plans.remove(plan)
                return plan
        return None

    def call(self, real: Callable[..., Any], operation: str, params: dict[str, Any]) -> Any:
        """Make a call through `real`, and apply the operation's next planned fault, if any."""
        self.calls.append((operation, params))
        plan = self._next_plan(operation)
        if plan is None:
            return real(operation, params)
        if not plan.after:
            _trigger(plan.fault)
            return real(operation, params)
        answer = real(operation, params)
        _trigger(plan.fault)
        return answer

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds


def _trigger(fault: Fault) -> None:
    if isinstance(fault, Exception):
        raise fault
    fault()


def install_faults(monkeypatch: pytest.MonkeyPatch) -> AwsFaults:
    """Intercept calls on the shared connection. Retry pauses only advance a fake clock."""
    faults = AwsFaults()
    client = connection().client
    real = client._make_api_call
    monkeypatch.setattr(
        client,
        "_make_api_call",
        lambda operation, params: faults.call(real, operation, params),
    )
    monkeypatch.setattr(retries, "sleep", faults.sleep)
    monkeypatch.setattr(retries, "monotonic", lambda: faults.seconds)
    return faults
