"""Table resellers: business partners and their license pools."""

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.domain.names import search_key
from chalicelib.storage.rows import BrandingDocument, Integer, Row


class ResellerDirectory(GlobalSecondaryIndex["Reseller"]):
    """All resellers by company name.

    Projects only keys, so taking a license doesn't write to this index.
    """

    class Meta:
        index_name = "directory"
        projection = KeysOnlyProjection()

    directory = UnicodeAttribute(hash_key=True)
    company_key = UnicodeAttribute(range_key=True)


class Reseller(Row):
    """A reseller account. Only storage/pool.py writes license_count and license_used.

    `supply_told` is the supply level last reported to the reseller, or a higher level since then.
    """

    noun = "resellers"
    pool_columns = frozenset({"license_count", "license_used"})

    id = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute()
    company_name = UnicodeAttribute()
    slug = UnicodeAttribute()
    license_count = Integer(default=0)
    license_used = Integer(default=0)
    is_active = BooleanAttribute(default=True)
    branding_config = BrandingDocument(default=dict)
    stripe_customer_id = UnicodeAttribute(null=True)
    directory = UnicodeAttribute(default="resellers")
    company_key = UnicodeAttribute()
    supply_told = UnicodeAttribute(null=True)

    by_company = ResellerDirectory()

    @property
    def license_available(self) -> int:
        """The number of licenses available: computed, never stored; negative if over-allocated."""
        return self.license_count - self.license_used

    @property
    def over_allocated(self) -> bool:
        return self.license_used > self.license_count


def slug_claim(slug: str) -> str:
    return f"slug:{slug}"


def company_key(company_name: str, reseller_id: str) -> str:
    """Return the directory's sort key: the normalized name, made unique by the ID."""
    return f"{search_key(company_name)}#{reseller_id}"
