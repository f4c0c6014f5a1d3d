"""/reseller/settings: one's profile, password and sessions, and the account's API keys."""

from typing import Any

from chalice.app import Response

from chalicelib.services.identity.api_keys import Owner, owner_of_reseller_keys
from chalicelib.web.identity.own_account import add_own_account, own_account
from chalicelib.web.identity.own_keys import SCOPES, KeyRing, add_own_keys, own_keys
from chalicelib.web.reseller_shell.frame import render
from chalicelib.web.shell.routing import Audience, PageContext, Pages

pages = Pages(__name__)

SETTINGS = "/reseller/settings"


def _owner(page: PageContext) -> Owner:
    return owner_of_reseller_keys(page.reseller)


@pages.page("GET", SETTINGS, audience=Audience.RESELLER)
def show_settings(page: PageContext, **context: Any) -> Response:
    return render(
        page,
        "settings",
        title="Settings",
        nav="settings",
        **own_account(page),
        **own_keys(_owner(page), SCOPES),
        **context,
    )


add_own_account(pages, SETTINGS, audience=Audience.RESELLER, show=show_settings)
add_own_keys(
    pages,
    KeyRing(SETTINGS, "reseller/settings", Audience.RESELLER, _owner, SCOPES, show_settings),
)
