"""Host names that may become a reseller's own: spelled one way, and nobody else's.

A name is kept and shown in ASCII (xn--…) alone, so that no two look the same.
"""

import unicodedata
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chalicelib.domain.custom_domains import record_name
from chalicelib.settings import settings

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

MAX_HOST = 253
# The record that proves a host stands below it, and is a name too.
MAX_CUSTOM_HOST = MAX_HOST - len(record_name(""))
# RFC 6761 and 6762, ICANN's .internal: names that no public DNS answers for.
SPECIAL = frozenset({"localhost", "local", "internal", "onion", "arpa", "invalid"})

# Scripts that are written together; each stands for the first word of its letters' names. The
# signs of 佐々木 and of データ are named otherwise than the letters that they stand among.
_EAST_ASIAN = (
    {"CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "LATIN"},
    {"CJK", "HANGUL", "LATIN"},
    {"CJK", "BOPOMOFO", "LATIN"},
)


def normalised(text: str) -> str | None:
    """The host in lowercase ASCII without port and final dot; None if it can be no name."""
    host = text.strip().rsplit(":", 1)[0] if text.count(":") == 1 else text.strip()
    try:
        return _to_ascii(host)
    except ValueError:
        return None


def check_custom_host(text: str) -> str:
    """The host as it is kept. Raises ValueError with the rule it breaks."""
    if any(c in text.strip() for c in "/:@?#%*\\ "):
        raise ValueError("Send the host name alone, such as app.example.com.")
    host = _to_ascii(text.strip())
    if len(host) > MAX_CUSTOM_HOST:
        raise ValueError(f"Use {MAX_CUSTOM_HOST} characters at most.")
    if _is_ip_address(host):
        raise ValueError("Use a host name, not an IP address.")
    if "." not in host or host.rpartition(".")[2] in SPECIAL:
        raise ValueError("Use a host name of the public internet, such as app.example.com.")
    if _suffixes().is_public(host):
        raise ValueError(f"{host} is a public suffix, shared by many owners.")
    if is_platform_host(host):
        raise ValueError("This is a host of the platform itself.")
    return host


def _to_ascii(host: str) -> str:
    """IDNA 2008, with the mapping that browsers apply first (UTS 46), without a final dot.
    Raises ValueError."""
    import idna

    if not 0 < len(host) <= MAX_HOST + 1:
        raise ValueError(f"A host name has 1 to {MAX_HOST} characters.")
    try:
        ascii_host = idna.encode(host, uts46=True, std3_rules=True, transitional=False).decode()
        labels = idna.decode(ascii_host).split(".")
    except (idna.IDNAError, UnicodeError):
        raise ValueError("This is not a valid host name.") from None
    for label in labels:
        if _mixes_scripts(label):
            raise ValueError("A label that mixes alphabets is not allowed: it imitates another.")
    return ascii_host.removesuffix(".")


def _mixes_scripts(label: str) -> bool:
    scripts = {unicodedata.name(c, "?").split()[0] for c in label if c.isalpha()}
    return len(scripts) > 1 and not any(scripts <= together for together in _EAST_ASIAN)


def _is_ip_address(host: str) -> bool:
    """In any notation that browsers take for one: the last label is a number. (Those of
    IPv6 have colons and got no further.)"""
    last = host.rpartition(".")[2]
    return last.isdigit() or last.startswith("0x")


def is_platform_host(host: str) -> bool:
    """Whether the host is the platform's, contains it, or is below it."""
    own = [urlsplit(settings().public_url).hostname or "", *settings().platform_hosts]
    return any(
        host == name or name.endswith("." + host) or host.endswith("." + name)
        for name in own
        if name
    )


@cache
def _suffixes() -> "PublicSuffixList":
    # Imported on first use: only adding a domain asks it.
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()
