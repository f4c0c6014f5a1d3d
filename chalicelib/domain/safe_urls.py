"""Validation for the https URLs and email addresses that a brand shows to visitors.

The result is always plain ASCII that cannot end a CSS string, an HTML attribute, or a header.
"""

import re
from urllib.parse import SplitResult, quote, urlsplit

from chalicelib.domain.names import MAX_EMAIL

MAX_URL = 1000
# What every accepted URL looks like; check_https_url refuses many more.
HTTPS_URL = r"[Hh][Tt][Tt][Pp][Ss]://.+"

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# The last label must start with a letter: 127.1, 0x7f000001, and 2130706433 are IP addresses.
_HOST = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")
_EMAIL = re.compile(rf"[a-z0-9!#$%&'*+/=?^_`{{|}}~.-]{{1,64}}@{_HOST.pattern}")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# Top-level names reserved for local or special use.
_LOCAL = ("localhost", "local", "internal", "onion", "arpa", "invalid")
# Punctuation that is safe in a CSS string, an HTML attribute, and a srcset.
_SAFE = "/:?#@!$&*+;=%~.-_"


def check_https_url(text: str) -> str:
    """Normalize the URL: lowercase host, no default port, unsafe characters percent-encoded.

    Raises ValueError for other schemes, credentials, IP addresses, local names, and anything that
    browsers interpret differently from how it looks.
    """
    text = text.strip()
    if len(text) > MAX_URL:
        raise ValueError(f"Use at most {MAX_URL:,} characters.")
    if "\\" in text or any(c.isspace() or not c.isprintable() for c in text):
        raise ValueError("Spaces, backslashes, and control characters are not allowed.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("This is not a valid URL.") from None
    if parts.scheme != "https" or not text[6:].startswith("//"):
        raise ValueError("Use a URL that starts with https://.")
    if _BROKEN_ESCAPE.search(text):
        raise ValueError("Write a literal percent sign as %25.")
    authority = _host(parts) + (f":{port}" if port not in (None, 443) else "")
    url = f"https://{authority}{quote(parts.path, safe=_SAFE.replace('?', ''))}"
    if parts.query:
        url += "?" + quote(parts.query, safe=_SAFE)
    if parts.fragment:
        url += "#" + quote(parts.fragment, safe=_SAFE)
    if len(url) > MAX_URL:
        raise ValueError(f"Use at most {MAX_URL:,} characters.")
    return url


def _host(parts: SplitResult) -> str:
    if "@" in parts.netloc:
        raise ValueError("The URL must not contain a username or password.")
    host = (parts.hostname or "").removesuffix(".")
    if not host.isascii():
        raise ValueError("Write an international host name in its ASCII form (xn--…).")
    if len(host) > 253 or not _HOST.fullmatch(host) or host.split(".")[-1] in _LOCAL:
        raise ValueError("Use a public host name, such as cdn.example.com.")
    return host


def check_email(text: str) -> str:
    """Return the address in lowercase, or raise ValueError if it is not valid plain ASCII."""
    address = text.strip().lower()
    if len(address) > MAX_EMAIL or not _EMAIL.fullmatch(address) or ".." in address:
        raise ValueError("Use an ASCII email address, such as help@example.com.")
    return address
