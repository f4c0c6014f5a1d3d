"""Table reconciliations: one row per run, with what it found and how far it is."""

from enum import StrEnum

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.storage.rows import Document, Expiry, Integer, Row, StringList, Timestamp

DIRECTORY = "reconciliations"
RUNNING = "running"
FINISHED = "finished"

SCHEDULE = "schedule"
"""The actor of a run that nobody requested."""


class Scope(StrEnum):
    PARTIAL = "partial"  # the tables of every reseller: ledger, counters, tenants, and purchases
    WHOLE = "whole"  # PARTIAL, plus Stripe, names, links, and orphans
    RESELLER = "reseller"  # WHOLE, for one reseller


class ReportDirectory(GlobalSecondaryIndex["Report"]):
    class Meta:
        index_name = "directory"
        projection = KeysOnlyProjection()

    directory = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)


class Report(Row):
    """One run of reconciliation.

    `scope` is a Scope; with `reseller` there is a `reseller_id`.
    `apply` says whether the run makes the safe repairs that the settings name.
    `found` and `repaired` count findings by code, `ignored` those that somebody chose to ignore.
    `cursor` holds the fields of RunProgress in services/reconciliation/run_loop.py. It is missing
    before the first save and once the run is finished.
    `busy_until`: a worker that has not saved by then has died. Missing while nobody works on it.
    `notes` say what could not be checked.
    """

    noun = "reconciliations"

    id = UnicodeAttribute(hash_key=True)
    directory = UnicodeAttribute(default=DIRECTORY)
    scope = UnicodeAttribute()
    reseller_id = UnicodeAttribute(null=True)
    apply = BooleanAttribute()
    actor = UnicodeAttribute()
    status = UnicodeAttribute(default=RUNNING)
    finished_at = Timestamp(null=True)
    cursor = Document(null=True)
    busy_until = Timestamp(null=True)
    resellers = Integer(default=0)
    tenants = Integer(default=0)
    found = Document(default=dict)
    repaired = Document(default=dict)
    ignored = Integer(default=0)
    notes = StringList(default=list)
    expires_at = Expiry()

    by_time = ReportDirectory()
