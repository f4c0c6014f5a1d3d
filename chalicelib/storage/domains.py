"""Table domains: custom hosts for the login pages of resellers and their tenants."""

from datetime import datetime

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.domain.custom_domains import explain_lookup, record_name, record_value
from chalicelib.storage.reads import batch_get, count_partition, iterate_index, iterate_partition
from chalicelib.storage.rows import Document, Expiry, Integer, Row, Timestamp

VERIFIED = "verified"


class DomainsByCheck(GlobalSecondaryIndex["Domain"]):
    """The domains in use, ordered by their last lookup, oldest first."""

    class Meta:
        index_name = "by-check"
        projection = KeysOnlyProjection()

    in_use = UnicodeAttribute(hash_key=True)
    checked_at = Timestamp(range_key=True)


class Domain(Row):
    """A reseller's custom domain.

    `host` is lowercase ASCII. `tenant_id` is the tenant whose branding the domain shows, or None
    for the reseller's.
    `finding` is the result of the last lookup, made at `checked_at`, and `found_values` holds any
    values the lookup returned instead of the expected one.
    Only a pending domain has `expires_at`, and only a failing one has `grace_until`.
    `attempts` counts the lookups requested since `attempts_since`, for a rate limit.
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
    attempts = Integer(default=0)
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
        """The values the last lookup returned for `record_name` instead of the expected one."""
        return [str(value) for value in (self.found_values or {}).get("values", [])]

    @property
    def explanation(self) -> str | None:
        """What the last lookup means, and what to do about it."""
        if self.finding is None:
            return None
        return explain_lookup(self.finding, self.record_name, self.record_value)


def same_registration(domain: Domain) -> Condition:
    """Return a condition that fails if the domain was removed and added again after the read."""
    return Domain.token == domain.token


def domain_claim(host: str) -> str:
    """Return the name of the claim that the reseller has for as long as the domain is in use."""
    return f"domain:{host}"


def unexpired(now: datetime) -> Condition:
    """Return a filter for unexpired rows, which is needed because TTL deletes rows days late."""
    condition: Condition = Domain.expires_at.does_not_exist() | (Domain.expires_at > now)
    return condition


def count_domains(reseller_id: str, now: datetime) -> int:
    """Return how many unexpired domains the reseller has."""
    return count_partition(Domain, reseller_id, filter_condition=unexpired(now))


def tenant_domains(reseller_id: str, tenant_id: str, now: datetime) -> list[Domain]:
    """Return the tenant's unexpired domains, ordered by host."""
    own = unexpired(now) & (Domain.tenant_id == tenant_id)
    return list(iterate_partition(Domain, reseller_id, filter_condition=own))


def domains_last_checked_by(at: datetime, limit: int) -> list[Domain]:
    """Return up to `limit` domains in use whose last lookup was at `at` or before, oldest first."""
    found = iterate_index(Domain.by_check, VERIFIED, Domain.checked_at <= at, limit=limit)
    return batch_get(Domain, list(found))
