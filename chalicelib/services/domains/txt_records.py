"""TXT lookups with strict limits, since any user can make us query any name server."""

import unicodedata
from typing import TYPE_CHECKING

from chalicelib.domain.custom_domains import LookupResult, TxtLookup, compare_txt_values
from chalicelib.settings import settings

if TYPE_CHECKING:
    from dns.resolver import Resolver

# Timeouts for one query and for the whole lookup, well below API Gateway's limit of 29 seconds.
ATTEMPT_SECONDS = 2.0
LIFETIME_SECONDS = 4.0
# Limits on the untrusted values that we store and show.
MAX_VALUES = 10
MAX_VALUE_LENGTH = 255


def resolver() -> "Resolver":
    """Return the system's resolver, or one that queries DNS_SERVER. Tests replace this function."""
    # Imported on first use, since the import takes 200 ms and is needed only to check a domain.
    from dns.resolver import Resolver

    address, _, port = (settings().dns_server or "").rpartition(":")
    configured = Resolver(configure=not address)
    if address:
        configured.nameservers = [address]
        configured.port = int(port)
    configured.timeout = ATTEMPT_SECONDS
    configured.lifetime = LIFETIME_SECONDS
    return configured


def look_up_txt(name: str, expected: str) -> TxtLookup:
    """Look up the TXT records at `name` and compare them with `expected`. Does not raise."""
    from dns import exception
    from dns import resolver as dns_resolver

    try:
        answer = resolver().resolve(name, "TXT", search=False)
    except (dns_resolver.NXDOMAIN, dns_resolver.NoAnswer):
        return TxtLookup(LookupResult.MISSING)
    except exception.Timeout:
        return TxtLookup(LookupResult.TIMEOUT)
    except exception.DNSException:
        return TxtLookup(LookupResult.SERVER_FAILURE)
    values = [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
    lookup = compare_txt_values(values, expected)
    return TxtLookup(
        lookup.result, tuple(_sanitized(value) for value in lookup.values[:MAX_VALUES])
    )


def _sanitized(value: str) -> str:
    """Truncate untrusted text, and replace control, format, and unusual space characters."""
    visible = (c if unicodedata.category(c)[0] not in "CZ" or c == " " else "\ufffd" for c in value)
    return "".join(visible)[:MAX_VALUE_LENGTH]
