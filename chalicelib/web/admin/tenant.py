"""One tenant, as an admin sees it: how it stands, what happened to it, and what to do."""

from typing import Any

from chalice.app import Response

from chalicelib.domain.ledger import Kind
from chalicelib.services import branding, domains, lookup, platform, resellers, tenants
from chalicelib.services.tenant_history import History, history_of
from chalicelib.storage.audit import AuditEntry
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.web.admin.changes import changes_of, mentions
from chalicelib.web.admin.frame import render
from chalicelib.web.admin.names import Names
from chalicelib.web.admin.tenants import TENANTS
from chalicelib.web.admin.words import action
from chalicelib.web.brand_pages import filled
from chalicelib.web.looks import login_address
from chalicelib.web.routing import Audience, Pages, Visit
from chalicelib.web.tenant_deeds import TenantPage, add_tenant_deeds

pages = Pages(__name__)

TENANT = TENANTS + "/{id}"
MOVED = {
    Kind.TENANT_CREATED: "Created",
    Kind.TENANT_RESTORED: "Restored",
    Kind.TENANT_REACTIVATED: "Reactivated",
    Kind.TENANT_DEACTIVATED: "Deactivated",
    Kind.TENANT_DELETED: "Deleted",
}


@pages.page("GET", TENANT, audience=Audience.ADMIN)
def show_tenant(visit: Visit, **context: Any) -> Response:
    tenant = tenants.read_tenant(visit.path["reseller"], visit.path["id"])
    reseller = resellers.read_reseller(tenant.reseller_id)
    history = history_of(tenant)
    return render(
        visit,
        "tenant",
        title=tenant.name,
        place="resellers",
        tenant=tenant,
        reseller=reseller,
        events=_shown(history),
        reaches_back=history.reaches_back,
        domains=domains.domains_of_tenant(tenant),
        login_url=login_address(reseller.slug, tenant.slug),
        free_slug=tenants.slug_to_restore(tenant) if tenant.deleted_at else None,
        branding=filled(branding.tenant_view(reseller, tenant)),
        deactivated_hold_license=platform.current().deactivated_tenants_hold_license,
        **context,
    )


def _shown(history: History) -> list[dict[str, Any]]:
    changed = [event for event in history.events if isinstance(event, AuditEntry)]
    names = Names(mentions(changed))
    people = lookup.users(event.actor for event in history.events)

    def shown(event: LedgerEntry | AuditEntry) -> dict[str, Any]:
        by = people[event.actor].email if event.actor in people else event.actor
        told: dict[str, Any] = {"at": event.at, "by": by, "reason": event.reason}
        if isinstance(event, AuditEntry):
            words = action(event.action.partition(".")[2])
            return told | {"words": words, "changes": changes_of(event, names)}
        words = MOVED.get(Kind(event.kind), action(event.kind))
        return told | {"words": words, "used_change": event.used_change}

    return [shown(event) for event in history.events]


add_tenant_deeds(
    pages,
    TenantPage(
        TENANT,
        "admin/resellers",
        Audience.ADMIN,
        lambda visit: visit.path["reseller"],
        "the reseller's",
        show_tenant,
    ),
)
