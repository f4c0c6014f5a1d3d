"""Everything that the stand-in serves, as one function to be mounted into any HTTP server."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from . import control
from .answer import Answer
from .courier import Courier
from .pages import dashboard, documents, hosted
from .pages.layout import asset, not_found
from .stand_in import StripeStandIn


class Site:
    def __init__(self, stand_in: StripeStandIn, courier: Courier | None = None) -> None:
        self._stand_in = stand_in
        self._courier = courier

    @staticmethod
    def owns(path: str) -> bool:
        """Whether a path is a page or control of the stand-in (the API, `/v1/`, is beside)."""
        return path == "/stripe" or path.startswith(("/pay/", "/stripe/dashboard/", "/_control/"))

    def handle(
        self, method: str, path_and_query: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        """Raises `ConnectionLost` when an injected fault loses the answer."""
        path = urlsplit(path_and_query).path
        if path.startswith("/v1/"):
            return self._stand_in.handle(method, path_and_query, headers, body)
        if path.startswith("/pay/assets/"):
            return asset(path.removeprefix("/pay/assets/"))
        if path.startswith(("/pay/receipts/", "/pay/invoices/")):
            return documents.handle(self._stand_in, path)
        if path.startswith("/pay/"):
            return hosted.handle(self._stand_in, method, path_and_query, body)
        if method == "POST" and _from_another_site(headers):
            return Answer(403, {"Content-Type": "text/plain"}, b"not from another site")
        if path.startswith(control.PREFIX):
            return control.handle(self._stand_in, self._courier, method, path, body)
        if path == "/stripe" or path.startswith("/stripe/dashboard/"):
            return dashboard.handle(self._stand_in, self._courier, method, path_and_query, body)
        return not_found()


def _from_another_site(headers: Mapping[str, str]) -> bool:
    """A page elsewhere on the web must not press the buttons of this machine's dashboard."""
    sent = {name.lower(): value for name, value in headers.items()}
    return sent.get("sec-fetch-site") == "cross-site"
