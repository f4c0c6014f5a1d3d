"""Custom domains: a reseller proves ownership with a TXT record and has to keep it in place.

pending ──record found──▶ verified ──record gone──▶ failing ──grace over──▶ suspended
                             ▲────────record found─────┘                       │
                             ▲────────record found─────────────────────────────┘
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

RECORD_LABEL = "_tenantry"
TOKEN_PREFIX = "tenantry-verification="  # noqa: S105 - prefix of a public DNS record

PENDING_LIFETIME = timedelta(days=7)
GRACE_PERIOD = timedelta(days=7)
RECHECK_AFTER = timedelta(days=1)


class Status(StrEnum):
    PENDING = "pending"  # added but not verified yet; does not reserve the host, and expires
    VERIFIED = "verified"
    FAILING = "failing"  # record is gone; still in use until the grace period ends
    SUSPENDED = "suspended"  # not in use; anyone who verifies the host can have it


STATUSES = frozenset(Status)
IN_USE = frozenset({Status.VERIFIED, Status.FAILING})


class LookupResult(StrEnum):
    """The outcome of looking up the TXT record."""

    PRESENT = "present"
    MISSING = "missing"  # no TXT record at this name
    OTHER_VALUE = "other_value"  # one TXT record, with a different value
    SEVERAL_VALUES = "several_values"  # several TXT records, none with the expected value
    TIMEOUT = "timeout"  # no name server answered in time
    SERVER_FAILURE = "server_failure"  # the name servers answered with an error


# These results say nothing about the record: a failure in our own resolver looks the same.
INCONCLUSIVE = frozenset({LookupResult.TIMEOUT, LookupResult.SERVER_FAILURE})


@dataclass(frozen=True, slots=True)
class TxtLookup:
    """A lookup's outcome. `values` holds the values found if none is the expected one."""

    result: LookupResult
    values: tuple[str, ...] = ()

    @property
    def present(self) -> bool:
        return self.result is LookupResult.PRESENT


@dataclass(frozen=True, slots=True)
class DomainState:
    """A domain's status. `grace_until` is set only while the domain is failing."""

    status: str
    grace_until: datetime | None = None


def record_name(host: str) -> str:
    return f"{RECORD_LABEL}.{host}"


def record_value(token: str) -> str:
    return TOKEN_PREFIX + token


def compare_txt_values(values: list[str], expected: str) -> TxtLookup:
    """Compare the TXT values found with the expected one, ignoring quotes added by a DNS panel."""
    if any(value.strip().strip('"').strip() == expected for value in values):
        return TxtLookup(LookupResult.PRESENT)
    if not values:
        return TxtLookup(LookupResult.MISSING)
    result = LookupResult.OTHER_VALUE if len(values) == 1 else LookupResult.SEVERAL_VALUES
    return TxtLookup(result, tuple(values))


def next_state(before: DomainState, lookup: TxtLookup, now: datetime) -> DomainState:
    """Return the domain's state after a lookup. A status from a later release stays unchanged."""
    if before.status not in STATUSES:
        return before
    if lookup.present:
        return DomainState(Status.VERIFIED)
    if before.status == Status.VERIFIED:
        return DomainState(Status.FAILING, now + GRACE_PERIOD)
    if before.status == Status.FAILING and (before.grace_until or now) <= now:
        return DomainState(Status.SUSPENDED)
    return before


def explain_lookup(result: str, name: str, value: str) -> str:
    """Return a message that tells the owner what the lookup found and what to do next."""
    explanations: dict[str, str] = {
        LookupResult.PRESENT: f"The TXT record at {name} is correct.",
        LookupResult.MISSING: f"There is no TXT record at {name}. "
        f"Create one with the value {value}. New records usually become visible within minutes, "
        "but can take hours.",
        LookupResult.OTHER_VALUE: f"The TXT record at {name} has a different value. Set it to "
        f"{value}.",
        LookupResult.SEVERAL_VALUES: f"None of the TXT records at {name} has the value {value}. "
        "Add one that does; you can keep the others.",
        LookupResult.TIMEOUT: f"The name servers for {name} did not answer in time. Try again in a "
        "few minutes.",
        LookupResult.SERVER_FAILURE: f"The name servers for {name} returned an error. Check that "
        "the domain is delegated to working name servers, then try again.",
    }
    return explanations.get(result, f"The lookup of {name} returned “{result}”.")
