"""The admin's first page: sold, in use, earned, and who needs a look."""

from datetime import date
from typing import Any

from chalice.app import Response

from chalicelib import clock
from chalicelib.services.reporting import dashboard_stats
from chalicelib.web.admin_shell.frame import render
from chalicelib.web.shell.routing import Audience, PageContext, Pages

pages = Pages(__name__)


@pages.page("GET", "/admin", audience=Audience.ADMIN)
def show_overview(page: PageContext) -> Response:
    shown = dashboard_stats.read_dashboard_stats()
    return render(
        page,
        "overview",
        title="Overview",
        nav="overview",
        **(_context(shown) if shown else {"totals": None}),
    )


def _context(shown: dashboard_stats.DisplayedStats) -> dict[str, Any]:
    counted = shown.figures
    this_month, last_month = clock.recent_months(2)
    return {
        "totals": {
            "license_count": counted.sold,
            "license_used": counted.in_use,
            "resellers": counted.resellers,
            "revenue_month": counted.money.get(this_month, 0),
            "revenue_last_month": counted.money.get(last_month, 0),
        },
        "money_by_month": [_month(month, cents) for month, cents in sorted(counted.money.items())],
        "history": [
            {"label": f"{date.fromisoformat(day):%-d %b}", "owned": owned, "used": used}
            for day, owned, used in shown.history
        ],
        "low": counted.low,
        "over_allocated": counted.over,
        "taken_at": shown.taken_at,
    }


def _month(month: str, cents: int) -> dict[str, Any]:
    first = date.fromisoformat(f"{month}-01")
    return {"label": f"{first:%B %Y}", "short": f"{first:%b}", "value": cents}
