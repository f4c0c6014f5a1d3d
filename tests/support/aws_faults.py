"""What happens between the service and DynamoDB: refusals, lost replies, races, on demand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import botocore.exceptions
import pytest

from chalicelib.storage import transactions
from chalicelib.storage.rows import connection

WRITE = "TransactWriteItems"
Plan = Exception | Callable[[], object]


def error_response(
    code: str, *reasons: str, operation: str = WRITE
) -> botocore.exceptions.ClientError:
    """DynamoDB's answer of an error; reasons: of a cancellation, step by step as sent."""
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
    what: Plan
    after: bool


@dataclass
class AwsFaults:
    """calls: every call since the test began, as (operation, parameters).
    pauses: what the service waited between attempts, in seconds; no time passes."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    seconds: float = 0.0
    _plans: list[_Planned] = field(default_factory=list)

    def before(self, what: Plan, *, operation: str = WRITE, times: int = 1) -> None:
        """The next such call raises this, or this is done first. It isn't carried out when
        it raises."""
        self._plans += [_Planned(operation, what, after=False)] * times

    def after(self, what: Plan, *, operation: str = WRITE, times: int = 1) -> None:
        """The next such call is carried out, and then raises this, or this is done."""
        self._plans += [_Planned(operation, what, after=True)] * times

    def clear(self) -> None:
        """Nothing more is planned."""
        self._plans.clear()

    def writes(self) -> list[dict[str, Any]]:
        return [params for operation, params in self.calls if operation == WRITE]

    def _take(self, operation: str) -> _Planned | None:
        for plan in self._plans:
            if plan.operation == operation:
                self._plans.remove(plan)
                return plan
        return None

    def carry(self, real: Callable[..., Any], operation: str, params: dict[str, Any]) -> Any:
        self.calls.append((operation, params))
        plan = self._take(operation)
        if plan is None:
            return real(operation, params)
        if not plan.after:
            _do(plan.what)
            return real(operation, params)
        answer = real(operation, params)
        _do(plan.what)
        return answer

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds


def _do(what: Plan) -> None:
    if isinstance(what, Exception):
        raise what
    what()


def install_faults(monkeypatch: pytest.MonkeyPatch) -> AwsFaults:
    """Listen in on the shared connection, and let waiting cost nothing but the deadline."""
    faults = AwsFaults()
    client = connection().client
    real = client._make_api_call
    monkeypatch.setattr(
        client,
        "_make_api_call",
        lambda operation, params: faults.carry(real, operation, params),
    )
    monkeypatch.setattr(transactions, "sleep", faults.sleep)
    monkeypatch.setattr(transactions, "monotonic", lambda: faults.seconds)
    return faults
