"""The one module that builds cookies. `__Host-` binds them to this host, HTTPS and the root
path; browsers treat http://127.0.0.1 and localhost as secure enough for them."""

import base64
import binascii
import json

SESSION = "__Host-session"
FLASH = "__Host-flash"
ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax"
FLASH_LIMIT = 1500


def read(header: str | None, name: str) -> str | None:
    """One cookie of a Cookie header; None where it is missing.

    Read as RFC 6265 says that servers get it, pair by pair. Python's own reader gives up at
    the first pair that it dislikes, and what other software sets for all of a company's hosts
    (JSON, say) would sign people out here.
    """
    for pair in (header or "").split(";"):
        found, _, value = pair.strip().partition("=")
        if found == name and value:
            return value
    return None


def set_session(token: str, max_age: int) -> str:
    """max_age: seconds, as long as the session lives at most."""
    if not token.isascii() or not token.isprintable() or set(token) & set(' ";,\\'):
        raise ValueError("A token that can't be a cookie.")
    return f"{SESSION}={token}; Max-Age={max_age}; {ATTRIBUTES}"


def clear(name: str) -> str:
    return f"{name}=; Max-Age=0; {ATTRIBUTES}"


def set_flash(kind: str, text: str) -> str:
    """A message for the next page alone. kind: success, error, info, warning."""
    packed = base64.urlsafe_b64encode(json.dumps([kind, text[:FLASH_LIMIT]]).encode()).decode()
    return f"{FLASH}={packed}; Max-Age=60; {ATTRIBUTES}"


def read_flash(header: str | None) -> tuple[str, str] | None:
    packed = read(header, FLASH)
    if packed is None:
        return None
    try:
        kind, text = json.loads(base64.urlsafe_b64decode(packed))
    except (binascii.Error, ValueError, TypeError):
        return None
    return (kind, text) if isinstance(kind, str) and isinstance(text, str) else None
