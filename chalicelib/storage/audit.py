"""Table audit: append-only record of who changed what, and from where."""

from datetime import datetime

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.storage.rows import Document, Row, Timestamp


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
    `actor` is a user's ID, or a name such as `schedule` if no user caused the change.
    `credential_id` is the API key that was used, if any.
    `before` and `after` hold the changed columns, without secrets.
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
    reason = UnicodeAttribute(null=True)

    by_reseller = AuditByReseller()


def month_partition(at: datetime) -> str:
    """Return the partition for an entry made at this time, such as `2026-11`."""
    return f"{at:%Y-%m}"
