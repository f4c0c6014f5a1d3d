"""The simulator's errors: Stripe's API errors, and errors for callers that simulate actions."""

from __future__ import annotations

from typing import Any


class StripeError(Exception):
    """An API error, in Stripe's format."""

    # Stripe saves an outcome under the request's Idempotency-Key once execution has started.
    # A request that fails validation never starts.
    execution_started = True

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.type = type
        self.code = code
        self.param = param

    def content(self, request_id: str) -> dict[str, Any]:
        error: dict[str, Any] = {"type": self.type, "message": self.message}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        if self.param:
            error["param"] = self.param
        error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        return {"error": error}


class InvalidParameter(StripeError):
    execution_started = False

    def __init__(self, message: str, param: str, code: str | None = None) -> None:
        super().__init__(message, code=code, param=param)


class InvalidAction(Exception):
    """A buyer, a bank, or a dashboard user cannot do this in the current state."""


class ConnectionLost(Exception):
    """An injected fault: no response reaches the client."""


def no_such(kind: str, id: str, *, param: str = "id", status: int = 404) -> StripeError:
    return StripeError(
        f"No such {kind}: '{id}'", status=status, code="resource_missing", param=param
    )
