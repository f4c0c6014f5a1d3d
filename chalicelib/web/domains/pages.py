"""Custom domains, below the branding of a reseller and of a tenant: added, proven, removed."""

from chalice.app import Response

from chalicelib.api.domains import NewDomain
from chalicelib.domain.custom_domains import Status
from chalicelib.errors import TenantryError
from chalicelib.services.core.idempotency import IdempotentRequest
from chalicelib.services.domains import registry, verification
from chalicelib.storage.domains import Domain
from chalicelib.web.branding.pages import PLACES, BrandingLevel, show_branding
from chalicelib.web.shell.routing import PageContext, Pages, RedirectTo

pages = Pages(__name__)

LIST = "#domains"


def add(visit: PageContext) -> Response:
    form = visit.form()
    level = BrandingLevel.of(visit)

    def act(once: IdempotentRequest) -> Domain:
        host = form.read(NewDomain).host
        return registry.add_domain(
            level.reseller.id, host, tenant_id=level.tenant_id, by=visit.by, once=once
        )

    def then(domain: Domain) -> RedirectTo:
        return RedirectTo(
            level.path + LIST, f"Now set the record that proves {domain.host} is yours."
        )

    try:
        return visit.once(form, act, then)
    except TenantryError as error:
        return visit.refused(error, show_branding, form, form_id="domain")


def _read(visit: PageContext, level: BrandingLevel) -> Domain:
    return registry.read_domain(level.reseller.id, visit.path["host"])


def verify(visit: PageContext) -> Response:
    """Look the record up now, and say what was found."""
    level = BrandingLevel.of(visit)
    try:
        domain = visit.on_current(
            lambda: _read(visit, level),
            lambda row: verification.verify_domain(row, by=visit.by),
        )
    except TenantryError as error:
        return visit.failed(error, show_branding)
    if domain.status == Status.VERIFIED:
        return visit.redirect(level.path + LIST, flash=f"{domain.host} is verified.")
    return visit.redirect(level.path + LIST, flash=domain.explanation, kind="warning")


def confirm_remove(visit: PageContext) -> Response:
    """The question, for anyone without a script."""
    level = BrandingLevel.of(visit)
    domain = _read(visit, level)
    return visit.render(
        "confirm.html",
        title=f"Remove {domain.host}",
        nav_current=level.nav,
        question=f"Remove {domain.host}?",
        text="Nobody reaches the login page there any more, and the host is free for anyone who "
        "can prove it is theirs.",
        action=f"{level.path}/domains/{domain.host}/remove",
        label="Remove domain",
        danger=True,
        cancel=level.path + LIST,
    )


def remove(visit: PageContext) -> Response:
    level = BrandingLevel.of(visit)
    host = visit.path["host"]
    try:
        visit.on_current(
            lambda: _read(visit, level), lambda row: registry.remove_domain(row, by=visit.by)
        )
    except TenantryError as error:
        return visit.failed(error, show_branding)
    return visit.redirect(level.path + LIST, flash=f"{host} is removed.")


def redirect_back(visit: PageContext) -> Response:
    """For whoever reloads the address of a deed."""
    return visit.redirect(BrandingLevel.of(visit).path + LIST)


for base, audience in PLACES.items():
    host = base + "/domains/{host}"
    pages.page("POST", base + "/domains", audience=audience)(add)
    pages.page("GET", base + "/domains", audience=audience)(redirect_back)
    pages.page("POST", host + "/verify", audience=audience)(verify)
    pages.page("GET", host + "/verify", audience=audience)(redirect_back)
    pages.page("GET", host + "/remove", audience=audience)(confirm_remove)
    pages.page("POST", host + "/remove", audience=audience)(remove)
