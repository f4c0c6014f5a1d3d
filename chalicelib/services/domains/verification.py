"""Verification of custom domains, on request and in the daily recheck.

Both apply the result of a lookup through `check_domain`. A host is claimed in the transaction that
verifies the domain, and released in the one that suspends or removes it.
"""

from datetime import timedelta

from chalicelib import clock
from chalicelib.domain.actors import Actor
from chalicelib.domain.custom_domains import (
    IN_USE,
    STATUSES,
    DomainState,
    LookupResult,
    Status,
    TxtLookup,
    next_state,
)
from chalicelib.errors import DomainTaken, NotFound, RateLimited
from chalicelib.observability import Metric, count, logger
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.domains import txt_records
from chalicelib.services.domains.notices import notify_owner
from chalicelib.services.domains.registry import read_domain, record_change
from chalicelib.storage import retries
from chalicelib.storage.audit import AuditAction
from chalicelib.storage.claims import Claim, claim_name, release_name, transfer_claim
from chalicelib.storage.domains import VERIFIED, Domain, domain_claim, same_registration
from chalicelib.storage.reads import get
from chalicelib.storage.transactions import Transaction

# Rate limit for the lookups that users request for one domain. The daily recheck doesn't count
# toward it.
ATTEMPTS_ALLOWED = 10
ATTEMPTS_WINDOW = timedelta(minutes=10)
# What is recorded when a domain gets the status.
STATUS_ACTIONS: dict[str, AuditAction] = {
    Status.VERIFIED: AuditAction.DOMAIN_VERIFIED,
    Status.FAILING: AuditAction.DOMAIN_FAILING,
    Status.SUSPENDED: AuditAction.DOMAIN_SUSPENDED,
}
# What is counted when a domain gets the status.
STATUS_METRICS: dict[str, Metric] = {
    Status.VERIFIED: Metric.DOMAINS_VERIFIED,
    Status.FAILING: Metric.DOMAINS_FAILING,
    Status.SUSPENDED: Metric.DOMAINS_SUSPENDED,
}


def verify_domain(domain: Domain, *, by: Actor, once: IdempotentRequest = NO_KEY) -> Domain:
    """Look up the domain's record now, and apply the result with `check_domain`.

    Raises RateLimited, VersionConflict if a concurrent attempt was counted first, and anything that
    `check_domain` raises.
    """
    _count_attempt(domain)
    return check_domain(domain, look_up_record(domain), by=by, once=once)


def _count_attempt(domain: Domain) -> None:
    """Count the attempt before the lookup, so that parallel calls cannot exceed the limit.

    Raises RateLimited or VersionConflict.
    """
    now = clock.now()
    since = domain.attempts_since
    if since is None or now - since >= ATTEMPTS_WINDOW:
        since, attempts = now, 0
    else:
        attempts = domain.attempts
    if attempts >= ATTEMPTS_ALLOWED:
        wait = int((since + ATTEMPTS_WINDOW - now).total_seconds()) + 1
        raise RateLimited(
            "This domain was checked too many times. Wait a few minutes, then try again.", wait
        )
    tx = Transaction()
    tx.change(domain, still=same_registration(domain), attempts=attempts + 1, attempts_since=since)
    tx.commit()


def look_up_record(domain: Domain) -> TxtLookup:
    """Look up the domain's verification record."""
    return txt_records.look_up_txt(domain.record_name, domain.record_value)


def check_domain(
    domain: Domain, lookup: TxtLookup, *, by: Actor, once: IdempotentRequest = NO_KEY
) -> Domain:
    """Update the domain to the state that follows from `lookup`, in one transaction.

    Invariant: the host is claimed for this reseller if and only if the domain is in use. Condition:
    the row's version is unchanged and, for a new claim, no other reseller holds it. After a version
    conflict, the same lookup result is applied to the current row. Raises DomainTaken, Busy, or
    NotFound if the domain was removed in the meantime.
    """

    def read_again() -> Domain:
        current = read_domain(domain.reseller_id, domain.host)
        if current.token != domain.token:
            raise NotFound("domain")  # removed and added again
        return current

    return retries.act_on_current(
        read_again, lambda row: _apply_lookup(row, lookup, by=by, once=once), first=domain
    )


def _apply_lookup(
    domain: Domain, lookup: TxtLookup, *, by: Actor, once: IdempotentRequest
) -> Domain:
    tx = Transaction()
    before = DomainState(domain.status, domain.grace_until)
    after = next_state(before, lookup, tx.now)
    if after.status in IN_USE and before.status not in IN_USE:
        _claim_host(tx, domain)
    if after.status not in IN_USE and before.status in IN_USE:
        release_name(tx, domain_claim(domain.host), domain.reseller_id)
    if after.status != before.status:
        record_change(
            tx,
            domain,
            by,
            STATUS_ACTIONS[after.status],
            before={"status": before.status},
            after={"status": after.status},
        )
        notify_owner(tx, domain, after, lookup)
    _write_state(tx, domain, after, lookup)
    once.record(tx, domain)
    tx.commit()
    _log_check(domain, before.status, lookup.result)
    return domain


def _write_state(tx: Transaction, domain: Domain, after: DomainState, lookup: TxtLookup) -> None:
    in_use = VERIFIED if after.status in IN_USE else None
    is_known = after.status in STATUSES
    tx.change(
        domain,
        still=same_registration(domain),
        status=after.status,
        finding=lookup.result,
        found_values={"values": list(lookup.values)} if lookup.values else None,
        checked_at=tx.now,
        verified_at=tx.now if lookup.present else domain.verified_at,
        grace_until=after.grace_until,
        expires_at=None if after.status in STATUSES - {Status.PENDING} else domain.expires_at,
        in_use=in_use if is_known else domain.in_use,
    )


def _claim_host(tx: Transaction, domain: Domain) -> None:
    """Claim the host. A manual repair may already have claimed it for this reseller."""
    taken = DomainTaken(domain.host)
    claim = get(Claim, domain_claim(domain.host))
    if claim is not None and claim.owner == domain.reseller_id:
        transfer_claim(tx, claim, domain.reseller_id, otherwise=taken)
    else:
        claim_name(tx, domain_claim(domain.host), domain.reseller_id, otherwise=taken)


def _log_check(domain: Domain, before: str, result: LookupResult) -> None:
    logger.info(
        "Domain checked",
        extra={
            "host": domain.host,
            "reseller_id": domain.reseller_id,
            "before": before,
            "after": domain.status,
            "finding": result,
        },
    )
    metric = STATUS_METRICS.get(domain.status)
    if domain.status != before and metric is not None:
        count(metric)
