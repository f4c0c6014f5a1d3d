"""CSRF protection, as recommended in OWASP's cheat sheet.

Checks a session-bound token and the Sec-Fetch-Site header, or Origin if the browser doesn't send
it.
"""

import hmac
from collections.abc import Mapping

from chalicelib.errors import Forbidden
from chalicelib.web.shell.urls import is_own_origin

REFUSED = "It did not come from a page of ours as it is now. Open the page again, then send it."


def token_of(session_token: str) -> str:
    """Return the session's CSRF token. It is derived from the session token, not stored."""
    return hmac.digest(session_token.encode(), b"form", "sha256").hex()


def check_origin(headers: Mapping[str, str]) -> None:
    """Check that the request came from one of our pages, per its headers. Raises Forbidden."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        if site != "same-origin":
            raise Forbidden(REFUSED)
    elif not is_own_origin(headers.get("origin") or "", headers.get("host")):
        raise Forbidden(REFUSED)


def check_token(session_token: str, sent: str | None) -> None:
    """Check that `sent` is this session's token. Raises Forbidden."""
    if not hmac.compare_digest(token_of(session_token).encode(), (sent or "").encode()):
        raise Forbidden(REFUSED)
