"""The resellers: Total, Used and Available at a glance, and a new one."""

from collections.abc import Callable
from typing import Any

from chalice.app import Response

from chalicelib.api.fields import Email, Input, LicenseCount, Slug, Text
from chalicelib.errors import TenantryError
from chalicelib.services import lookup, resellers, users
from chalicelib.services.figures import is_low
from chalicelib.storage.reads import Page, PageRequest, sift
from chalicelib.storage.resellers import Reseller
from chalicelib.web.admin.frame import Shown, render
from chalicelib.web.routing import Audience, Onward, Pages, Visit

pages = Pages(__name__)

RESELLERS = "/admin/resellers"
OFFERED_USERS = 50


class NewResellerForm(Input):
    user_email: Email
    company_name: Text
    slug: Slug
    license_count: LicenseCount
    is_active: bool


STATUSES: dict[str, Callable[[Reseller], bool]] = {
    "active": lambda r: r.is_active,
    "inactive": lambda r: not r.is_active,
    "low": is_low,
    "over": lambda r: r.over_allocated,
}


@pages.page("GET", RESELLERS, audience=Audience.ADMIN)
def list_resellers(visit: Visit, *, create_open: bool = False, **context: Any) -> Response:
    q, status = visit.search, visit.query("status")
    found = _found(visit.page_request(), q, status)
    owners = lookup.users(reseller.user_id for reseller in found.rows)
    create_open = create_open or bool(visit.query("create"))
    if create_open and "form" not in context and visit.query("user_email"):
        context["form"] = {"user_email": visit.query("user_email"), "is_active": "true"}
    return render(
        visit,
        "resellers",
        title="Resellers",
        place="resellers",
        resellers=[Shown(r, user=owners.get(r.user_id)) for r in found.rows],
        q=q,
        status=status if status in STATUSES else "all",
        pages=visit.pages(found.next_cursor, q=q, status=status),
        create_open=create_open,
        user_options=_free_users() if create_open else [],
        **context,
    )


def _found(request: PageRequest, q: str, status: str) -> Page[Reseller]:
    """By the beginning of the name; the exact slug or e-mail leads to its one, too."""

    def read(request: PageRequest) -> Page[Reseller]:
        return resellers.list_resellers(request, search=q)

    found = sift(read, request, STATUSES[status]) if status in STATUSES else read(request)
    exact = lookup.reseller_with(q.lower()) if request.cursor is None else None
    if exact is None or exact.id in {r.id for r in found.rows}:
        return found
    return Page([exact, *found.rows], found.next_cursor)


def _free_users() -> list[Any]:
    """The first who could become a reseller, for the picker; a script finds the others."""
    first = users.list_users(PageRequest(OFFERED_USERS)).rows
    return [user for user in first if user.is_active and not user.reseller_id]


@pages.page("POST", RESELLERS, audience=Audience.ADMIN)
def create_reseller(visit: Visit) -> Response:
    form = visit.form()
    try:
        new = form.read(NewResellerForm, is_active=form.get("is_active") == "true")
        return visit.once(
            form,
            lambda once: resellers.create_reseller(
                user_id=None, by=visit.by, once=once, **new.model_dump()
            ),
            lambda made: Onward(f"{RESELLERS}/{made.id}", f"{made.company_name} was created."),
        )
    except TenantryError as error:
        called = {"user_id": "user_email"}
        return visit.refused(error, list_resellers, form, create_open=True, called=called)
