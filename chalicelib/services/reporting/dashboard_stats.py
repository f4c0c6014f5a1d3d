"""The platform's figures: licenses sold and in use, money by month, who needs a look.

They are sums over every reseller and purchase, which no page may read through. Where there are
few, they are counted when they are asked for; beyond that the schedule counts them, and the
page shows its last count, with its time. Each day's count is kept for the chart.
"""

from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chalicelib import clock
from chalicelib.observability import count
from chalicelib.services.purchases.search import list_month
from chalicelib.services.resellers.accounts import list_resellers
from chalicelib.services.settings import platform_settings
from chalicelib.storage.dashboard_stats import STATS_ROW, StoredStats
from chalicelib.storage.reads import Pagination, get
from chalicelib.storage.resellers import Reseller

# With this many rows or fewer, a page counts them itself: a handful of round trips.
FEW = 300
BATCH = 100
NAMED = 6
MONTHS = 12
# Counted by every run; the older months only by a day's first, since they seldom change.
MOVING_MONTHS = 2
DAYS = 90


@dataclass
class DashboardStats:
    """sold, in_use: licenses. booked: integer cents by the month (`2026-11`) in which purchases
    were begun, then by the one in which their money moved. low, over: the first of them, the
    neediest first. rows: how many were read."""

    sold: int = 0
    in_use: int = 0
    resellers: int = 0
    low_count: int = 0
    over_count: int = 0
    low: list[dict[str, Any]] = field(default_factory=list)
    over: list[dict[str, Any]] = field(default_factory=list)
    booked: dict[str, dict[str, int]] = field(default_factory=dict)
    rows: int = 0

    @property
    def money(self) -> dict[str, int]:
        """Integer cents by month, net, as the statements book them; what a dispute holds is
        not ours. Of purchases begun in these months: Stripe disputes and refunds none older."""
        moved = self.booked.values()
        return {month: sum(by.get(month, 0) for by in moved) for month in self.booked}


@dataclass(frozen=True, slots=True)
class DisplayedStats:
    """taken_at: None where they were counted just now. history: oldest first, by day."""

    figures: DashboardStats
    history: list[tuple[str, int, int]]
    taken_at: datetime | None


class TooMany(Exception):
    """More rows than may be read."""


def read_dashboard_stats() -> DisplayedStats | None:
    """The figures: of now, where there are few rows, else those that were kept last; None
    where there are many and none were kept yet."""
    kept = get(StoredStats, STATS_ROW)
    if kept is None or kept.counted["rows"] <= FEW:
        try:
            figures = _compute_stats(clock.recent_months(MONTHS), most=FEW)
            return DisplayedStats(figures, _history_points(kept, figures), None)
        except TooMany:
            pass
    if kept is None:
        return None
    figures = DashboardStats(**kept.counted)
    return DisplayedStats(figures, _history_points(kept, None), kept.taken_at)


def refresh_dashboard_stats() -> DashboardStats:
    """Count everything, and keep it. Two runs at once keep the same, so the last may win."""
    kept = get(StoredStats, STATS_ROW)
    now = clock.now()
    months = clock.recent_months(MONTHS)
    is_first_today = kept is None or kept.taken_at.date() != now.date()
    figures = _compute_stats(months if is_first_today else months[:MOVING_MONTHS])
    if kept is not None:
        older = {m: cents for m, cents in kept.counted["booked"].items() if m in months}
        figures.booked = {**older, **figures.booked}
    today = {"owned": figures.sold, "used": figures.in_use}
    oldest = f"{now - timedelta(days=DAYS):%Y-%m-%d}"
    days = {day: at for day, at in (kept.history if kept else {}).items() if day > oldest}
    row = StoredStats(
        STATS_ROW,
        taken_at=now,
        counted=asdict(figures),
        history={**days, f"{now:%Y-%m-%d}": today},
    )
    row.created_at = row.updated_at = now
    row.version = kept.version + 1 if kept else 1
    row.save()
    _emit_metrics(figures)
    return figures


def _emit_metrics(figures: DashboardStats) -> None:
    """For the dashboard in CloudWatch."""
    count("LicensesOwned", figures.sold)
    count("LicensesUsed", figures.in_use)
    count("LicensesAvailable", figures.sold - figures.in_use)
    count("Resellers", figures.resellers)
    count("ResellersLow", figures.low_count)
    count("ResellersOverAllocated", figures.over_count)


def _history_points(
    kept: StoredStats | None, live: DashboardStats | None
) -> list[tuple[str, int, int]]:
    days = dict(kept.history) if kept else {}
    if live is not None:
        today = {"owned": live.sold, "used": live.in_use}
        days[f"{clock.now():%Y-%m-%d}"] = today
    return [(day, at["owned"], at["used"]) for day, at in sorted(days.items())]


def _compute_stats(months: list[str], *, most: int | None = None) -> DashboardStats:
    """Raises TooMany where there are more rows than `most`."""
    figures = DashboardStats()
    low: list[Reseller] = []
    over: list[Reseller] = []
    cursor: str | None = None
    while True:
        page = list_resellers(Pagination(BATCH, cursor))
        _read_more(figures, len(page.rows), most)
        for reseller in page.rows:
            figures.resellers += 1
            figures.sold += reseller.license_count
            figures.in_use += reseller.license_used
            figures.low_count += is_low(reseller)
            figures.over_count += reseller.over_allocated
        low = _neediest([*low, *filter(is_low, page.rows)])
        over = _neediest([*over, *(r for r in page.rows if r.over_allocated)])
        cursor = page.next_cursor
        if cursor is None:
            break
    figures.low, figures.over = [_named(r) for r in low], [_named(r) for r in over]
    for month in months:
        figures.booked[month] = _booked(month, figures, most)
    return figures


def _booked(begun: str, figures: DashboardStats, most: int | None) -> dict[str, int]:
    """What the money of the purchases begun in a month did, by month."""
    cents: Counter[str] = Counter()
    cursor: str | None = None
    while True:
        page = list_month(begun, Pagination(BATCH, cursor))
        _read_more(figures, len(page.rows), most)
        for purchase in page.rows:
            for at, money in purchase.money_moves:
                cents[at[:7]] += money.net
        cursor = page.next_cursor
        if cursor is None:
            return dict(cents)


def _read_more(figures: DashboardStats, rows: int, most: int | None) -> None:
    figures.rows += rows
    if most is not None and figures.rows > most:
        raise TooMany


def is_low(reseller: Reseller) -> bool:
    """Few are left; who never had one has not run low, and who is inactive needs none."""
    threshold = platform_settings.cached_settings().low_license_threshold
    has_few = reseller.license_count > 0 and 0 <= reseller.license_available <= threshold
    return reseller.is_active and has_few


def _neediest(resellers: list[Reseller]) -> list[Reseller]:
    return sorted(resellers, key=lambda reseller: reseller.license_available)[:NAMED]


def _named(reseller: Reseller) -> dict[str, Any]:
    return {
        "id": reseller.id,
        "company_name": reseller.company_name,
        "license_count": reseller.license_count,
        "license_used": reseller.license_used,
        "license_available": reseller.license_available,
    }
