"""Custom domains: added, listed and given up. services/domains/verification.py proves them.

Adding claims nothing, so that who only waits for a record blocks nobody.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime

from pynamodb.expressions.condition import Condition

from chalicelib import clock
from chalicelib.domain.custom_domains import PENDING_LIFETIME, Status
from chalicelib.errors import DomainTaken, InvalidRequest, NotFound, VersionConflict
from chalicelib.services.core import audit
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.domains.hosts import check_custom_host
from chalicelib.storage.claims import free, owner_of
from chalicelib.storage.domains import Domain, domain_claim, same
from chalicelib.storage.reads import Page, Pagination, get, iterate_partition, query_page
from chalicelib.storage.tenants import Tenant
from chalicelib.storage.transactions import Transaction

MAX_DOMAINS = 100


def add_domain(
    reseller_id: str, host: str, *, tenant_id: str | None, by: str, once: IdempotentRequest = NO_KEY
) -> Domain:
    """A pending domain. Adding one again returns it, for another tenant if that is asked.

    Raises InvalidRequest (host; tenant_id; too many), DomainTaken, VersionConflict.
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
        record_change(tx, domain, by, "domain.added", after={"tenant_id": tenant_id})
    else:
        domain = existing
        if domain.tenant_id != tenant_id:
            before = {"tenant_id": domain.tenant_id}
            after = {"tenant_id": tenant_id}
            record_change(tx, domain, by, "domain.assigned", before=before, after=after)
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
        otherwise=InvalidRequest.of("tenant_id", "There is no such tenant."),
    )


def _require_room(reseller_id: str) -> None:
    there = Domain.count(reseller_id, filter_condition=_alive(), consistent_read=True)
    if there >= MAX_DOMAINS:
        raise InvalidRequest.of("host", f"There can be {MAX_DOMAINS} domains at most.")


def _new(tx: Transaction, reseller_id: str, host: str, tenant_id: str | None) -> Domain:
    """A new row, in the place of an expired one that was not collected yet."""
    domain = Domain(
        reseller_id,
        host,
        tenant_id=tenant_id,
        status=Status.PENDING,
        token=secrets.token_hex(16),
        expires_at=_expiry(tx),
    )
    free_place = Domain.host.does_not_exist() | (Domain.expires_at <= tx.now)
    tx.put(domain, condition=free_place, otherwise=VersionConflict())
    return domain


def _expiry(tx: Transaction) -> datetime:
    """To the second, as the table keeps it."""
    return (tx.now + PENDING_LIFETIME).replace(microsecond=0)


def _renew(tx: Transaction, domain: Domain, tenant_id: str | None) -> None:
    """The row stays, with its token: a record that is set already goes on to be right."""
    pending = domain.status == Status.PENDING
    expires_at = _expiry(tx) if pending else domain.expires_at
    tx.change(domain, still=same(domain), tenant_id=tenant_id, expires_at=expires_at)


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


def list_domains(reseller_id: str, request: Pagination) -> Page[Domain]:
    """The reseller's domains by host."""
    return query_page(Domain, reseller_id, request, filter_condition=_alive())


def domains_of_tenant(tenant: Tenant) -> list[Domain]:
    """Those at which this tenant alone is signed in to, by host."""
    own = _alive() & (Domain.tenant_id == tenant.id)
    return list(iterate_partition(Domain, tenant.reseller_id, filter_condition=own))


def _alive() -> Condition:
    """Holds of what has not expired: the table collects its rows days later."""
    alive: Condition = Domain.expires_at.does_not_exist() | (Domain.expires_at > clock.now())
    return alive


def remove_domain(domain: Domain, *, by: str) -> None:
    """Give the domain up; the host is free at once. Raises VersionConflict."""
    tx = Transaction()
    tx.delete(
        Domain(domain.reseller_id, domain.host),
        condition=(Domain.version == domain.version) & same(domain),
        otherwise=VersionConflict(),
    )
    free(tx, domain_claim(domain.host), domain.reseller_id)
    record_change(tx, domain, by, "domain.removed", before={"status": domain.status})
    tx.commit()


def record_change(
    tx: Transaction,
    domain: Domain,
    by: str,
    action: str,
    *,
    before: Mapping[str, str | None] | None = None,
    after: Mapping[str, str | None] | None = None,
) -> None:
    audit.record(
        tx,
        actor=by,
        action=action,
        target=domain.host,
        reseller_id=domain.reseller_id,
        before=dict(before) if before else None,
        after=dict(after) if after else None,
    )
