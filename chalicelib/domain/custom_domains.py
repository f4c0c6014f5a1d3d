"""A reseller's own domain: proven by a TXT record, kept while the record is there.

pending ──record there──▶ verified ──record gone──▶ failing ──grace over──▶ suspended
                             ▲────────record there─────┘                       │
                             ▲────────record there─────────────────────────────┘
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

RECORD_LABEL = "_tenantry"
TOKEN_PREFIX = "tenantry-verification="  # noqa: S105 - what a public DNS record begins with

PENDING_LIFETIME = timedelta(days=7)
GRACE = timedelta(days=7)
RECHECK_AFTER = timedelta(days=1)


class Status(StrEnum):
    PENDING = "pending"  # added, not proven yet; blocks nobody, expires
    VERIFIED = "verified"
    FAILING = "failing"  # still in use, but its record is gone: until the grace period is over
    SUSPENDED = "suspended"  # not in use, and free for whoever proves it


IN_USE = frozenset({Status.VERIFIED, Status.FAILING})


class LookupResult(StrEnum):
    """What a look-up of the record met."""

    PRESENT = "present"
    MISSING = "missing"  # there is no TXT record at this name
    OTHER_VALUE = "other_value"  # there is one, with another value
    SEVERAL_VALUES = "several_values"  # there are several, none of them the right one
    TIMEOUT = "timeout"  # no name server answered in time
    SERVER_FAILURE = "server_failure"  # the name servers answered with an error


# These say nothing of the record; a broken resolver of our own looks the same.
UNDECIDED = frozenset({LookupResult.TIMEOUT, LookupResult.SERVER_FAILURE})


@dataclass(frozen=True, slots=True)
class Lookup:
    """found: the values at the name, where they are not (only) the right one."""

    finding: LookupResult
    found: tuple[str, ...] = ()

    @property
    def present(self) -> bool:
        return self.finding is LookupResult.PRESENT


@dataclass(frozen=True, slots=True)
class DomainState:
    """What becomes of a domain. grace_until: of a failing one only."""

    status: Status
    grace_until: datetime | None = None


def record_name(host: str) -> str:
    return f"{RECORD_LABEL}.{host}"


def record_value(token: str) -> str:
    return TOKEN_PREFIX + token


def compare(values: list[str], expected: str) -> Lookup:
    """What the values at the name mean. Quotes that a DNS panel kept are forgiven."""
    if any(value.strip().strip('"').strip() == expected for value in values):
        return Lookup(LookupResult.PRESENT)
    if not values:
        return Lookup(LookupResult.MISSING)
    finding = LookupResult.OTHER_VALUE if len(values) == 1 else LookupResult.SEVERAL_VALUES
    return Lookup(finding, tuple(values))


def next_state(before: DomainState, lookup: Lookup, now: datetime) -> DomainState:
    """What a domain is after a look-up."""
    if lookup.present:
        return DomainState(Status.VERIFIED)
    if before.status is Status.VERIFIED:
        return DomainState(Status.FAILING, now + GRACE)
    if before.status is Status.FAILING and (before.grace_until or now) <= now:
        return DomainState(Status.SUSPENDED)
    return before


def explain(finding: LookupResult, name: str, value: str) -> str:
    """What to do now, in a sentence or two."""
    return {
        LookupResult.PRESENT: f"The TXT record at {name} is right.",
        LookupResult.MISSING: f"There is no TXT record at {name}. "
        f"Create it with the value {value}. New records usually take minutes to become visible, "
        "rarely hours.",
        LookupResult.OTHER_VALUE: f"The TXT record at {name} has another value. Set it to {value}.",
        LookupResult.SEVERAL_VALUES: f"None of the TXT records at {name} is {value}. "
        "Add one that is; the others can stay.",
        LookupResult.TIMEOUT: f"No name server answered for {name} in time. Try again in a moment.",
        LookupResult.SERVER_FAILURE: f"The name servers of {name} answered with an error. See that "
        "the domain is delegated to servers that are up, then try again.",
    }[finding]
