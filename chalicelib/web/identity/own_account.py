"""The signed-in user's profile, password, and sessions, for resellers and admins."""

import re
from collections.abc import Callable
from typing import Any

from chalice.app import Response

from chalicelib.api.declarations import Audience
from chalicelib.api.password import PasswordChange
from chalicelib.errors import TenantryError
from chalicelib.http.fields import Email, Input, Text
from chalicelib.services.identity import passwords, sessions, users
from chalicelib.services.identity.sessions import OpenSession
from chalicelib.storage.reads import Pagination
from chalicelib.web.shell.routing import PageContext, Pages

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


class Profile(Input):
    name: Text
    email: Email


def account_context(page: PageContext) -> dict[str, Any]:
    """Return the template context for the account sections."""
    open_sessions = sessions.list_sessions(page.caller, Pagination(MOST_SESSIONS))
    newest_first = sorted(
        open_sessions.rows, key=lambda s: (not s.is_current, -s.used_at.timestamp())
    )
    user = page.caller.user
    return {
        "profile": {"name": user.name, "email": user.email},
        "sessions": [_session_view(session) for session in newest_first],
    }


def _session_view(session: OpenSession) -> dict[str, Any]:
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

    def save_profile(page: PageContext) -> Response:
        form = page.form()
        try:
            profile = form.read(Profile, name=form.get("name"), email=form.get("email"))
            page.on_current(
                lambda: users.read_user(page.caller.id),
                lambda user: users.edit_user_with_password(
                    user,
                    {"name": profile.name, "email": profile.email},
                    current_password=form.get("current_password"),
                    device=page.device,
                    by=page.by,
                ),
            )
        except TenantryError as error:
            return page.rerender_form(error, show, form, form_id="profile")
        return page.redirect(base, flash="Your profile is saved.")

    def change_password(page: PageContext) -> Response:
        form = page.form()
        try:
            change = form.read(PasswordChange)
            passwords.change_password(
                page.caller,
                change.current_password,
                change.new_password,
                device=page.device,
                by=page.by,
            )
        except TenantryError as error:
            return page.rerender_form(error, show, form, form_id="password")
        flash = "Your password is changed. Every other session was signed out."
        return page.redirect(base, flash=flash)

    def revoke_session(page: PageContext) -> Response:
        page.on_current(
            lambda: sessions.read_session(page.caller, page.path["id"]),
            lambda session: sessions.revoke_session(page.caller, session, by=page.by),
        )
        return page.redirect(f"{base}#sessions", flash="That session is signed out.")

    def revoke_others(page: PageContext) -> Response:
        sessions.end_other_sessions(page.caller, by=page.by)
        return page.redirect(f"{base}#sessions", flash="Every other session is signed out.")

    actions: dict[str, Callable[[PageContext], Response]] = {
        "profile": save_profile,
        "password": change_password,
        "revoke-session&id={id}": revoke_session,
        "revoke-other-sessions": revoke_others,
    }
    for name, action in actions.items():
        pages.page("POST", f"{base}?action={name}", audience=audience)(action)
