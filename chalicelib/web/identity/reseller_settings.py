"""/reseller/settings: the user's profile, password, and sessions, and the reseller's API keys."""

from chalice.app import Response

from chalicelib.services.identity.api_keys import Owner, owner_of_reseller_keys
from chalicelib.web.identity.own_account import account_context, add_account_pages
from chalicelib.web.identity.own_keys import (
    RESELLER_SCOPES,
    ApiKeySection,
    add_api_key_pages,
    api_keys_context,
)
from chalicelib.web.reseller_shell.frame import render
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.routing import Audience, PageContext, Pages

pages = Pages(__name__)

SETTINGS = "/reseller/settings"


def _key_owner(page: PageContext) -> Owner:
    return owner_of_reseller_keys(page.reseller)


@pages.page("GET", SETTINGS, audience=Audience.RESELLER)
def show_settings(page: PageContext, **context: object) -> Response:
    return render(
        page,
        "reseller/settings.html",
        title="Settings",
        nav=MenuEntry.RESELLER_SETTINGS,
        **{
            **account_context(page),
            **api_keys_context(SETTINGS, _key_owner(page), RESELLER_SCOPES),
            **context,
        },
    )


add_account_pages(pages, SETTINGS, audience=Audience.RESELLER, show=show_settings)
add_api_key_pages(
    pages,
    ApiKeySection(
        SETTINGS,
        MenuEntry.RESELLER_SETTINGS,
        Audience.RESELLER,
        _key_owner,
        RESELLER_SCOPES,
        show_settings,
    ),
)
