"""Table findings: what each reconciliation run found, and what was done about it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute

from chalicelib.domain.findings import Finding
from chalicelib.domain.messages import Sentences
from chalicelib.domain.wording import text_of
from chalicelib.storage.messages import read_sentences, with_sentences
from chalicelib.storage.reads import batch_get, iterate_partition
from chalicelib.storage.rows import Document, Expiry, Row, Timestamp
from chalicelib.storage.writes import put_all

KEPT = timedelta(days=90)
OPEN = "open"
REPAIRED = "repaired"
IGNORED = "ignored"
GONE = "gone"

# The partition for decisions to ignore a finding. They are kept longer than the reports.
DECISIONS = "ignored"


class FindingRow(Row):
    """A finding from one reconciliation run.

    `state` is open, repaired, ignored, or gone (the facts changed before it was resolved).
    `resolution` is the action taken, and `outcome` is what the action did.
    `messages` holds the texts of `what`, `why`, `outcome`, and each action as messages: see
    storage/messages.py.
    """

    noun = "findings"

    reconciliation_id = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)
    code = UnicodeAttribute()
    subject = UnicodeAttribute()
    reseller_id = UnicodeAttribute(null=True)
    what = UnicodeAttribute()
    why = UnicodeAttribute()
    evidence = Document()
    actions = Document()
    messages = Document(null=True)
    proposed = UnicodeAttribute()
    safe = BooleanAttribute()
    fingerprint = UnicodeAttribute()
    state = UnicodeAttribute(default=OPEN)
    resolution = UnicodeAttribute(null=True)
    outcome = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    resolved_by = UnicodeAttribute(null=True)
    resolved_at = Timestamp(null=True)
    expires_at = Expiry(null=True)

    def sentences(self, column: str) -> Sentences:
        """Return `what`, `why`, or `outcome`."""
        return read_sentences(self.messages, column, getattr(self, column))

    @property
    def action_sentences(self) -> dict[str, Sentences]:
        """What each action would do."""
        return {
            action: read_sentences(self.messages, f"actions.{action}", words)
            for action, words in self.actions.items()
        }

    def outcome_columns(self, outcome: Sentences) -> dict[str, object]:
        """Return the columns that hold this outcome."""
        return {
            "outcome": text_of(outcome),
            "messages": with_sentences(self.messages, {"outcome": outcome}),
        }


def finding_row(found: Finding, reconciliation_id: str, now: datetime) -> FindingRow:
    row = FindingRow(
        reconciliation_id,
        found.id,
        code=found.code,
        subject=found.subject,
        reseller_id=found.reseller_id,
        what=text_of(found.what),
        why=text_of(found.why),
        evidence=dict(found.evidence),
        actions={str(action): text_of(text) for action, text in found.actions.items()},
        messages=with_sentences(
            None,
            {
                "what": found.what,
                "why": found.why,
                **{f"actions.{action}": text for action, text in found.actions.items()},
            },
        ),
        proposed=found.proposed,
        safe=found.safe,
        fingerprint=found.fingerprint,
        expires_at=now + KEPT,
    )
    row.created_at = row.updated_at = now
    return row


def write_findings(rows: Sequence[FindingRow]) -> None:
    """Save a run's findings. A run that resumes after a crash can write a finding twice."""
    already = {row.id: row for row in batch_get(FindingRow, rows)}
    for row in rows:
        if row.id in already:
            row.unknown_columns = already[row.id].unknown_columns
    put_all(FindingRow, rows)


def finding_states(report_id: str, limit: int) -> Iterator[FindingRow]:
    """Yield up to `limit` findings of a run, with only their ID, code, and state."""
    columns = ["id", "code", "state"]
    return iterate_partition(FindingRow, report_id, limit=limit, attributes_to_get=columns)


def find_ignore_decisions(ids: Iterable[str]) -> dict[str, FindingRow]:
    """Return the decisions to ignore these findings, by finding ID."""
    decisions = [FindingRow(DECISIONS, id) for id in dict.fromkeys(ids)]
    return {row.id: row for row in batch_get(FindingRow, decisions)}
