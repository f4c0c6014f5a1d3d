"""Signing in and out, and one's own account."""

from typing import Any

from chalice.app import Response

from chalicelib.api.routing import Audience
from chalicelib.api.session import Login
from chalicelib.errors import TenantryError
from chalicelib.services.identity import sessions
from chalicelib.services.identity.api_keys import Owner
from chalicelib.services.identity.authenticate import SESSION_LIFETIME, Caller
from chalicelib.services.reconciliation.open_findings import count_waiting
from chalicelib.storage.users import User
from chalicelib.web.identity.own_account import add_own_account, own_account
from chalicelib.web.identity.own_keys import ADMIN_SCOPES, KeyRing, add_own_keys, own_keys
from chalicelib.web.shell import cookies
from chalicelib.web.shell.routing import PageContext, Pages
from chalicelib.web.shell.urls import own_path

pages = Pages(__name__)

ACCOUNT = "/account"
ACCOUNT_NAV = "account"


@pages.page("GET", "/", audience=Audience.PUBLIC)
def front_door(visit: PageContext) -> Response:
    """Where one belongs."""
    return visit.redirect(home(visit.known_caller.user) if visit.known_caller else "/login")


def home(user: User) -> str:
    return "/admin" if user.is_super_admin else "/reseller"


@pages.page("GET", "/login", audience=Audience.PUBLIC)
def show_login(visit: PageContext, **context: Any) -> Response:
    if visit.known_caller is not None and not context:
        return visit.redirect(home(visit.known_caller.user))
    destination = own_path(visit.query("next"))
    return visit.render("account/login.html", title="Sign in", **{"next": destination, **context})


@pages.page("POST", "/login", audience=Audience.PUBLIC)
def log_in(visit: PageContext) -> Response:
    form = visit.form()
    destination = own_path(form.get("next"))
    try:
        login = form.read(Login)
        signed_in = sessions.sign_in(
            login.email, login.password, device=visit.device, replaces=visit.session
        )
    except TenantryError as error:
        return visit.refused(error, show_login, form, next=destination)
    max_age = int(SESSION_LIFETIME.total_seconds())
    visit.set_cookies.append(cookies.set_session(signed_in.token, max_age))
    return visit.redirect(destination or home(signed_in.user))


@pages.page("POST", "/logout", audience=Audience.SIGNED_IN)
def log_out(visit: PageContext) -> Response:
    caller: Caller = visit.caller
    sessions.sign_out(caller)
    visit.set_cookies.append(cookies.clear(cookies.SESSION))
    return visit.redirect("/login", flash="You are signed out.")


@pages.page("GET", ACCOUNT, audience=Audience.SIGNED_IN)
def show_account(visit: PageContext, **context: Any) -> Response:
    """A reseller's is among the settings of its own pages; a super admin's keys are here."""
    caller = visit.caller
    if caller.reseller is not None and not caller.is_admin and not context:
        return visit.redirect("/reseller/settings")
    keys = own_keys(_admin(visit), ADMIN_SCOPES) if caller.is_admin else {}
    return visit.render(
        "account/settings.html",
        title="Your account",
        nav_current=ACCOUNT_NAV,
        findings_waiting=count_waiting() if caller.is_admin else 0,
        **own_account(visit),
        **keys,
        **context,
    )


def _admin(visit: PageContext) -> Owner:
    return Owner(visit.caller.id)


add_own_account(pages, ACCOUNT, audience=Audience.SIGNED_IN, show=show_account)
add_own_keys(
    pages, KeyRing(ACCOUNT, ACCOUNT_NAV, Audience.ADMIN, _admin, ADMIN_SCOPES, show_account)
)
