"""Table tenants: the client accounts of each reseller."""

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection

from chalicelib.domain.names import search_key
from chalicelib.storage.rows import BrandingDocument, Expiry, Row, Timestamp


class TenantNames(GlobalSecondaryIndex["Tenant"]):
    """A reseller's tenants by name, with what lists are narrowed by."""

    class Meta:
        index_name = "by-name"
        projection = IncludeProjection(["is_active", "deleted_at"])

    reseller_id = UnicodeAttribute(hash_key=True)
    name_key = UnicodeAttribute(range_key=True)


class Tenant(Row):
    """holds_license: whether this row counts in its reseller's license_used.

    deleted_at, purge_at: a deleted tenant can be restored until purge_at, when it expires.
    """

    noun = "tenants"

    reseller_id = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)
    name = UnicodeAttribute()
    slug = UnicodeAttribute()
    contact_email = UnicodeAttribute(null=True)
    is_active = BooleanAttribute(default_for_new=True)
    holds_license = BooleanAttribute(default_for_new=True)
    branding_config = BrandingDocument(default_for_new=dict)
    deleted_at = Timestamp(null=True)
    purge_at = Expiry(null=True)
    name_key = UnicodeAttribute()

    by_name = TenantNames()


def tenant_slug_claim(reseller_id: str, slug: str) -> str:
    return f"tenant-slug:{reseller_id}:{slug}"


def name_key(name: str, tenant_id: str) -> str:
    return f"{search_key(name)}#{tenant_id}"
