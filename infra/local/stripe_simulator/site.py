"""Everything the simulator serves, as one handler to mount into any HTTP server."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from infra.local.stripe_simulator import control
from infra.local.stripe_simulator.http_response import HttpResponse
from infra.local.stripe_simulator.pages import dashboard, documents, payment
from infra.local.stripe_simulator.pages.layout import asset, not_found
from infra.local.stripe_simulator.simulator import StripeSimulator
from infra.local.stripe_simulator.webhook_delivery import WebhookDelivery


class Site:
    def __init__(self, simulator: StripeSimulator, webhooks: WebhookDelivery | None = None) -> None:
        self._simulator = simulator
        self._webhooks = webhooks

    @staticmethod
    def serves(path: str) -> bool:
        """Return whether a path is a page or a control endpoint. API paths (`/v1/`) are not."""
        return path == "/stripe" or path.startswith(("/pay/", "/stripe/dashboard/", "/_control/"))

    def handle(
        self, method: str, path_and_query: str, headers: Mapping[str, str], body: bytes = b""
    ) -> HttpResponse:
        """Answer a request. Raises `ConnectionLost` if an injected fault drops the response."""
        path = urlsplit(path_and_query).path
        if path.startswith("/v1/"):
            return self._simulator.handle(method, path_and_query, headers, body)
        if path.startswith("/pay/assets/"):
            return asset(path.removeprefix("/pay/assets/"))
        if path.startswith(("/pay/receipts/", "/pay/invoices/")):
            return documents.handle(self._simulator, path)
        if path.startswith("/pay/"):
            return payment.handle(self._simulator, method, path_and_query, body)
        if method == "POST" and _is_cross_site(headers):
            content = b"cross-site requests are not allowed"
            return HttpResponse(403, {"Content-Type": "text/plain"}, content)
        if path.startswith(control.PREFIX):
            return control.handle(self._simulator, self._webhooks, method, path, body)
        if path == "/stripe" or path.startswith("/stripe/dashboard/"):
            return dashboard.handle(self._simulator, self._webhooks, method, path_and_query, body)
        return not_found()


def _is_cross_site(headers: Mapping[str, str]) -> bool:
    """Return whether another website in the browser sent the request, which would be CSRF."""
    lowercase = {name.lower(): value for name, value in headers.items()}
    return lowercase.get("sec-fetch-site") == "cross-site"
