"""Validation and normalization of host names for custom domains.

Host names are stored and shown only in ASCII (xn--…), so that different names never look the same.
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
# The verification record's name, which is longer than the host, must also be within the limit.
MAX_CUSTOM_HOST = MAX_HOST - len(record_name(""))
# Top-level domains that the public DNS doesn't serve: RFC 6761, RFC 6762, and ICANN's .internal.
SPECIAL_USE_TLDS = frozenset({"localhost", "local", "internal", "onion", "arpa", "invalid"})

# Scripts that can be mixed within a label, each identified by the first word of its characters'
# Unicode names. IDEOGRAPHIC and KATAKANA-HIRAGANA cover the marks in 佐々木 and データ.
_EAST_ASIAN_SCRIPTS = (
    {"CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "LATIN"},
    {"CJK", "HANGUL", "LATIN"},
    {"CJK", "BOPOMOFO", "LATIN"},
)


def normalize_host(text: str) -> str | None:
    """Return the host in lowercase ASCII, without a port or trailing dot, or None if invalid."""
    host = text.strip().rsplit(":", 1)[0] if text.count(":") == 1 else text.strip()
    try:
        return _to_ascii(host)
    except ValueError:
        return None


def check_custom_host(text: str) -> str:
    """Return the normalized host to store. Raises ValueError with the rule that was broken."""
    if any(c in text.strip() for c in "/:@?#%*\\ "):
        raise ValueError("Enter only a host name, such as app.example.com.")
    host = _to_ascii(text.strip())
    if len(host) > MAX_CUSTOM_HOST:
        raise ValueError(f"Use at most {MAX_CUSTOM_HOST} characters.")
    if _is_ip_address(host):
        raise ValueError("Use a host name, not an IP address.")
    if "." not in host or host.rpartition(".")[2] in SPECIAL_USE_TLDS:
        raise ValueError("Use a public host name, such as app.example.com.")
    if _suffixes().is_public(host):
        raise ValueError(f"{host} is a public suffix that many owners share. Use a name below it.")
    if is_platform_host(host):
        raise ValueError("This host belongs to the platform. Use one of your own.")
    return host


def _to_ascii(host: str) -> str:
    """Encode the host with IDNA 2008 and the UTS 46 mapping, as browsers do.

    Removes a trailing dot. Raises ValueError.
    """
    import idna

    if not 0 < len(host) <= MAX_HOST + 1:
        raise ValueError(f"Use 1 to {MAX_HOST} characters.")
    try:
        ascii_host = idna.encode(host, uts46=True, std3_rules=True, transitional=False).decode()
        labels = idna.decode(ascii_host).split(".")
    except (idna.IDNAError, UnicodeError):
        raise ValueError("This is not a valid host name.") from None
    for label in labels:
        if _mixes_scripts(label):
            raise ValueError("Don't mix alphabets, because the name could imitate another one.")
    return ascii_host.removesuffix(".")


def _mixes_scripts(label: str) -> bool:
    scripts = {unicodedata.name(c, "?").split()[0] for c in label if c.isalpha()}
    return len(scripts) > 1 and not any(scripts <= allowed for allowed in _EAST_ASIAN_SCRIPTS)


def _is_ip_address(host: str) -> bool:
    """Return whether browsers would parse the host as an IPv4 address: its last label is a number.

    IPv6 addresses never get here, because hosts with colons were already rejected.
    """
    last = host.rpartition(".")[2]
    return last.isdigit() or last.startswith("0x")


def is_platform_host(host: str) -> bool:
    """Return whether the host is the same as, a parent of, or a subdomain of a platform host."""
    platform_hosts = [urlsplit(settings().public_url).hostname or "", *settings().platform_hosts]
    return any(
        host == name or name.endswith("." + host) or host.endswith("." + name)
        for name in platform_hosts
        if name
    )


@cache
def _suffixes() -> "PublicSuffixList":
    # Imported on first use, since only adding a domain needs it.
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()
