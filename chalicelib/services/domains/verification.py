"""Proving custom domains: on request, and again and again by the schedule.

A look-up is turned into what the domain is in one place, `check_domain`, whoever asked. A
host is claimed in the transaction that takes its domain into use, and freed in the one that
ends that.
"""

from datetime import timedelta

from chalicelib import clock
from chalicelib.domain.custom_domains import (
    IN_USE,
    DomainState,
    Lookup,
    LookupResult,
    Status,
    next_state,
)
from chalicelib.errors import Busy, DomainTaken, NotFound, RateLimited, VersionConflict
from chalicelib.observability import count, logger
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.domains import txt_records
from chalicelib.services.domains.notices import tell_owner
from chalicelib.services.domains.registry import read_domain, record_change
from chalicelib.storage.claims import Claim, free
from chalicelib.storage.domains import VERIFIED, Domain, domain_claim, same
from chalicelib.storage.transactions import Transaction

# How often somebody may ask for a look-up of one domain; the schedule asks besides.
ATTEMPTS_ALLOWED = 10
ATTEMPTS_WINDOW = timedelta(minutes=10)
CONFLICTS = 5


def verify_domain(domain: Domain, *, by: str, once: IdempotentRequest = NO_KEY) -> Domain:
    """Look the record up now, and act on what is found. See check_domain.

    Raises RateLimited, DomainTaken, VersionConflict (read again).
    """
    _count_attempt(domain)
    return check_domain(domain, look_up_record(domain), by=by, once=once)


def _count_attempt(domain: Domain) -> None:
    """Put the attempt down before it is made, so that no number of parallel calls makes us
    ask more often. Raises RateLimited, VersionConflict."""
    now = clock.now()
    since = domain.attempts_since
    if since is None or now - since >= ATTEMPTS_WINDOW:
        since, attempts = now, 0
    else:
        attempts = domain.attempts
    if attempts >= ATTEMPTS_ALLOWED:
        wait = int((since + ATTEMPTS_WINDOW - now).total_seconds()) + 1
        raise RateLimited("This domain was checked often just now. Wait a little.", wait)
    tx = Transaction()
    tx.change(domain, still=same(domain), attempts=attempts + 1, attempts_since=since)
    tx.commit()


def look_up_record(domain: Domain) -> Lookup:
    """What is at the name where the domain's record should be."""
    return txt_records.look_up_txt(domain.record_name, domain.record_value)


def check_domain(
    domain: Domain, lookup: Lookup, *, by: str, once: IdempotentRequest = NO_KEY
) -> Domain:
    """Make the domain what `lookup` says it is, in one transaction.

    Invariant: the host is claimed for this reseller exactly while the domain is in use.
    Condition: the row's version, and for a new claim that nobody else has it. Who loses the
    race judges the row as it is then by the same finding. Raises DomainTaken, NotFound, Busy.
    """
    for _ in range(CONFLICTS):
        try:
            return _apply_lookup(domain, lookup, by=by, once=once)
        except VersionConflict:
            again = read_domain(domain.reseller_id, domain.host)
            if again.token != domain.token:
                raise NotFound("domain") from None  # given up and added anew meanwhile
            domain = again
    raise Busy


def _apply_lookup(domain: Domain, lookup: Lookup, *, by: str, once: IdempotentRequest) -> Domain:
    tx = Transaction()
    before = DomainState(Status(domain.status), domain.grace_until)
    after = next_state(before, lookup, tx.now)
    if after.status in IN_USE and before.status not in IN_USE:
        _claim(tx, domain)
    if after.status not in IN_USE and before.status in IN_USE:
        free(tx, domain_claim(domain.host), domain.reseller_id)
    if after.status != before.status:
        record_change(
            tx,
            domain,
            by,
            f"domain.{after.status}",
            before={"status": before.status},
            after={"status": after.status},
        )
        tell_owner(tx, domain, after, lookup)
    _write_state(tx, domain, after, lookup)
    once.record(tx, domain)
    tx.commit()
    _log(domain, before.status, lookup.finding)
    return domain


def _write_state(tx: Transaction, domain: Domain, after: DomainState, lookup: Lookup) -> None:
    in_use = after.status in IN_USE
    tx.change(
        domain,
        still=same(domain),
        status=after.status,
        finding=lookup.finding,
        found_values={"values": list(lookup.found)} if lookup.found else None,
        checked_at=tx.now,
        verified_at=tx.now if lookup.present else domain.verified_at,
        grace_until=after.grace_until,
        expires_at=domain.expires_at if after.status is Status.PENDING else None,
        in_use=VERIFIED if in_use else None,
    )


def _claim(tx: Transaction, domain: Domain) -> None:
    """Ours already means: a repair by hand. It is then no one else's."""
    tx.put(
        Claim(domain_claim(domain.host), owner=domain.reseller_id),
        condition=Claim.name.does_not_exist() | (Claim.owner == domain.reseller_id),
        otherwise=DomainTaken(domain.host),
    )


def _log(domain: Domain, before: Status, finding: LookupResult) -> None:
    logger.info(
        "Domain checked",
        extra={
            "host": domain.host,
            "reseller_id": domain.reseller_id,
            "before": before,
            "after": domain.status,
            "finding": finding,
        },
    )
    if domain.status != before:
        count(f"Domains{domain.status.capitalize()}")
