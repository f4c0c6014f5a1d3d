"""Statistics for the admin overview: licenses, revenue, and resellers that need attention.

The statistics are sums over all resellers and purchases, which can be too many rows to read for
every page view. In a small installation, they are computed live. Beyond MAX_LIVE_ROWS, a scheduled
function computes them, and the page shows the last stored figures with their time. One set of
figures per day is kept for the chart.
"""

from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from chalicelib import clock
from chalicelib.observability import Metric, count
from chalicelib.services.purchases.search import list_purchases_in_month
from chalicelib.services.resellers.accounts import list_resellers
from chalicelib.services.settings import platform_settings
from chalicelib.storage.dashboard_stats import STATS_ROW, StoredStats
from chalicelib.storage.reads import Pagination, get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import from_stored
from chalicelib.storage.writes import put

# Up to this many rows are read when the page is viewed, which takes a few round trips.
MAX_LIVE_ROWS = 300
BATCH = 100
MAX_LISTED_RESELLERS = 6
MONTHS = 12
# Every run counts the purchases from this many months. Older purchases rarely change, so only the
# first run of each day counts them.
RECOUNTED_MONTHS = 2
HISTORY_DAYS = 90


@dataclass
class DashboardStats:
    """Figures for the whole platform. The field names are stored, so they can't change.

    `sold` and `in_use` count licenses. `booked` holds integer cents by the month in which purchases
    were started (`2026-11`), then by the month in which their money moved. `low` and `over` list
    only the most urgent resellers, most urgent first; `low_count` and `over_count` include all.
    `rows` is the number of rows read.
    """

    sold: int = 0
    in_use: int = 0
    resellers: int = 0
    low_count: int = 0
    over_count: int = 0
    low: list[dict[str, object]] = field(default_factory=list)
    over: list[dict[str, object]] = field(default_factory=list)
    booked: dict[str, dict[str, int]] = field(default_factory=dict)
    rows: int = 0

    @property
    def money(self) -> dict[str, int]:
        """Return net revenue in integer cents by month, as the statements book it.

        Money held by a dispute does not count. Purchases started before these months are left
        out: payments that old can't be refunded or disputed in Stripe.
        """
        moved = self.booked.values()
        return {month: sum(by.get(month, 0) for by in moved) for month in self.booked}


@dataclass(frozen=True, slots=True)
class DisplayedStats:
    """What the overview shows.

    `history` contains (day, licenses owned, licenses used) tuples, oldest first. `taken_at` is None
    if the figures were counted live.
    """

    figures: DashboardStats
    history: list[tuple[str, int, int]]
    taken_at: datetime | None


class TooManyRows(Exception):
    """There are more rows than a live count is allowed to read."""


def read_dashboard_stats() -> DisplayedStats | None:
    """Return live figures if there are few rows; otherwise, return the last stored figures.

    Return None if there are many rows and no stored figures yet.
    """
    stored = get(StoredStats, STATS_ROW)
    if stored is None or _stored_figures(stored).rows <= MAX_LIVE_ROWS:
        try:
            stats = _compute_stats(clock.recent_months(MONTHS), max_rows=MAX_LIVE_ROWS)
            return DisplayedStats(stats, _history_points(stored, stats), None)
        except TooManyRows:
            pass
    if stored is None:
        return None
    return DisplayedStats(_stored_figures(stored), _history_points(stored, None), stored.taken_at)


def refresh_dashboard_stats() -> DashboardStats:
    """Compute the statistics and store them.

    Concurrent runs compute the same figures, so the last write wins. If a run crashes, it stores
    nothing, and the next run makes up for it.
    """
    stored = get(StoredStats, STATS_ROW)
    now = clock.now()
    months = clock.recent_months(MONTHS)
    is_first_today = stored is None or stored.taken_at.date() != now.date()
    stats = _compute_stats(months if is_first_today else months[:RECOUNTED_MONTHS])
    if stored is not None:
        booked = _stored_figures(stored).booked
        older = {m: cents for m, cents in booked.items() if m in months}
        stats.booked = {**older, **stats.booked}
    today, oldest = f"{now:%Y-%m-%d}", f"{now - timedelta(days=HISTORY_DAYS):%Y-%m-%d}"
    row = stored or StoredStats(STATS_ROW, counted={}, history={})
    row.taken_at = now
    row.counted = {**row.counted, **asdict(stats)}
    row.history = {day: at for day, at in row.history.items() if day > oldest}
    row.history[today] = {
        **row.history.get(today, {}),
        "owned": stats.sold,
        "used": stats.in_use,
    }
    put(row)
    _emit_metrics(stats)
    return stats


def _stored_figures(stored: StoredStats) -> DashboardStats:
    return from_stored(DashboardStats, stored.counted)


def _emit_metrics(stats: DashboardStats) -> None:
    """Emit the totals for the CloudWatch dashboard."""
    count(Metric.LICENSES_OWNED, stats.sold)
    count(Metric.LICENSES_USED, stats.in_use)
    count(Metric.LICENSES_AVAILABLE, stats.sold - stats.in_use)
    count(Metric.RESELLERS, stats.resellers)
    count(Metric.RESELLERS_LOW, stats.low_count)
    count(Metric.RESELLERS_OVER_ALLOCATED, stats.over_count)


def _history_points(
    stored: StoredStats | None, live: DashboardStats | None
) -> list[tuple[str, int, int]]:
    days = dict(stored.history) if stored else {}
    if live is not None:
        today = {"owned": live.sold, "used": live.in_use}
        days[f"{clock.now():%Y-%m-%d}"] = today
    return [(day, at["owned"], at["used"]) for day, at in sorted(days.items())]


def _compute_stats(months: list[str], *, max_rows: int | None = None) -> DashboardStats:
    """Sum up all resellers and the purchases started in these months.

    Raises TooManyRows if there are more than `max_rows` rows.
    """
    stats = DashboardStats()
    low: list[Reseller] = []
    over: list[Reseller] = []
    cursor: str | None = None
    while True:
        page = list_resellers(Pagination(BATCH, cursor))
        _count_rows(stats, len(page.rows), max_rows)
        for reseller in page.rows:
            stats.resellers += 1
            stats.sold += reseller.license_count
            stats.in_use += reseller.license_used
            stats.low_count += is_low_on_licenses(reseller)
            stats.over_count += reseller.over_allocated
        low = _most_urgent([*low, *filter(is_low_on_licenses, page.rows)])
        over = _most_urgent([*over, *(r for r in page.rows if r.over_allocated)])
        cursor = page.next_cursor
        if cursor is None:
            break
    stats.low, stats.over = (
        [_reseller_summary(r) for r in low],
        [_reseller_summary(r) for r in over],
    )
    for month in months:
        stats.booked[month] = _net_by_month(month, stats, max_rows)
    return stats


def _net_by_month(start_month: str, stats: DashboardStats, max_rows: int | None) -> dict[str, int]:
    """Sum the net cents from purchases started in a month, by the month in which they moved."""
    cents: Counter[str] = Counter()
    cursor: str | None = None
    while True:
        page = list_purchases_in_month(start_month, Pagination(BATCH, cursor))
        _count_rows(stats, len(page.rows), max_rows)
        for purchase in page.rows:
            for at, money in purchase.money_moves:
                cents[at[:7]] += money.net
        cursor = page.next_cursor
        if cursor is None:
            return dict(cents)


def _count_rows(stats: DashboardStats, rows: int, max_rows: int | None) -> None:
    stats.rows += rows
    if max_rows is not None and stats.rows > max_rows:
        raise TooManyRows


def is_low_on_licenses(reseller: Reseller) -> bool:
    """Return whether a reseller has few licenses left.

    A reseller that owns no licenses has not run low, and an inactive reseller needs none.
    """
    threshold = platform_settings.cached_settings().low_license_threshold
    has_few = reseller.license_count > 0 and 0 <= reseller.license_available <= threshold
    return reseller.is_active and has_few


def _most_urgent(resellers: list[Reseller]) -> list[Reseller]:
    by_available = sorted(resellers, key=lambda reseller: reseller.license_available)
    return by_available[:MAX_LISTED_RESELLERS]


def _reseller_summary(reseller: Reseller) -> dict[str, object]:
    return {
        "id": reseller.id,
        "company_name": reseller.company_name,
        "license_count": reseller.license_count,
        "license_used": reseller.license_used,
        "license_available": reseller.license_available,
    }
