"""Sign-in, sign-out, and the signed-in user's account page."""

from contextlib import suppress

from chalice.app import Response

from chalicelib.api.declarations import Audience
from chalicelib.api.session import Login
from chalicelib.errors import TenantryError, Unauthenticated
from chalicelib.services.identity import sessions
from chalicelib.services.identity.api_keys import Owner
from chalicelib.services.identity.authenticate import SESSION_LIFETIME, Caller
from chalicelib.services.reconciliation.open_findings import count_open_findings
from chalicelib.storage.users import User
from chalicelib.web.identity.own_account import account_context, add_account_pages
from chalicelib.web.identity.own_keys import (
    ADMIN_SCOPES,
    NO_KEYS,
    ApiKeySection,
    add_api_key_pages,
    api_keys_context,
)
from chalicelib.web.shell import cookies
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.routing import Form, FormFields, PageContext, Pages
from chalicelib.web.shell.urls import own_path

pages = Pages(__name__)

ACCOUNT = "/account"


class LoginForm(Login):
    """Signing in, and the path of the page to open then."""

    next: str = ""


LOGIN = FormFields(LoginForm)


@pages.page("GET", "/", audience=Audience.PUBLIC)
def redirect_home(page: PageContext) -> Response:
    """Redirect to the user's overview, or to the sign-in page."""
    return page.redirect(home(page.known_caller.user) if page.known_caller else "/login")


def home(user: User) -> str:
    return "/admin" if user.is_super_admin else "/reseller"


@pages.page("GET", "/login", audience=Audience.PUBLIC)
def show_login(page: PageContext, **context: object) -> Response:
    if page.known_caller is not None and not context:
        return page.redirect(home(page.known_caller.user))
    destination = own_path(page.query("next"))
    return page.render(
        "account/login.html",
        title="Sign in",
        login_form=LOGIN,
        **{"next": destination, **context},
    )


@pages.form("/login", audience=Audience.PUBLIC, fields=LOGIN)
def log_in(page: PageContext, form: Form[LoginForm]) -> Response:
    destination = own_path(form.get("next"))
    try:
        login = form.read()
        signed_in = sessions.sign_in(
            login.email, login.password, device=page.device, replaces=page.session
        )
    except TenantryError as error:
        return page.rerender_form(error, show_login, form, next=destination)
    max_age = int(SESSION_LIFETIME.total_seconds())
    page.set_cookies.append(cookies.set_session(signed_in.token, max_age))
    return page.redirect(destination or home(signed_in.user))


@pages.page("POST", "/logout", audience=Audience.SIGNED_IN)
def log_out(page: PageContext) -> Response:
    caller: Caller = page.caller
    with suppress(Unauthenticated):  # the form was sent twice, and the session has ended
        sessions.sign_out(caller)
    page.set_cookies.append(cookies.clear(cookies.SESSION))
    return page.redirect("/login", flash="You are signed out.")


@pages.page("GET", ACCOUNT, audience=Audience.SIGNED_IN)
def show_account(page: PageContext, **context: object) -> Response:
    """Show the account page, with API keys for admins. Resellers have a settings page instead."""
    caller = page.caller
    if caller.reseller is not None and not caller.is_admin and not context:
        return page.redirect("/reseller/settings")
    keys = NO_KEYS
    if caller.is_admin:
        keys = api_keys_context(ACCOUNT, _key_owner(page), ADMIN_SCOPES)
    return page.render(
        "account/settings.html",
        title="Your account",
        nav_current=MenuEntry.ACCOUNT,
        findings_waiting=count_open_findings() if caller.is_admin else 0,
        **{**account_context(page), **keys, **context},
    )


def _key_owner(page: PageContext) -> Owner:
    return Owner(page.caller.id)


add_account_pages(pages, ACCOUNT, audience=Audience.SIGNED_IN, show=show_account)
add_api_key_pages(
    pages,
    ApiKeySection(
        ACCOUNT, MenuEntry.ACCOUNT, Audience.ADMIN, _key_owner, ADMIN_SCOPES, show_account
    ),
)
