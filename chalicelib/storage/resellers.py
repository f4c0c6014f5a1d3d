"""Table resellers: business partners and their license pools."""

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.domain.names import search_key
from chalicelib.storage.rows import BrandingDocument, Integer, Row


class ResellerDirectory(GlobalSecondaryIndex["Reseller"]):
    """All resellers by company name. Keys only: a license taken must not write here."""

    class Meta:
        index_name = "directory"
        projection = KeysOnlyProjection()

    directory = UnicodeAttribute(hash_key=True)
    company_key = UnicodeAttribute(range_key=True)


class Reseller(Row):
    """license_count and license_used are moved by storage/pool.py alone."""

    noun = "resellers"
    pool_columns = frozenset({"license_count", "license_used"})

    id = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute()
    company_name = UnicodeAttribute()
    slug = UnicodeAttribute()
    license_count = Integer(default_for_new=0)
    license_used = Integer(default_for_new=0)
    is_active = BooleanAttribute(default_for_new=True)
    branding_config = BrandingDocument(default_for_new=dict)
    stripe_customer_id = UnicodeAttribute(null=True)
    directory = UnicodeAttribute(default_for_new="resellers")
    company_key = UnicodeAttribute()
    supply_told = UnicodeAttribute(null=True)

    by_company = ResellerDirectory()

    @property
    def license_available(self) -> int:
        """Calculated, never stored. Negative while over-allocated."""
        return self.license_count - self.license_used

    @property
    def over_allocated(self) -> bool:
        return self.license_used > self.license_count


def slug_claim(slug: str) -> str:
    return f"slug:{slug}"


def company_key(company_name: str, reseller_id: str) -> str:
    """How the directory sorts: by name without case, the id apart for equal names."""
    return f"{search_key(company_name)}#{reseller_id}"
