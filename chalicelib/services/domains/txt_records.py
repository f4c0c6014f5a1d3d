"""Looking up TXT records, within strict bounds: anyone can make us ask any name server."""

import unicodedata
from typing import TYPE_CHECKING

from chalicelib.domain.custom_domains import Lookup, LookupResult, compare
from chalicelib.settings import settings

if TYPE_CHECKING:
    from dns.resolver import Resolver

# One attempt, and all attempts at a name together; well below API Gateway's 29 seconds.
ATTEMPT_SECONDS = 2.0
LIFETIME_SECONDS = 4.0
# What is shown of a stranger's records.
MAX_VALUES = 10
MAX_VALUE_LENGTH = 255


def resolver() -> "Resolver":
    """The machine's own resolver, or the one that DNS_SERVER names. Tests put theirs here."""
    # Imported on first use: it takes 200 ms, and only checking a domain needs it.
    from dns.resolver import Resolver

    address, _, port = (settings().dns_server or "").rpartition(":")
    made = Resolver(configure=not address)
    if address:
        made.nameservers = [address]
        made.port = int(port)
    made.timeout = ATTEMPT_SECONDS
    made.lifetime = LIFETIME_SECONDS
    return made


def look_up_txt(name: str, expected: str) -> Lookup:
    """What is at `name`, held against the value that should be there. Never raises."""
    from dns import exception
    from dns import resolver as dns_resolver

    try:
        answer = resolver().resolve(name, "TXT", search=False)
    except (dns_resolver.NXDOMAIN, dns_resolver.NoAnswer):
        return Lookup(LookupResult.MISSING)
    except exception.Timeout:
        return Lookup(LookupResult.TIMEOUT)
    except exception.DNSException:
        return Lookup(LookupResult.SERVER_FAILURE)
    values = [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
    lookup = compare(values, expected)
    return Lookup(lookup.finding, tuple(_sanitized(value) for value in lookup.found[:MAX_VALUES]))


def _sanitized(value: str) -> str:
    """A stranger's text: bounded, and without what changes how the text round it looks."""
    visible = (c if unicodedata.category(c)[0] not in "CZ" or c == " " else "\ufffd" for c in value)
    return "".join(visible)[:MAX_VALUE_LENGTH]
