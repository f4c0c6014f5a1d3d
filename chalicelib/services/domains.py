"""Custom domains: added, proven by a TXT record, watched, and given up.

A host is claimed in the transaction that makes it verified, and freed in the one that ends
that; whoever only waits for a record claims nothing.
"""

import secrets
from datetime import timedelta

from chalicelib import clock
from chalicelib.domain.custom_domains import (
    IN_USE,
    PENDING_LIFETIME,
    Finding,
    Lookup,
    Standing,
    Status,
    judge,
    record_name,
    record_value,
)
from chalicelib.errors import (
    Busy,
    DomainTaken,
    InvalidRequest,
    NotFound,
    RateLimited,
    VersionConflict,
)
from chalicelib.observability import count, logger
from chalicelib.services import audit, domain_notices, txt_records
from chalicelib.services.hosts import check_custom_host
from chalicelib.services.idempotency import UNKEYED, Once
from chalicelib.storage.claims import Claim, free, owner_of
from chalicelib.storage.domains import VERIFIED, Domain, domain_claim
from chalicelib.storage.reads import Page, PageRequest, get, query_page
from chalicelib.storage.tenants import Tenant
from chalicelib.storage.transactions import Transaction

MAX_DOMAINS = 100
# How often somebody may ask for a look-up of one domain; the schedule asks besides.
ATTEMPTS_ALLOWED = 10
ATTEMPTS_WINDOW = timedelta(minutes=10)
CONFLICTS = 5
SCHEDULE = "schedule"


def add_domain(
    reseller_id: str, host: str, *, tenant_id: str | None, by: str, once: Once = UNKEYED
) -> Domain:
    """A pending domain. Adding one again returns it, for another tenant if that is asked.

    Raises InvalidRequest (host; too many), DomainTaken, NotFound (tenant), VersionConflict.
    """
    name = _checked(host)
    if owner_of(domain_claim(name)) not in (None, reseller_id):
        raise DomainTaken(name)  # said early; what holds is the claim, when it is verified
    existing = _find(reseller_id, name)
    tx = Transaction()
    if tenant_id is not None:
        _require_tenant(tx, reseller_id, tenant_id)
    if existing is None:
        _require_room(reseller_id)
        domain = _new(tx, reseller_id, name, tenant_id)
        _record(tx, domain, by, "domain.added", after={"tenant_id": tenant_id})
    else:
        domain = existing
        if domain.tenant_id != tenant_id:
            before = {"tenant_id": domain.tenant_id}
            after = {"tenant_id": tenant_id}
            _record(tx, domain, by, "domain.assigned", before=before, after=after)
        _renew(tx, domain, tenant_id)
    once.record(tx, domain)
    tx.commit()
    return domain


def _checked(host: str) -> str:
    try:
        return check_custom_host(host)
    except ValueError as error:
        raise InvalidRequest.of("host", str(error)) from None


def _require_tenant(tx: Transaction, reseller_id: str, tenant_id: str) -> None:
    tx.check(
        Tenant,
        reseller_id,
        tenant_id,
        condition=Tenant.id.exists() & Tenant.deleted_at.does_not_exist(),
        otherwise=NotFound("tenant"),
    )


def _require_room(reseller_id: str) -> None:
    if Domain.count(reseller_id, consistent_read=True) >= MAX_DOMAINS:
        raise InvalidRequest.of("host", f"There can be {MAX_DOMAINS} domains at most.")


def _new(tx: Transaction, reseller_id: str, host: str, tenant_id: str | None) -> Domain:
    """A new row, in the place of an expired one that was not collected yet."""
    domain = Domain(
        reseller_id,
        host,
        tenant_id=tenant_id,
        status=Status.PENDING,
        token=secrets.token_hex(16),
        expires_at=tx.now + PENDING_LIFETIME,
    )
    free_place = Domain.host.does_not_exist() | (Domain.expires_at <= tx.now)
    tx.put(domain, condition=free_place, otherwise=VersionConflict())
    return domain


def _renew(tx: Transaction, domain: Domain, tenant_id: str | None) -> None:
    """The row stays, with its token: a record that is set already goes on to be right."""
    pending = domain.status == Status.PENDING
    expires_at = tx.now + PENDING_LIFETIME if pending else domain.expires_at
    tx.change(domain, tenant_id=tenant_id, expires_at=expires_at)


def read_domain(reseller_id: str, host: str) -> Domain:
    """Raises NotFound; for a pending domain that has expired too."""
    domain = _find(reseller_id, host)
    if domain is None:
        raise NotFound("domain")
    return domain


def _find(reseller_id: str, host: str) -> Domain | None:
    domain = get(Domain, reseller_id, host)
    if domain is None or (domain.expires_at is not None and domain.expires_at <= clock.now()):
        return None
    return domain


def list_domains(reseller_id: str, request: PageRequest) -> Page[Domain]:
    """The reseller's domains by host."""
    alive = Domain.expires_at.does_not_exist() | (Domain.expires_at > clock.now())
    return query_page(Domain, reseller_id, request, filter_condition=alive)


def remove_domain(domain: Domain, *, by: str) -> None:
    """Give the domain up; the host is free at once. Raises VersionConflict."""
    tx = Transaction()
    tx.delete(
        Domain(domain.reseller_id, domain.host),
        condition=Domain.version == domain.version,
        otherwise=VersionConflict(),
    )
    free(tx, domain_claim(domain.host), domain.reseller_id)
    _record(tx, domain, by, "domain.removed", before={"status": domain.status})
    tx.commit()


def verify_domain(domain: Domain, *, by: str, once: Once = UNKEYED) -> Domain:
    """Look the record up now, and act on what is found. See check_domain.

    Raises RateLimited, DomainTaken, VersionConflict (read again).
    """
    _count_attempt(domain)
    return check_domain(domain, _look_up(domain), by=by, once=once)


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
    tx.change(domain, attempts=attempts + 1, attempts_since=since)
    tx.commit()


def _look_up(domain: Domain) -> Lookup:
    return txt_records.look_up(record_name(domain.host), record_value(domain.token))


def check_domain(domain: Domain, lookup: Lookup, *, by: str, once: Once = UNKEYED) -> Domain:
    """Make the domain what `lookup` says it is, in one transaction.

    Invariant: the host is claimed for this reseller exactly while the domain is in use.
    Condition: the row's version, and for a new claim that nobody else has it. Who loses the
    race judges the row as it is then by the same finding. Raises DomainTaken, NotFound, Busy.
    """
    for _ in range(CONFLICTS):
        try:
            return _apply(domain, lookup, by=by, once=once)
        except VersionConflict:
            again = read_domain(domain.reseller_id, domain.host)
            if again.token != domain.token:
                raise NotFound("domain") from None  # given up and added anew meanwhile
            domain = again
    raise Busy


def _apply(domain: Domain, lookup: Lookup, *, by: str, once: Once) -> Domain:
    tx = Transaction()
    before = Standing(Status(domain.status), domain.grace_until)
    after = judge(before, lookup, tx.now)
    if after.status in IN_USE and before.status not in IN_USE:
        _claim(tx, domain)
    if after.status not in IN_USE and before.status in IN_USE:
        free(tx, domain_claim(domain.host), domain.reseller_id)
    if after.status != before.status:
        states = ({"status": before.status}, {"status": after.status})
        _record(tx, domain, by, f"domain.{after.status}", before=states[0], after=states[1])
        domain_notices.tell_owner(tx, domain, after, lookup)
    _write(tx, domain, after, lookup)
    once.record(tx, domain)
    tx.commit()
    _log(domain, before.status, lookup.finding)
    return domain


def _write(tx: Transaction, domain: Domain, after: Standing, lookup: Lookup) -> None:
    in_use = after.status in IN_USE
    tx.change(
        domain,
        status=after.status,
        finding=lookup.finding,
        found={"values": list(lookup.found)} if lookup.found else None,
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


def _record(
    tx: Transaction,
    domain: Domain,
    by: str,
    action: str,
    *,
    before: dict[str, str | None] | None = None,
    after: dict[str, str | None] | None = None,
) -> None:
    audit.record(
        tx,
        actor=by,
        action=action,
        target=domain.host,
        reseller_id=domain.reseller_id,
        before=before,
        after=after,
    )


def _log(domain: Domain, before: Status, finding: Finding) -> None:
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
