"""Table audit: append-only record of who changed what, and from where."""

from datetime import datetime
from enum import StrEnum

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.domain.messages import Sentences
from chalicelib.storage.messages import read_sentences
from chalicelib.storage.rows import Document, Row, Timestamp


class AuditAction(StrEnum):
    """What happened: the noun, and the verb in the past tense."""

    USER_CREATED = "user.created"
    USER_EDITED = "user.edited"
    USER_DELETED = "user.deleted"
    USER_UNLINKED = "user.unlinked"
    USER_SIGNED_OUT = "user.signed_out"
    USER_PASSWORD_CHANGED = "user.password_changed"  # noqa: S105 - an action
    USER_PASSWORD_SET = "user.password_set"  # noqa: S105 - an action
    USER_PASSWORD_LINK_SENT = "user.password_link_sent"  # noqa: S105 - an action
    SESSION_REVOKED = "session.revoked"
    SESSIONS_ENDED = "sessions.ended"
    API_KEY_CREATED = "api_key.created"
    API_KEY_REVOKED = "api_key.revoked"
    RESELLER_CREATED = "reseller.created"
    RESELLER_EDITED = "reseller.edited"
    RESELLER_DELETED = "reseller.deleted"
    RESELLER_LINKED = "reseller.linked"
    RESELLER_BRANDING_CHANGED = "reseller.branding_changed"
    TENANT_EDITED = "tenant.edited"
    TENANT_DEACTIVATED = "tenant.deactivated"
    TENANT_REACTIVATED = "tenant.reactivated"
    TENANT_DELETED = "tenant.deleted"
    TENANT_ADOPTED = "tenant.adopted"
    TENANT_LICENSE_MARK_REPAIRED = "tenant.license_mark_repaired"
    TENANT_BRANDING_CHANGED = "tenant.branding_changed"
    DOMAIN_ADDED = "domain.added"
    DOMAIN_ASSIGNED = "domain.assigned"
    DOMAIN_VERIFIED = "domain.verified"
    DOMAIN_FAILING = "domain.failing"
    DOMAIN_SUSPENDED = "domain.suspended"
    DOMAIN_REMOVED = "domain.removed"
    PURCHASE_ACCEPTED = "purchase.accepted"
    PURCHASE_REPAIRED = "purchase.repaired"
    PURCHASE_RECREATED = "purchase.recreated"
    PURCHASE_DELETED = "purchase.deleted"
    FINDING_IGNORED = "finding.ignored"
    CLAIM_FREED = "claim.freed"
    CLAIM_REPAIRED = "claim.repaired"
    SLUG_REPAIRED = "slug.repaired"
    SETTINGS_EDITED = "settings.edited"


class AuditByReseller(GlobalSecondaryIndex["AuditEntry"]):
    """The entries about one reseller, oldest first."""

    class Meta:
        index_name = "by-reseller"
        projection = KeysOnlyProjection()

    reseller_id = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)


class AuditEntry(Row):
    """One change.

    `month` (`2026-11`) limits the size of a partition and makes lists a query instead of a scan.
    `action` is an AuditAction or a later release's.
    `actor` is a user's ID, or a name such as `schedule` if no user caused the change.
    `credential_id` is the API key that was used, if any.
    `before` and `after` hold the changed columns, without secrets.
    `messages` holds those that are sentences as messages: see storage/messages.py.
    """

    noun = "audit"

    month = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)
    at = Timestamp()
    actor = UnicodeAttribute()
    credential_id = UnicodeAttribute(null=True)
    source_ip = UnicodeAttribute(null=True)
    action = UnicodeAttribute()
    target = UnicodeAttribute()
    reseller_id = UnicodeAttribute(null=True)
    before = Document(null=True)
    after = Document(null=True)
    messages = Document(null=True)
    reason = UnicodeAttribute(null=True)

    by_reseller = AuditByReseller()

    def sentences(self, side: str, column: str) -> Sentences:
        """Return a changed column that is sentences; `side` is `before` or `after`."""
        values = getattr(self, side) or {}
        return read_sentences(self.messages, f"{side}.{column}", values.get(column))


def month_partition(at: datetime) -> str:
    """Return the partition for an entry made at this time, such as `2026-11`."""
    return f"{at:%Y-%m}"
