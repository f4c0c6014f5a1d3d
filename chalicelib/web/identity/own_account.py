"""The signed-in user's profile, password, and sessions, for resellers and admins."""

import re
from collections.abc import Callable

from chalice.app import Response

from chalicelib.api.declarations import Audience
from chalicelib.api.password import PasswordChange
from chalicelib.api.users import UserChanges
from chalicelib.errors import TenantryError
from chalicelib.services.identity import passwords, sessions, users
from chalicelib.services.identity.sessions import OpenSession
from chalicelib.storage.reads import Pagination
from chalicelib.web.shell.rendering import View
from chalicelib.web.shell.routing import Form, FormFields, PageContext, Pages

Show = Callable[..., Response]

MOST_SESSIONS = 50
BROWSERS = (
    ("Edge", re.compile(r"Edg(e|A|iOS)?/")),
    ("Opera", re.compile(r"OPR/")),
    ("Firefox", re.compile(r"(Firefox|FxiOS)/")),
    ("Chrome", re.compile(r"(Chrome|Chromium|CriOS)/")),
    ("Safari", re.compile(r"Safari/")),
    ("curl", re.compile(r"^curl/")),
)
SYSTEMS = (
    ("iPhone", re.compile(r"iPhone")),
    ("iPad", re.compile(r"iPad")),
    ("Android", re.compile(r"Android")),
    ("Windows", re.compile(r"Windows")),
    ("Mac", re.compile(r"Mac OS X")),
    ("Linux", re.compile(r"Linux")),
)


PROFILE = FormFields(UserChanges, id="profile", only=("name", "email", "current_password"))
PASSWORD = FormFields(PasswordChange, id="password")


def account_context(page: PageContext) -> View:
    """Return the template context for the account sections."""
    open_sessions = sessions.list_sessions(page.caller, Pagination(MOST_SESSIONS))
    newest_first = sorted(
        open_sessions.rows, key=lambda s: (not s.is_current, -s.used_at.timestamp())
    )
    user = page.caller.user
    return {
        "profile": {"name": user.name, "email": user.email},
        "profile_form": PROFILE,
        "password_form": PASSWORD,
        "sessions": [_session_view(session) for session in newest_first],
    }


def _session_view(session: OpenSession) -> View:
    return {
        "id": session.id,
        "device": device_name(session.user_agent),
        "ip": session.source_ip,
        "last_used_at": session.used_at,
        "is_current": session.is_current,
    }


def device_name(user_agent: str | None) -> str | None:
    """Describe a device based on its User-Agent header, as in `Firefox on Linux`."""
    browser = _first_match(BROWSERS, user_agent)
    system = _first_match(SYSTEMS, user_agent)
    return f"{browser} on {system}" if browser and system else browser or system


def _first_match(known: tuple[tuple[str, re.Pattern[str]], ...], text: str | None) -> str | None:
    return next((name for name, pattern in known if pattern.search(text or "")), None)


def add_account_pages(pages: Pages, base: str, *, audience: Audience, show: Show) -> None:
    """Declare the account sections' actions. `base` is the path of the page that `show` renders."""

    @pages.form(f"{base}?action=profile", audience=audience, fields=PROFILE)
    def save_profile(page: PageContext, form: Form[UserChanges]) -> Response:
        try:
            changes = form.read().model_dump(exclude_unset=True)
            current_password = changes.pop("current_password", "")
            page.on_current(
                lambda: users.read_user(page.caller.id),
                lambda user: users.edit_user_with_password(
                    user,
                    changes,
                    current_password=current_password,
                    device=page.device,
                    by=page.by,
                ),
            )
        except TenantryError as error:
            return page.rerender_form(error, show, form)
        return page.redirect(base, flash="Your profile is saved.")

    @pages.form(f"{base}?action=password", audience=audience, fields=PASSWORD)
    def change_password(page: PageContext, form: Form[PasswordChange]) -> Response:
        try:
            change = form.read()
            passwords.change_password(
                page.caller,
                change.current_password,
                change.new_password,
                device=page.device,
                by=page.by,
            )
        except TenantryError as error:
            return page.rerender_form(error, show, form)
        flash = "Your password is changed. Every other session was signed out."
        return page.redirect(base, flash=flash)

    @pages.page("POST", f"{base}?action=revoke-session&id={{id}}", audience=audience)
    def revoke_session(page: PageContext) -> Response:
        page.on_current(
            lambda: sessions.read_session(page.caller, page.path["id"]),
            lambda session: sessions.revoke_session(page.caller, session, by=page.by),
        )
        return page.redirect(f"{base}#sessions", flash="That session is signed out.")

    @pages.page("POST", f"{base}?action=revoke-other-sessions", audience=audience)
    def revoke_others(page: PageContext) -> Response:
        sessions.end_other_sessions(page.caller, by=page.by)
        return page.redirect(f"{base}#sessions", flash="Every other session is signed out.")
