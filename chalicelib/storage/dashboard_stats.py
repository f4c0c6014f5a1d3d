"""Table settings, one more row: the platform's figures, as they were last counted."""

from pynamodb.attributes import UnicodeAttribute

from chalicelib.storage.rows import Document, Row, Timestamp

STATS_ROW = "figures"


class StoredStats(Row):
    """counted: see services/reporting/dashboard_stats.py.
    history: by day (`2026-11-23`), {"owned", "used"}."""

    noun = "settings"

    id = UnicodeAttribute(hash_key=True)
    taken_at = Timestamp()
    counted = Document()
    history = Document()
