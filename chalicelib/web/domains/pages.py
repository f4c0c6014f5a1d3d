"""Add, verify, and remove custom domains on the branding pages."""

from chalice.app import Response

from chalicelib.api.domains import NewDomain
from chalicelib.domain.custom_domains import Status
from chalicelib.errors import TenantryError
from chalicelib.services.core.idempotency import IdempotentRequest
from chalicelib.services.domains import registry, verification
from chalicelib.storage.domains import Domain
from chalicelib.web.branding.pages import ADD_DOMAIN, AUDIENCES, BrandingLevel, show_branding
from chalicelib.web.shell.confirmation import show_confirmation
from chalicelib.web.shell.routing import Form, PageContext, Pages, RedirectTo

pages = Pages(__name__)

SECTION = "#domains"


def add(page: PageContext, form: Form[NewDomain]) -> Response:
    level = BrandingLevel.of(page)

    def act(once: IdempotentRequest) -> Domain:
        host = form.read().host
        return registry.add_domain(
            level.reseller.id, host, tenant_id=level.tenant_id, by=page.by, once=once
        )

    def then(domain: Domain) -> RedirectTo:
        return RedirectTo(
            level.path + SECTION, f"Now set the record that proves {domain.host} is yours."
        )

    try:
        return page.run_once(form, act, then)
    except TenantryError as error:
        return page.rerender_form(error, show_branding, form)


def _read(page: PageContext, level: BrandingLevel) -> Domain:
    return registry.read_domain(level.reseller.id, page.path["host"])


def verify(page: PageContext) -> Response:
    """Look up the TXT record immediately, and show the result."""
    level = BrandingLevel.of(page)
    try:
        domain = page.on_current(
            lambda: _read(page, level),
            lambda row: verification.verify_domain(row, by=page.by),
        )
    except TenantryError as error:
        return page.rerender_with_error(error, show_branding)
    if domain.status == Status.VERIFIED:
        return page.redirect(level.path + SECTION, flash=f"{domain.host} is verified.")
    return page.redirect(level.path + SECTION, flash=domain.explanation, kind="warning")


def confirm_remove(page: PageContext) -> Response:
    """Ask for confirmation. Used only without JavaScript; with it, a dialog opens instead."""
    level = BrandingLevel.of(page)
    domain = _read(page, level)
    removal = level.removal_of(domain.host)
    return show_confirmation(page, removal, nav=level.nav, cancel=level.path + SECTION)


def remove(page: PageContext) -> Response:
    level = BrandingLevel.of(page)
    host = page.path["host"]
    try:
        page.on_current(
            lambda: _read(page, level), lambda row: registry.remove_domain(row, by=page.by)
        )
    except TenantryError as error:
        return page.rerender_with_error(error, show_branding)
    return page.redirect(level.path + SECTION, flash=f"{host} is removed.")


for base, audience in AUDIENCES.items():
    remove_path = base + "/domains/{host}/remove"
    pages.form(base + "?action=add-domain", audience=audience, fields=ADD_DOMAIN)(add)
    pages.page("POST", base + "?action=verify-domain&host={host}", audience=audience)(verify)
    pages.page("GET", remove_path, audience=audience)(confirm_remove)
    pages.page("POST", remove_path, audience=audience)(remove)
