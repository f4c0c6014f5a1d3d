"""Table domains: hosts at which resellers' clients reach their login page."""

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.domain.custom_domains import LookupResult, explain, record_name, record_value
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

    finding, found_values: what the last look-up at checked_at met, and the values that were there.
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
    found_values = Document(null=True)
    checked_at = Timestamp(null=True)
    verified_at = Timestamp(null=True)
    grace_until = Timestamp(null=True)
    attempts = Integer(default_for_new=0)
    attempts_since = Timestamp(null=True)
    expires_at = Expiry(null=True)
    in_use = UnicodeAttribute(null=True)

    by_check = DomainsByCheck()

    @property
    def record_type(self) -> str:
        return "TXT"

    @property
    def record_name(self) -> str:
        return record_name(self.host)

    @property
    def record_value(self) -> str:
        return record_value(self.token)

    @property
    def found(self) -> list[str]:
        """The values at record_name that were there instead of the right one."""
        return [str(value) for value in (self.found_values or {}).get("values", [])]

    @property
    def explanation(self) -> str | None:
        """What the last look-up means, and what to do about it."""
        if self.finding is None:
            return None
        return explain(LookupResult(self.finding), self.record_name, self.record_value)


def same(domain: Domain) -> Condition:
    """Holds of this row, and not of one that was added anew after it was given up."""
    return Domain.token == domain.token


def domain_claim(host: str) -> str:
    """Owned, while the domain is in use, by the id of its reseller."""
    return f"domain:{host}"
