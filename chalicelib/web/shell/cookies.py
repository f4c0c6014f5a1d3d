"""Build and read cookies.

The `__Host-` prefix restricts a cookie to this host, HTTPS, and the root path. Browsers also accept
it from http://127.0.0.1 and localhost.
"""

import base64
import binascii
import json

SESSION = "__Host-session"
FLASH = "__Host-flash"
ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax"
FLASH_LIMIT = 1500


def read(header: str | None, name: str) -> str | None:
    """Return one cookie from a Cookie header, or None if it is missing.

    The header is parsed pair by pair, as specified in RFC 6265. Python's own parser stops at the
    first pair it considers invalid, so a cookie that other software set for the company's whole
    domain (such as one that contains JSON) would sign people out here.
    """
    for pair in (header or "").split(";"):
        key, _, value = pair.strip().partition("=")
        if key == name and value:
            return value
    return None


def set_session(token: str, max_age: int) -> str:
    """Return a Set-Cookie value. `max_age` is the maximum session lifetime in seconds."""
    if not token.isascii() or not token.isprintable() or set(token) & set(' ";,\\'):
        raise ValueError("The token contains characters that a cookie can't hold.")
    return f"{SESSION}={token}; Max-Age={max_age}; {ATTRIBUTES}"


def clear(name: str) -> str:
    return f"{name}=; Max-Age=0; {ATTRIBUTES}"


def set_flash(kind: str, text: str) -> str:
    """Return a Set-Cookie value for a flash message: success, error, info, or warning."""
    encoded = base64.urlsafe_b64encode(json.dumps([kind, text[:FLASH_LIMIT]]).encode()).decode()
    return f"{FLASH}={encoded}; Max-Age=60; {ATTRIBUTES}"


def read_flash(header: str | None) -> tuple[str, str] | None:
    encoded = read(header, FLASH)
    if encoded is None:
        return None
    try:
        kind, text = json.loads(base64.urlsafe_b64decode(encoded))
    except (binascii.Error, ValueError, TypeError):
        return None
    return (kind, text) if isinstance(kind, str) and isinstance(text, str) else None
