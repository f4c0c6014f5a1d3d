"""Write rows directly to the tables.

These are thousands of tenants, which the service would create too slowly for a test, and domains in
states that depend on DNS.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pynamodb.models import BatchWrite
from ulid import ULID

from chalicelib import clock
from chalicelib.domain.custom_domains import LookupResult
from chalicelib.domain.custom_domains import Status as DomainStatus
from chalicelib.domain.ledger import Kind
from chalicelib.domain.names import slugify
from chalicelib.storage.claims import Claim
from chalicelib.storage.domains import Domain
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import Row
from chalicelib.storage.tenants import Tenant, name_key, tenant_slug_claim
from infra.local import table_edits

NAMES = ("Harbour Dental", "Old Mill Bakery", "Kite & Co", "Brightwater School", "Juniper Yoga")
LATEST = 500  # as many as the overview reads; each additional row slows moto's transactions


def create_many_tenants(reseller: Reseller, count: int) -> None:
    """Create tenants up to the current time. Only the latest have claims and ledger entries."""
    now = clock.now()
    tenants = [
        _tenant(reseller, f"{NAMES[i % len(NAMES)]} {i:05}", now - timedelta(minutes=10 * i))
        for i in range(count)
    ]
    latest = tenants[:LATEST]
    write_rows(tenants)
    write_rows([_claim(tenant) for tenant in latest])
    write_rows([_entry(tenant, reseller.user_id) for tenant in latest])
    table_edits.edit(reseller, license_used=count)


def _tenant(reseller: Reseller, name: str, at: datetime) -> Tenant:
    tenant_id = f"tnt_{ULID.from_datetime(at)}"
    slug = slugify(name, fallback="tenant")
    return Tenant(
        reseller.id,
        tenant_id,
        name=name,
        slug=slug,
        contact_email=f"office@{slug}.example",
        name_key=name_key(name, tenant_id),
        created_at=at,
        updated_at=at,
    )


def _claim(tenant: Tenant) -> Claim:
    name = tenant_slug_claim(tenant.reseller_id, tenant.slug)
    at = tenant.created_at
    return Claim(name, owner=tenant.id, created_at=at, updated_at=at)


def _entry(tenant: Tenant, by: str) -> LedgerEntry:
    at = tenant.created_at
    return LedgerEntry(
        tenant.reseller_id,
        f"led_{ULID.from_datetime(at)}",
        at=at,
        kind=Kind.TENANT_CREATED,
        used_change=1,
        actor=by,
        ref=tenant.id,
        created_at=at,
        updated_at=at,
    )


def write_rows(rows: Sequence[Row]) -> None:
    with BatchWrite(type(rows[0])) as batch:
        for row in rows:
            batch.save(row)


def create_domains_in_every_state(reseller_id: str) -> None:
    """Create a domain in each state, as DNS lookups would have left them."""
    now = clock.now()
    states = {
        "desk.northwind.example": (DomainStatus.VERIFIED, None, []),
        "login.a-rather-long-subdomain-name.northwind-partners.example": (
            DomainStatus.PENDING,
            LookupResult.SEVERAL_VALUES,
            ["v=spf1 -all", "tenantry-verification=old"],
        ),
        "old.northwind.example": (DomainStatus.FAILING, LookupResult.MISSING, []),
        "gone.northwind.example": (DomainStatus.SUSPENDED, LookupResult.MISSING, []),
    }
    write_rows(
        [
            Domain(
                reseller_id,
                host,
                status=status,
                token="4e5d0c7f82a94bd1b7f04e5d0c7f82a9",
                finding=finding,
                found_values={"values": found},
                checked_at=now,
                grace_until=now + timedelta(days=5) if status is DomainStatus.FAILING else None,
                expires_at=now + timedelta(days=7) if status is DomainStatus.PENDING else None,
                created_at=now,
                updated_at=now,
            )
            for host, (status, finding, found) in states.items()
        ]
    )
