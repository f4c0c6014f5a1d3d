"""What a page must not do: complain, break its content policy, or ask another machine."""

import re

from playwright.sync_api import ConsoleMessage, Page, Request, Response

REFUSED_LOAD = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
"""


class Watch:
    """Everything that a page loads and says, from now on."""

    def __init__(self, page: Page, url: str) -> None:
        self._url = url
        self._documents: set[str] = set()
        self._responses: list[Response] = []
        self.complaints: list[str] = []
        page.add_init_script(REPORT_VIOLATIONS)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("request", self._asked)
        page.on("response", lambda response: self._responses.append(response))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        # A page whose own status is an error is logged as such; that is no complaint.
        is_own_status = message.location.get("url") in self._documents
        if not (is_own_status and REFUSED_LOAD.match(message.text)):
            self.complaints.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if request.resource_type == "document":
            self._documents.add(request.url)
        if not request.url.startswith((self._url + "/", "data:", "blob:")):
            self.complaints.append(f"asked elsewhere: {request.url}")

    def weight(self) -> int:
        """Bytes of all that was loaded so far, uncompressed, without headers."""
        return sum(len(response.body()) for response in self._responses if response.ok)
