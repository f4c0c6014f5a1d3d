"""Addresses that a brand shows to visitors: https links and mailboxes, made harmless.

What comes out is plain ASCII in which nothing ends a CSS string, an HTML attribute or a
header, whatever went in.
"""

import re
from urllib.parse import SplitResult, quote, urlsplit

MAX_URL = 1000
MAX_EMAIL = 254

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# The last label of a name has a letter first: 127.1, 0x7f000001 and 2130706433 are addresses.
_HOST = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")
_EMAIL = re.compile(rf"[a-z0-9!#$%&'*+/=?^_`{{|}}~.-]{{1,64}}@{_HOST.pattern}")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# Names that mean something else to each machine that looks them up.
_LOCAL = ("localhost", "local", "internal", "onion", "arpa", "invalid")
# Everything that a URL may hold and that no CSS string, HTML attribute or srcset trips over.
_KEPT = "/:?#@!$&*+;=%~.-_"


def check_https_url(text: str) -> str:
    """The URL, normalised: lowercase host, no default port, everything odd percent-encoded.

    Raises ValueError for other schemes, credentials, addresses instead of names, local names,
    and what browsers read otherwise than it looks.
    """
    text = text.strip()
    if len(text) > MAX_URL:
        raise ValueError(f"Use {MAX_URL} characters at most.")
    if "\\" in text or any(c.isspace() or not c.isprintable() for c in text):
        raise ValueError("Spaces, backslashes and control characters are not allowed.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("This is not a web address.") from None
    if parts.scheme != "https" or not text[6:].startswith("//"):
        raise ValueError("Use an address that begins with https://.")
    if _BROKEN_ESCAPE.search(text):
        raise ValueError("Write a percent sign as %25.")
    authority = _host(parts) + (f":{port}" if port not in (None, 443) else "")
    url = f"https://{authority}{quote(parts.path, safe=_KEPT.replace('?', ''))}"
    if parts.query:
        url += "?" + quote(parts.query, safe=_KEPT)
    if parts.fragment:
        url += "#" + quote(parts.fragment, safe=_KEPT)
    if len(url) > MAX_URL:
        raise ValueError(f"Use {MAX_URL} characters at most.")
    return url


def _host(parts: SplitResult) -> str:
    if "@" in parts.netloc:
        raise ValueError("A user name or password in an address is not allowed.")
    host = (parts.hostname or "").removesuffix(".")
    if not host.isascii():
        raise ValueError("Write an international host name in its ASCII form, xn--….")
    if len(host) > 253 or not _HOST.fullmatch(host) or host.split(".")[-1] in _LOCAL:
        raise ValueError("Use a public host name, such as cdn.example.com.")
    return host


def check_email(text: str) -> str:
    """The mailbox in lowercase ASCII. Raises ValueError."""
    address = text.strip().lower()
    if len(address) > MAX_EMAIL or not _EMAIL.fullmatch(address) or ".." in address:
        raise ValueError("Use an ASCII email address, such as help@example.com.")
    return address
