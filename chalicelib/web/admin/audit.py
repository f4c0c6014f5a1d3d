"""The audit trail: who changed what, from where."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from chalice.app import Response

from chalicelib.services import audit, lookup, purchase_search
from chalicelib.storage.audit import AuditEntry
from chalicelib.storage.platform_settings import PLATFORM
from chalicelib.storage.reads import Page, PageRequest, sift
from chalicelib.web.admin.frame import render, search_of
from chalicelib.web.routing import Audience, Pages, Visit

pages = Pages(__name__)

OFFERED_MONTHS = 24
LONGEST_VALUE = 160


@pages.page("GET", "/admin/audit", audience=Audience.ADMIN)
def list_audit(visit: Visit) -> Response:
    q, month = search_of(visit), visit.query("month")
    months = purchase_search.recent_months(OFFERED_MONTHS)
    month = month if month in months else months[0]
    found = _found(visit.page_request(), month, q.lower())
    return render(
        visit,
        "audit",
        title="Audit",
        place="audit",
        entries=_shown(found.rows),
        q=q,
        month=month,
        this_month=months[0],
        months=[(value, f"{date.fromisoformat(value + '-01'):%B %Y}") for value in months],
        pages=visit.pages(found.next_cursor, q=q, month=month),
    )


def _found(request: PageRequest, month: str, q: str) -> Page[AuditEntry]:
    """A month's entries; narrowed to those that name what is searched for, by id or by e-mail
    or in words."""

    def read(request: PageRequest) -> Page[AuditEntry]:
        return audit.list_month(month, request)

    if not q:
        return read(request)
    person = lookup.user_with_email(q)
    meant = {q, person.id.lower()} if person else {q}
    words = q.replace(" ", ".")

    def matches(entry: AuditEntry) -> bool:
        named = {str(id).lower() for id in (entry.actor, entry.target, entry.reseller_id)}
        if named & meant or words in entry.action or q in entry.action.replace("_", " "):
            return True
        told = json.dumps([entry.before, entry.after, entry.reason], ensure_ascii=False)
        return q in told.lower()

    return sift(read, request, matches)


def _shown(entries: Sequence[AuditEntry]) -> list[dict[str, Any]]:
    people = lookup.users([e.actor for e in entries] + [e.target for e in entries])
    companies = lookup.resellers([e.target for e in entries])
    tenants = lookup.tenants((e.reseller_id, e.target) for e in entries)

    def subject(entry: AuditEntry) -> dict[str, str | None]:
        target = entry.target
        if target in people:
            return {"label": people[target].email, "path": f"/admin/users/{target}"}
        if target in companies:
            label = companies[target].company_name
            return {"label": label, "path": f"/admin/resellers/{target}"}
        if target in tenants:
            path = f"/admin/resellers/{entry.reseller_id}/tenants"
            return {"label": tenants[target].name, "path": path}
        if target == PLATFORM:
            return {"label": "Platform settings", "path": "/admin/settings"}
        return {"label": target, "path": None}

    return [
        {
            "at": entry.at,
            "actor": people[entry.actor].email if entry.actor in people else entry.actor,
            "action": entry.action,
            "subject": subject(entry),
            "ip": entry.source_ip or "",
            "reason": entry.reason,
            "changes": _changes(entry),
        }
        for entry in entries
    ]


def _changes(entry: AuditEntry) -> list[dict[str, str | None]]:
    before, after = entry.before or {}, entry.after or {}
    return [
        {"field": name, "before": _words(before.get(name)), "after": _words(after.get(name))}
        for name in dict.fromkeys([*before, *after])
    ]


def _words(value: Any) -> str | None:
    """A column as text; a document as JSON, cut where it gets long."""
    if value is None or isinstance(value, str):
        text = value
    else:
        text = json.dumps(value, ensure_ascii=False)
    if text is not None and len(text) > LONGEST_VALUE:
        text = text[:LONGEST_VALUE] + "…"
    return text
