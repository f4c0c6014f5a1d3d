"""Table settings, row `figures`: the latest statistics for the admin dashboard."""

from pynamodb.attributes import UnicodeAttribute

from chalicelib.storage.rows import Document, Row, Timestamp

STATS_ROW = "figures"


class StoredStats(Row):
    """`counted` holds the fields of DashboardStats in services/reporting/dashboard_stats.py.

    `history` has `{"owned", "used"}` for each day (`2026-11-23`).
    """

    noun = "settings"

    id = UnicodeAttribute(hash_key=True)
    taken_at = Timestamp()
    counted = Document()
    history = Document()
