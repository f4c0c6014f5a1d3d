"""/reseller: licenses owned and used, the next step to take, and recent activity."""

from chalice.app import Response

from chalicelib.services.resellers.activity import Activity, recent_activity
from chalicelib.web.reseller_shell.frame import render
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.routing import Audience, PageContext, Pages

pages = Pages(__name__)

RECENT_ENTRIES = 5


@pages.page("GET", "/reseller", audience=Audience.RESELLER)
def show_overview(page: PageContext) -> Response:
    reseller = page.reseller
    activity = recent_activity(reseller, RECENT_ENTRIES)
    return render(
        page,
        "reseller/overview.html",
        title="Overview",
        nav=MenuEntry.RESELLER_OVERVIEW,
        history=history_points(activity),
        entries=activity.newest,
        tenant_names=activity.tenant_names,
        branded=bool(reseller.branding_config),
    )


def history_points(activity: Activity) -> list[dict[str, object]]:
    """Return the data points for the license chart."""
    return [
        {"label": f"{level.at.day} {level.at:%b}", "owned": level.owned, "used": level.used}
        for level in activity.history
    ]
