"""Connect Stripe's SDK to the simulator in this process, without sockets.

Usage: `stripe.StripeClient(key, http_client=InProcessHTTPClient(simulator))`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import stripe

from infra.local.stripe_simulator.errors import ConnectionLost
from infra.local.stripe_simulator.simulator import StripeSimulator


class _Headers(dict[str, str]):
    """Headers with case-insensitive names: the SDK reads both `Request-Id` and `request-id`."""

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


class InProcessHTTPClient(stripe.HTTPClient):
    name = "in-process"

    def __init__(self, simulator: StripeSimulator) -> None:
        super().__init__()
        self.simulator = simulator

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        body = post_data.encode() if isinstance(post_data, str) else post_data or b""
        try:
            response = self.simulator.handle(method.upper(), path, headers or {}, body)
        except ConnectionLost as lost:
            raise stripe.APIConnectionError(  # type: ignore[no-untyped-call]
                f"Unexpected error communicating with Stripe: {lost}", should_retry=True
            ) from lost
        received = _Headers((name.lower(), value) for name, value in response.headers.items())
        return response.body.decode(), response.status, received

    def close(self) -> None:
        """Do nothing, since there is no connection."""

    def _sleep_time_seconds(self, num_retries: int) -> float:
        return 0.0  # retry without a delay, to keep tests fast
