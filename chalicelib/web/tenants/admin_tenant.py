"""The admin's page for one tenant: its state, its history, and its actions."""

from chalice.app import Response

from chalicelib.services.branding import documents
from chalicelib.services.core import batch_reads
from chalicelib.services.domains import registry
from chalicelib.services.resellers import accounts
from chalicelib.services.settings import platform_settings
from chalicelib.services.tenants import lifecycle
from chalicelib.services.tenants.history import History, history_of
from chalicelib.storage.audit import AuditEntry
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.web.admin_shell.frame import render
from chalicelib.web.admin_shell.words import action_label
from chalicelib.web.audit.changes import changes_of, names_in
from chalicelib.web.branding.pages import form_values
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.rendering import View
from chalicelib.web.shell.routing import Audience, PageContext, Pages
from chalicelib.web.shell.theme import login_address
from chalicelib.web.tenants.actions import TenantPage, add_tenant_actions, tenant_context
from chalicelib.web.tenants.admin_tenants import TENANTS

pages = Pages(__name__)

TENANT = TENANTS + "/{id}"


@pages.page("GET", TENANT, audience=Audience.ADMIN)
def show_tenant(page: PageContext, **context: object) -> Response:
    tenant = lifecycle.read_tenant(page.path["reseller"], page.path["id"])
    reseller = accounts.read_reseller(tenant.reseller_id)
    history = history_of(tenant)
    return render(
        page,
        "admin/tenant.html",
        title=tenant.name,
        nav=MenuEntry.ADMIN_RESELLERS,
        tenant=tenant,
        reseller=reseller,
        events=_history_rows(history),
        reaches_back=history.is_complete,
        domains=registry.list_tenant_domains(tenant),
        login_url=login_address(reseller.slug, tenant.slug),
        free_slug=lifecycle.slug_to_restore(tenant) if tenant.deleted_at else None,
        branding=form_values(documents.tenant_view(reseller, tenant)),
        deactivated_hold_license=platform_settings.cached_settings().deactivated_tenants_hold_license,
        **tenant_context(tenant, TENANT.format(reseller=reseller.id, id=tenant.id)),
        **context,
    )


def _history_rows(history: History) -> list[View]:
    audited = [event for event in history.events if isinstance(event, AuditEntry)]
    names = names_in(audited)
    people = batch_reads.users_by_id(event.actor for event in history.events)

    def row(event: LedgerEntry | AuditEntry) -> View:
        by = people[event.actor].email if event.actor in people else event.actor
        common = {"at": event.at, "by": by, "reason": event.reason, "used_change": 0, "changes": []}
        if isinstance(event, AuditEntry):
            words = action_label(event.action.partition(".")[2])
            return common | {"words": words, "changes": changes_of(event, names)}
        words = action_label(event.kind.removeprefix("tenant_"))
        return common | {"words": words, "used_change": event.used_change}

    return [row(event) for event in history.events]


add_tenant_actions(
    pages,
    TenantPage(
        TENANT,
        MenuEntry.ADMIN_RESELLERS,
        Audience.ADMIN,
        lambda page: page.path["reseller"],
        "the reseller's",
        show_tenant,
    ),
)
