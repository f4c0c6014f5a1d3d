"""Detect console errors, CSP violations, and requests to other hosts."""

import re

from playwright.sync_api import ConsoleMessage, Page, Request, Response

REFUSED_LOAD = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")
FOREIGN_REQUEST = "request to another host: "
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
"""


class PageMonitor:
    """Records a page's requests and console messages. `problems` must stay empty."""

    def __init__(self, page: Page, url: str) -> None:
        self._url = url
        self._documents: set[str] = set()
        self._responses: list[Response] = []
        self.problems: list[str] = []
        page.add_init_script(REPORT_VIOLATIONS)
        page.on("console", self._on_console_message)
        page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))
        page.on("request", self._on_request)
        page.on("response", self._on_response)

    def _on_console_message(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        # If a page's own status is an error, Chromium logs it. That is expected on error pages, and
        # when the script previews what was typed so far.
        is_own_status = message.location.get("url") in self._documents
        if not (is_own_status and REFUSED_LOAD.match(message.text)):
            self.problems.append(f"console: {message.text}")

    def _on_request(self, request: Request) -> None:
        if request.resource_type == "document":
            self._documents.add(request.url)
        if not request.url.startswith((self._url + "/", "data:", "blob:")):
            self.problems.append(f"{FOREIGN_REQUEST}{request.url}")

    def _on_response(self, response: Response) -> None:
        self._responses.append(response)
        if response.request.resource_type == "fetch" and response.status == 422:
            self._documents.add(response.url)

    def weight(self) -> int:
        """Return the uncompressed size of everything loaded so far, in bytes, without headers."""
        return sum(len(response.body()) for response in self._responses if response.ok)
