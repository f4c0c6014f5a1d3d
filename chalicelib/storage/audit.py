"""Table audit: append-only record of who changed what, from where."""

from datetime import datetime

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.storage.rows import Document, Row, Timestamp


class AuditByReseller(GlobalSecondaryIndex["AuditEntry"]):
    """What concerns one reseller."""

    class Meta:
        index_name = "by-reseller"
        projection = KeysOnlyProjection()

    reseller_id = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)


class AuditEntry(Row):
    """month: `2026-11`, so that no partition grows for ever and none has to be scanned.

    actor: a user's id, or the name of the machinery that acted. credential_id: the API key it
    used, if it was one. before, after: the columns that changed, secrets left out.
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


def month_of(moment: datetime) -> str:
    """The partition of a moment."""
    return f"{moment:%Y-%m}"
