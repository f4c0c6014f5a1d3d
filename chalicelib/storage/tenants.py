"""Table tenants: the client accounts of each reseller."""

from typing import TypedDict

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection

from chalicelib.domain.names import search_key
from chalicelib.storage.rows import BrandingDocument, Expiry, Row, Timestamp


class TenantDetails(TypedDict, total=False):
    """The optional columns that callers can set freely. Add new ones here and to `Tenant`."""

    contact_email: str | None


class TenantNames(GlobalSecondaryIndex["Tenant"]):
    """A reseller's tenants by name, with the columns that lists are filtered by."""

    class Meta:
        index_name = "by-name"
        projection = IncludeProjection(["is_active", "deleted_at"])

    reseller_id = UnicodeAttribute(hash_key=True)
    name_key = UnicodeAttribute(range_key=True)


class Tenant(Row):
    """A client account.

    `holds_license` says whether the tenant counts toward its reseller's `license_used`. A deleted
    tenant has `deleted_at` and can be restored until `purge_at`, when the row expires.
    """

    noun = "tenants"

    reseller_id = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)
    name = UnicodeAttribute()
    slug = UnicodeAttribute()
    contact_email = UnicodeAttribute(null=True)
    is_active = BooleanAttribute(default=True)
    holds_license = BooleanAttribute(default=True)
    branding_config = BrandingDocument(default=dict)
    deleted_at = Timestamp(null=True)
    purge_at = Expiry(null=True)
    name_key = UnicodeAttribute()

    by_name = TenantNames()


def tenant_slug_claim(reseller_id: str, slug: str) -> str:
    """Return the name of the claim that makes a slug unique within its reseller."""
    return f"tenant-slug:{reseller_id}:{slug}"


def name_key(name: str, tenant_id: str) -> str:
    """Return the by-name index's sort key: the normalized name, made unique by the ID."""
    return f"{search_key(name)}#{tenant_id}"
