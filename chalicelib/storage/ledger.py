"""Table ledger: append-only record of every move of either counter of a pool."""

from pynamodb.attributes import UnicodeAttribute

from chalicelib.storage.rows import Integer, Row, Timestamp


class LedgerEntry(Row):
    """ref: the id of the tenant, purchase or report that the move is about."""

    noun = "ledger"

    reseller_id = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)
    at = Timestamp()
    kind = UnicodeAttribute()
    count_change = Integer(default_for_new=0)
    used_change = Integer(default_for_new=0)
    actor = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)
    ref = UnicodeAttribute(null=True)
