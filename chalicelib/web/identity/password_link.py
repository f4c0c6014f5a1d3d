"""/password: asking for a link that sets a password, and what the link leads to."""

from typing import Any

from chalice.app import Response

from chalicelib.api.password import Reset, ResetRequest
from chalicelib.api.routing import Audience
from chalicelib.errors import InvalidRequest, TenantryError
from chalicelib.services.identity import passwords
from chalicelib.services.identity.passwords import RESET_LINK_LIFETIME
from chalicelib.web.shell.forms import Form
from chalicelib.web.shell.routing import PageContext, Pages

pages = Pages(__name__)

LINK_MINUTES = int(RESET_LINK_LIFETIME.total_seconds() // 60)
UNLIKE = "The two passwords are not the same."


@pages.page("GET", "/password", audience=Audience.PUBLIC)
def show_password(visit: PageContext) -> Response:
    if visit.query("token"):
        return show_link(visit)
    return show_request(visit)


def show_request(visit: PageContext, **context: Any) -> Response:
    return visit.render(
        "account/password_request.html",
        title="Forgot your password?",
        sent=bool(visit.query("sent")),
        link_minutes=LINK_MINUTES,
        **context,
    )


def show_link(visit: PageContext, token: str = "", **context: Any) -> Response:
    """The page of a link, or that the link is dead."""
    token = token or visit.query("token")
    try:
        _, user = passwords.find_link(token)
    except InvalidRequest:
        page = "account/password_set.html"
        return visit.render(page, title="Set a password", link_dead=True)
    return visit.render(
        "account/password_set.html",
        title="Set a password",
        token=token,
        account_email=user.email,
        first_time=user.password_hash is None,
        **context,
    )


@pages.page("POST", "/password", audience=Audience.PUBLIC)
def post_password(visit: PageContext) -> Response:
    form = visit.form()
    return _set_by_link(visit, form) if form.get("token") else _ask_for_link(visit, form)


def _ask_for_link(visit: PageContext, form: Form) -> Response:
    """The answer is the same whether or not the address is a user's."""
    try:
        passwords.request_reset(form.read(ResetRequest).email, device=visit.device)
    except TenantryError as error:
        return visit.refused(error, show_request, form)
    return visit.redirect("/password?sent=1")


def _set_by_link(visit: PageContext, form: Form) -> Response:
    try:
        if form.get("new_password") != form.get("repeat_password"):
            raise InvalidRequest.of("repeat_password", UNLIKE)
        reset = form.read(Reset)
        passwords.set_password_by_link(reset.token, reset.new_password, device=visit.device)
    except TenantryError as error:
        return visit.refused(error, show_link, form, token=form.get("token"))
    return visit.redirect("/login", flash="Your password is set. Sign in with it.")
