"""The template context for every page's layout: branding, signed-in user, and flash message."""

import secrets

from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.settings import platform_settings
from chalicelib.settings import settings
from chalicelib.web.shell import csrf
from chalicelib.web.shell.rendering import View
from chalicelib.web.shell.theme import PageTheme, theme_context


def layout_context(
    caller: Caller | None, session: str | None, flash: tuple[str, str] | None, theme: PageTheme
) -> View:
    """Return the context that the layout, menu, and forms expect (see templates/README.md)."""
    from markupsafe import Markup

    hidden = Markup('<input type="hidden" name="{}" value="{}">')

    def csrf_field() -> Markup:
        return hidden.format("csrf_token", csrf.token_of(session)) if session else Markup()

    def once_field() -> Markup:
        return hidden.format("once", secrets.token_urlsafe(16))

    return {
        "viewer": viewer(caller) if caller else None,
        **theme_context(theme),
        "flashes": [{"kind": flash[0], "text": flash[1]}] if flash else [],
        "currency": settings().currency,
        "low_license_threshold": platform_settings.cached_settings().low_license_threshold,
        "csrf_field": csrf_field,
        "once_field": once_field,
        # What a page without a menu entry, findings, or a submitted form shows.
        "nav_current": "",
        "findings_waiting": 0,
        "errors": {},
        "form": {},
        "form_id": "",
    }


def viewer(caller: Caller) -> View:
    return {
        "name": caller.user.name,
        "email": caller.user.email,
        "is_super_admin": caller.is_admin,
        "company_name": caller.reseller.company_name if caller.reseller else None,
        "reseller_id": caller.reseller.id if caller.reseller else None,
    }
