"""Whether a form was sent from our own page (OWASP's cross-site request forgery cheat sheet):
Fetch Metadata, with Origin for browsers without it, and a token bound to the session."""

import hmac
from collections.abc import Mapping

from chalicelib.errors import Forbidden
from chalicelib.web.shell.urls import is_own_origin

REFUSED = "It did not come from a page of ours as it is now. Open the page again, then send it."


def token_of(session_token: str) -> str:
    """What a form of this session carries: derived, so that nothing is kept."""
    return hmac.digest(session_token.encode(), b"form", "sha256").hex()


def check_origin(headers: Mapping[str, str]) -> None:
    """Raises Forbidden unless the browser says that a page of ours sent this."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        if site != "same-origin":
            raise Forbidden(REFUSED)
    elif not is_own_origin(headers.get("origin") or "", headers.get("host")):
        raise Forbidden(REFUSED)


def check_token(session_token: str, sent: str | None) -> None:
    """Raises Forbidden unless the form carries this session's token."""
    if not hmac.compare_digest(token_of(session_token).encode(), (sent or "").encode()):
        raise Forbidden(REFUSED)
