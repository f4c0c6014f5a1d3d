"""Batch reads by ID, and lookups by slug or email address."""

from collections.abc import Iterable

from chalicelib.storage.claims import owner_of
from chalicelib.storage.reads import batch_get, get
from chalicelib.storage.resellers import Reseller, slug_claim
from chalicelib.storage.tenants import Tenant
from chalicelib.storage.users import User, email_claim


def users_by_id(ids: Iterable[str | None]) -> dict[str, User]:
    """Return the users with these IDs, by ID. IDs of other kinds and missing users are skipped."""
    keys = [User(id) for id in _distinct(ids, "usr_")]
    return {user.id: user for user in batch_get(User, keys)}


def resellers_by_id(ids: Iterable[str | None]) -> dict[str, Reseller]:
    keys = [Reseller(id) for id in _distinct(ids, "rsl_")]
    return {reseller.id: reseller for reseller in batch_get(Reseller, keys)}


def tenants_by_id(ids: Iterable[tuple[str | None, str | None]]) -> dict[str, Tenant]:
    """Return tenants by tenant ID. Each pair in `ids` is a reseller ID and a tenant ID."""
    keys = [
        Tenant(reseller_id, tenant_id)
        for reseller_id, tenant_id in dict.fromkeys(ids)
        if reseller_id and tenant_id and tenant_id.startswith("tnt_")
    ]
    return {tenant.id: tenant for tenant in batch_get(Tenant, keys)}


def user_with_email(email: str) -> User | None:
    user_id = owner_of(email_claim(email))
    return get(User, user_id) if user_id else None


def find_reseller(slug_or_email: str) -> Reseller | None:
    """Return the reseller that has exactly this slug or whose user has this email address."""
    if not slug_or_email:
        return None
    if "@" in slug_or_email:
        user = user_with_email(slug_or_email)
        reseller_id = user.reseller_id if user else None
    else:
        reseller_id = owner_of(slug_claim(slug_or_email))
    return get(Reseller, reseller_id) if reseller_id else None


def _distinct(ids: Iterable[str | None], prefix: str) -> list[str]:
    return [id for id in dict.fromkeys(ids) if id and id.startswith(prefix)]
