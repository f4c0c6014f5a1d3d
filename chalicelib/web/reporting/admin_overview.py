"""The admin overview: licenses sold and used, revenue, and resellers that need attention."""

from datetime import date

from chalice.app import Response

from chalicelib import clock
from chalicelib.services.reporting import dashboard_stats
from chalicelib.web.admin_shell.frame import render
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.rendering import View
from chalicelib.web.shell.routing import Audience, PageContext, Pages

pages = Pages(__name__)


@pages.page("GET", "/admin", audience=Audience.ADMIN)
def show_overview(page: PageContext) -> Response:
    stats = dashboard_stats.read_dashboard_stats()
    return render(
        page,
        "admin/overview.html",
        title="Overview",
        nav=MenuEntry.ADMIN_OVERVIEW,
        **(_context(stats) if stats else {"totals": None, "taken_at": None}),
    )


def _context(stats: dashboard_stats.DisplayedStats) -> View:
    figures = stats.figures
    this_month, last_month = clock.recent_months(2)
    return {
        "totals": {
            "license_count": figures.sold,
            "license_used": figures.in_use,
            "resellers": figures.resellers,
            "revenue_month": figures.money.get(this_month, 0),
            "revenue_last_month": figures.money.get(last_month, 0),
        },
        "money_by_month": [
            _revenue_bar(month, cents) for month, cents in sorted(figures.money.items())
        ],
        "history": [
            {"label": f"{date.fromisoformat(day):%-d %b}", "owned": owned, "used": used}
            for day, owned, used in stats.history
        ],
        "low": figures.low,
        "over_allocated": figures.over,
        "taken_at": stats.taken_at,
    }


def _revenue_bar(month: str, cents: int) -> View:
    first = date.fromisoformat(f"{month}-01")
    return {"label": f"{first:%B %Y}", "short": f"{first:%b}", "value": cents}
