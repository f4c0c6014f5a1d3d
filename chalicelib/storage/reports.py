"""Table reconciliations: one row per run, with its results and its progress."""

from enum import StrEnum

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.domain.messages import Message, Sentences
from chalicelib.domain.wording import text_of
from chalicelib.storage.messages import read_list, with_entry
from chalicelib.storage.rows import Document, Expiry, Integer, Row, StringList, Timestamp

DIRECTORY = "reconciliations"
RUNNING = "running"
FINISHED = "finished"


class Scope(StrEnum):
    PARTIAL = "partial"  # for each reseller: the ledger, counters, tenants, and purchases
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

    `scope` is a Scope; `reseller_id` is set if it is `reseller`.
    `apply` says whether the run makes the safe repairs listed in the settings.
    `found` and `repaired` count findings by code; `ignored` counts those that an admin ignored.
    `cursor` holds the fields of RunProgress in services/reconciliation/run_loop.py. It is missing
    before the first save and once the run is finished.
    `busy_until` is when a worker that hasn't saved its progress is presumed dead. It is missing
    while no worker is active.
    `notes` lists what could not be checked, and `messages` has the same as messages: see
    storage/messages.py.
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
    messages = Document(null=True)
    expires_at = Expiry()

    by_time = ReportDirectory()

    @property
    def note_sentences(self) -> Sentences:
        return read_list(self.messages, "notes", self.notes or [])

    def append_note(self, note: Message) -> None:
        self.messages = with_entry(self.messages, "notes", note)
        self.notes = [*(self.notes or []), text_of((note,))]
