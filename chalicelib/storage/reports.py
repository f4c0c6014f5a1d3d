"""Table reconciliations: one row per run, what it found and where it stopped."""

from enum import StrEnum

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.storage.rows import Document, Expiry, Integer, Row, Texts, Timestamp

DIRECTORY = "reconciliations"
RUNNING = "running"
FINISHED = "finished"

SCHEDULE = "schedule"
"""The actor of a run that no person asked for."""


class Scope(StrEnum):
    PARTIAL = "partial"  # the tables of every reseller: ledger, counters, tenants, purchases
    WHOLE = "whole"  # that, Stripe's side of it, names, links and orphans
    RESELLER = "reseller"  # the same, of one


class ReportDirectory(GlobalSecondaryIndex["Report"]):
    class Meta:
        index_name = "directory"
        projection = KeysOnlyProjection()

    directory = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)


class Report(Row):
    """scope: see Scope (`reseller` has a reseller_id). apply: whether the safe repairs that the
    settings name were made.

    found, repaired: numbers by finding code. ignored: findings that somebody decided to leave.
    cursor: {"phase", "position", "failures"}, where the next run goes on, and how many have
    failed or died there; absent at the beginning and when finished. busy_until: whoever works on
    it and is not heard of by then has died; absent where nobody does. notes: what could not
    be looked at.
    """

    noun = "reconciliations"

    id = UnicodeAttribute(hash_key=True)
    directory = UnicodeAttribute(default_for_new=DIRECTORY)
    scope = UnicodeAttribute()
    reseller_id = UnicodeAttribute(null=True)
    apply = BooleanAttribute()
    actor = UnicodeAttribute()
    status = UnicodeAttribute(default_for_new=RUNNING)
    finished_at = Timestamp(null=True)
    cursor = Document(null=True)
    busy_until = Timestamp(null=True)
    resellers = Integer(default_for_new=0)
    tenants = Integer(default_for_new=0)
    found = Document(default_for_new=dict)
    repaired = Document(default_for_new=dict)
    ignored = Integer(default_for_new=0)
    notes = Texts(default=list)
    expires_at = Expiry()

    by_time = ReportDirectory()
