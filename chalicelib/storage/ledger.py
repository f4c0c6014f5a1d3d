"""Table ledger: append-only record of every change to the counters of a license pool."""

from pynamodb.attributes import UnicodeAttribute

from chalicelib.storage.rows import Integer, Row, Timestamp


class LedgerEntry(Row):
    """One change. `ref` is the ID of the tenant, purchase, or report that caused it."""

    noun = "ledger"

    reseller_id = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)
    at = Timestamp()
    kind = UnicodeAttribute()
    count_change = Integer(default=0)
    used_change = Integer(default=0)
    actor = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)
    ref = UnicodeAttribute(null=True)
