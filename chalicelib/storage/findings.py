"""Table findings: what each reconciliation run found, and what was done about it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute

from chalicelib.domain.findings import Finding
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


def finding_row(found: Finding, reconciliation_id: str, now: datetime) -> FindingRow:
    row = FindingRow(
        reconciliation_id,
        found.id,
        code=found.code,
        subject=found.subject,
        reseller_id=found.reseller_id,
        what=found.what,
        why=found.why,
        evidence=dict(found.evidence),
        actions={str(action): words for action, words in found.actions.items()},
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
