"""Add, list, and remove custom domains. `verification` checks their DNS records.

Adding a domain doesn't reserve the host, so an unverified domain can't block other resellers.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime

from chalicelib import clock
from chalicelib.domain.actors import Actor
from chalicelib.domain.custom_domains import PENDING_LIFETIME, Status
from chalicelib.errors import DomainTaken, InvalidRequest, NotFound, VersionConflict
from chalicelib.services.core import audit
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.domains.hosts import check_custom_host
from chalicelib.storage.audit import AuditAction
from chalicelib.storage.claims import owner_of, release_name
from chalicelib.storage.domains import (
    Domain,
    count_domains,
    domain_claim,
    same_registration,
    tenant_domains,
    unexpired,
)
from chalicelib.storage.reads import Page, Pagination, get, query_page
from chalicelib.storage.tenants import Tenant
from chalicelib.storage.transactions import Transaction

MAX_DOMAINS = 100


def add_domain(
    reseller_id: str,
    host: str,
    *,
    tenant_id: str | None,
    by: Actor,
    once: IdempotentRequest = NO_KEY,
) -> Domain:
    """Add a pending domain. If it already exists, reassign it to `tenant_id` and return it.

    Raises InvalidRequest (invalid host, unknown tenant, or too many domains), DomainTaken, or
    VersionConflict.
    """
    name = _validated_host(host)
    if owner_of(domain_claim(name)) not in (None, reseller_id):
        raise DomainTaken(name)  # fail early; the claim made at verification decides
    existing = _find(reseller_id, name)
    tx = Transaction()
    if tenant_id is not None:
        _require_tenant(tx, reseller_id, tenant_id)
    if existing is None:
        _check_domain_limit(reseller_id)
        domain = _put_pending(tx, reseller_id, name, tenant_id)
        record_change(tx, domain, by, AuditAction.DOMAIN_ADDED, after={"tenant_id": tenant_id})
    else:
        domain = existing
        if domain.tenant_id != tenant_id:
            before = {"tenant_id": domain.tenant_id}
            after = {"tenant_id": tenant_id}
            record_change(tx, domain, by, AuditAction.DOMAIN_ASSIGNED, before=before, after=after)
        _renew(tx, domain, tenant_id)
    once.record(tx, domain)
    tx.commit()
    return domain


def _validated_host(host: str) -> str:
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


def _check_domain_limit(reseller_id: str) -> None:
    if count_domains(reseller_id, clock.now()) >= MAX_DOMAINS:
        raise InvalidRequest.of(
            "host", f"You can have at most {MAX_DOMAINS} domains. Remove one first."
        )


def _put_pending(tx: Transaction, reseller_id: str, host: str, tenant_id: str | None) -> Domain:
    """Add a new row to `tx`, which can replace an expired row that TTL has not deleted yet."""
    domain = Domain(
        reseller_id,
        host,
        tenant_id=tenant_id,
        status=Status.PENDING,
        token=secrets.token_hex(16),
        expires_at=_expiry(tx),
    )
    is_free = Domain.host.does_not_exist() | (Domain.expires_at <= tx.now)
    tx.put(domain, condition=is_free, otherwise=VersionConflict())
    return domain


def _expiry(tx: Transaction) -> datetime:
    """Return when a pending domain expires, in whole seconds, as the table stores it."""
    return (tx.now + PENDING_LIFETIME).replace(microsecond=0)


def _renew(tx: Transaction, domain: Domain, tenant_id: str | None) -> None:
    """Update the row but keep its token, so that a TXT record that is already set stays valid."""
    pending = domain.status == Status.PENDING
    expires_at = _expiry(tx) if pending else domain.expires_at
    tx.change(domain, still=same_registration(domain), tenant_id=tenant_id, expires_at=expires_at)


def read_domain(reseller_id: str, host: str) -> Domain:
    """Return the domain. Raises NotFound if it doesn't exist or is pending and has expired."""
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
    """Return a page of the reseller's domains, ordered by host."""
    return query_page(Domain, reseller_id, request, filter_condition=unexpired(clock.now()))


def list_tenant_domains(tenant: Tenant) -> list[Domain]:
    """Return the domains assigned to this tenant, ordered by host."""
    return tenant_domains(tenant.reseller_id, tenant.id, clock.now())


def remove_domain(domain: Domain, *, by: Actor) -> None:
    """Remove the domain and release its host immediately. Raises VersionConflict."""
    tx = Transaction()
    tx.delete(
        Domain(domain.reseller_id, domain.host),
        condition=domain.unchanged() & same_registration(domain),
        otherwise=VersionConflict(),
    )
    release_name(tx, domain_claim(domain.host), domain.reseller_id)
    record_change(tx, domain, by, AuditAction.DOMAIN_REMOVED, before={"status": domain.status})
    tx.commit()


def record_change(
    tx: Transaction,
    domain: Domain,
    by: Actor,
    action: AuditAction,
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
