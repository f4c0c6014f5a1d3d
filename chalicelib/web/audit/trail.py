"""The audit trail page: who changed what, when, and from which IP address."""

import json
from collections.abc import Sequence

from chalice.app import Response

from chalicelib.services.core import audit, batch_reads
from chalicelib.storage.audit import AuditEntry
from chalicelib.storage.platform_settings import PLATFORM
from chalicelib.storage.reads import Page, Pagination, filter_page
from chalicelib.web.admin_shell.frame import offered_months, render
from chalicelib.web.admin_shell.words import action_label
from chalicelib.web.audit.changes import changes_of, names_in
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.rendering import View
from chalicelib.web.shell.routing import Audience, PageContext, Pages

pages = Pages(__name__)

PURCHASE_ID = "pur_"


@pages.page("GET", "/admin/audit", audience=Audience.ADMIN)
def list_audit(page: PageContext) -> Response:
    q, month = page.search, page.query("month")
    months = offered_months()
    this_month = next(iter(months))
    month = month if month in months else this_month
    found = _search_entries(page.pagination(), month, q.lower())
    return render(
        page,
        "admin/audit.html",
        title="Audit",
        nav=MenuEntry.ADMIN_AUDIT,
        entries=_entry_views(found.rows),
        q=q,
        month=month,
        this_month=this_month,
        months=list(months.items()),
        pages=page.paging(found.next_cursor, q=q, month=month),
    )


def _search_entries(request: Pagination, month: str, q: str) -> Page[AuditEntry]:
    """Return a month's entries, optionally only those that match `q` (in lowercase).

    `q` matches an ID, a user's email, an action, or text in an entry's changes or reason.
    """

    def read(request: Pagination) -> Page[AuditEntry]:
        return audit.list_month(month, request)

    if not q:
        return read(request)
    person = batch_reads.user_with_email(q)
    wanted_ids = {q, person.id.lower()} if person else {q}
    dotted = q.replace(" ", ".")

    def matches(entry: AuditEntry) -> bool:
        ids = {str(id).lower() for id in (entry.actor, entry.target, entry.reseller_id)}
        if ids & wanted_ids or dotted in entry.action or q in entry.action.replace("_", " "):
            return True
        details = json.dumps([entry.before, entry.after, entry.reason], ensure_ascii=False)
        return q in details.lower()

    return filter_page(read, request, matches)


def _entry_views(entries: Sequence[AuditEntry]) -> list[View]:
    names = names_in(entries)

    def subject(entry: AuditEntry) -> dict[str, str | None]:
        if entry.target == PLATFORM:
            return {"label": "Platform settings", "path": "/admin/settings"}
        path = names.path(entry.target)
        if entry.target.startswith(PURCHASE_ID):
            path = f"/admin/purchases/{entry.target}"
        own_name = (entry.after or entry.before or {}).get("name")
        return {"label": names.of(entry.target) or own_name or entry.target, "path": path}

    return [
        {
            "at": entry.at,
            "actor": names.of(entry.actor) or entry.actor,
            "action": action_label(entry.action),
            "subject": subject(entry),
            "ip": entry.source_ip or "",
            "reason": entry.reason,
            "changes": changes_of(entry, names),
        }
        for entry in entries
    ]
