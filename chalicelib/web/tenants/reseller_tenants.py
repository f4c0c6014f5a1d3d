"""/reseller/tenants: the list of tenants, with search and filter, and the form for a new one."""

from chalice.app import Response

from chalicelib.api.tenants import NewTenant
from chalicelib.errors import TenantryError
from chalicelib.services.core.idempotency import IdempotentRequest
from chalicelib.services.resellers.accounts import read_reseller
from chalicelib.services.tenants import lifecycle
from chalicelib.storage.tenants import Tenant
from chalicelib.web.reseller_shell.frame import render
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.routing import (
    Audience,
    Form,
    FormFields,
    PageContext,
    Pages,
    RedirectTo,
)
from chalicelib.web.tenants.actions import DETAILS
from chalicelib.web.tenants.listing import tenant_list_context

pages = Pages(__name__)

CREATE = FormFields(NewTenant)


@pages.page("GET", "/reseller/tenants", audience=Audience.RESELLER)
def show_tenants(page: PageContext, **context: object) -> Response:
    return render(
        page,
        "reseller/tenants.html",
        title="Tenants",
        nav=MenuEntry.RESELLER_TENANTS,
        **{
            **tenant_list_context(page, page.reseller.id),
            "create_open": bool(page.query("create")),
            "create_form": CREATE,
            "details": DETAILS,
            **context,
        },
    )


@pages.form("/reseller/tenants", audience=Audience.RESELLER, fields=CREATE)
def create(page: PageContext, form: Form[NewTenant]) -> Response:
    def act(once: IdempotentRequest) -> Tenant:
        columns = form.read().columns()
        return lifecycle.create_tenant(page.reseller.id, **columns, by=page.by, once=once)

    def then(tenant: Tenant) -> RedirectTo:
        created = f"{tenant.name} was created on one of your licenses."
        return RedirectTo(f"/reseller/tenants/{tenant.id}", created)

    try:
        return page.run_once(form, act, then)
    except TenantryError as error:
        fresh = read_reseller(page.reseller.id)
        return page.rerender_form(error, show_tenants, form, create_open=True, reseller=fresh)
