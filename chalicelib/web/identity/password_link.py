"""/password: request a link by email, and use it to set a password."""

from chalice.app import Response

from chalicelib.api.declarations import Audience
from chalicelib.api.password import Reset, ResetRequest
from chalicelib.errors import InvalidRequest, TenantryError
from chalicelib.http.fields import Password
from chalicelib.services.identity import passwords
from chalicelib.services.identity.passwords import RESET_LINK_LIFETIME
from chalicelib.web.shell.routing import Form, FormFields, PageContext, Pages

pages = Pages(__name__)

LINK_MINUTES = int(RESET_LINK_LIFETIME.total_seconds() // 60)
MISMATCH = "The two passwords are not the same."


class ResetForm(Reset):
    repeat_password: Password


REQUEST_LINK = FormFields(ResetRequest)
SET_PASSWORD = FormFields(ResetForm)


@pages.page("GET", "/password", audience=Audience.PUBLIC)
def show_password(page: PageContext) -> Response:
    if page.query("token"):
        return show_link(page)
    return show_request(page)


def show_request(page: PageContext, **context: object) -> Response:
    return page.render(
        "account/password_request.html",
        title="Forgot your password?",
        sent=bool(page.query("sent")),
        link_minutes=LINK_MINUTES,
        link_form=REQUEST_LINK,
        **context,
    )


def show_link(page: PageContext, token: str = "", **context: object) -> Response:
    """Show the form for a new password, or a notice that the link is no longer valid."""
    token = token or page.query("token")
    try:
        _, user = passwords.find_link(token)
    except InvalidRequest:
        return page.render("account/password_link_dead.html", title="Set a password")
    return page.render(
        "account/password_set.html",
        title="Set a password",
        password_form=SET_PASSWORD,
        token=token,
        account_email=user.email,
        first_time=user.password_hash is None,
        **context,
    )


@pages.page("POST", "/password", audience=Audience.PUBLIC, forms=(REQUEST_LINK, SET_PASSWORD))
def post_password(page: PageContext) -> Response:
    form = page.form(SET_PASSWORD)
    if form.get("token"):
        return _set_by_link(page, form)
    return _request_link(page, page.form(REQUEST_LINK))


def _request_link(page: PageContext, form: Form[ResetRequest]) -> Response:
    """Send a link by email. The response does not reveal whether the address belongs to a user."""
    try:
        passwords.request_reset(form.read().email, device=page.device)
    except TenantryError as error:
        return page.rerender_form(error, show_request, form)
    return page.redirect("/password?sent=1")


def _set_by_link(page: PageContext, form: Form[ResetForm]) -> Response:
    try:
        if form.get("new_password") != form.get("repeat_password"):
            raise InvalidRequest.of("repeat_password", MISMATCH)
        reset = form.read()
        passwords.set_password_by_link(reset.token, reset.new_password, device=page.device)
    except TenantryError as error:
        return page.rerender_form(error, show_link, form, token=form.get("token"))
    return page.redirect("/login", flash="Your password is set. Sign in with it.")
