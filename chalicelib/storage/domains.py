"""Table domains: hosts at which resellers' clients reach their login page."""

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.storage.rows import Document, Expiry, Integer, Row, Timestamp

VERIFIED = "verified"


class DomainsByCheck(GlobalSecondaryIndex["Domain"]):
    """The domains in use, those first whose record was looked up longest ago."""

    class Meta:
        index_name = "by-check"
        projection = KeysOnlyProjection()

    in_use = UnicodeAttribute(hash_key=True)
    checked_at = Timestamp(range_key=True)


class Domain(Row):
    """host: lowercase ASCII. tenant_id: whose look it wears; None for the reseller's.

    finding, found: what the last look-up at checked_at met, and the values that were there.
    expires_at: of a pending domain only. grace_until: of a failing one only.
    attempts: look-ups asked for since attempts_since, for the limit on them.
    """

    noun = "domains"

    reseller_id = UnicodeAttribute(hash_key=True)
    host = UnicodeAttribute(range_key=True)
    tenant_id = UnicodeAttribute(null=True)
    status = UnicodeAttribute()
    token = UnicodeAttribute()
    finding = UnicodeAttribute(null=True)
    found = Document(null=True)
    checked_at = Timestamp(null=True)
    verified_at = Timestamp(null=True)
    grace_until = Timestamp(null=True)
    attempts = Integer(default_for_new=0)
    attempts_since = Timestamp(null=True)
    expires_at = Expiry(null=True)
    in_use = UnicodeAttribute(null=True)

    by_check = DomainsByCheck()


def domain_claim(host: str) -> str:
    """Owned, while the domain is in use, by the id of its reseller."""
    return f"domain:{host}"
