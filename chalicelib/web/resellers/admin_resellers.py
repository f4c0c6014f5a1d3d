"""The admin page that lists resellers with license counts, and the form for a new reseller."""

from collections.abc import Callable

from chalice.app import Response

from chalicelib.api.resellers import NewReseller
from chalicelib.errors import TenantryError
from chalicelib.services.core import batch_reads
from chalicelib.services.identity import users
from chalicelib.services.reporting.dashboard_stats import is_low_on_licenses
from chalicelib.services.resellers import accounts
from chalicelib.storage.reads import Page, Pagination, filter_page
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.users import User
from chalicelib.web.admin_shell.frame import render
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.routing import (
    Audience,
    Form,
    FormFields,
    PageContext,
    Pages,
    RedirectTo,
)

pages = Pages(__name__)

RESELLERS = "/admin/resellers"
OFFERED_USERS = 50


CREATE = FormFields(
    NewReseller,
    only=("user_email", "company_name", "slug", "license_count", "is_active"),
    require=("user_email",),
)
ALL = "all"
# The filters of the list, with their words.
STATUSES: dict[str, tuple[str, Callable[[Reseller], bool]]] = {
    "active": ("Active", lambda r: r.is_active),
    "inactive": ("Inactive", lambda r: not r.is_active),
    "low": ("Low on licenses", is_low_on_licenses),
    "over": ("Over-allocated", lambda r: r.over_allocated),
}


@pages.page("GET", RESELLERS, audience=Audience.ADMIN)
def list_resellers(page: PageContext, *, create_open: bool = False, **context: object) -> Response:
    q, status = page.search, page.query("status")
    found = _search_resellers(page.pagination(), q, status)
    owners = batch_reads.users_by_id(reseller.user_id for reseller in found.rows)
    create_open = create_open or bool(page.query("create"))
    if create_open and "form" not in context and page.query("user_email"):
        context["form"] = {"user_email": page.query("user_email"), "is_active": "true"}
    return render(
        page,
        "admin/resellers.html",
        title="Resellers",
        nav=MenuEntry.ADMIN_RESELLERS,
        resellers=found.rows,
        owners=owners,
        q=q,
        status=status if status in STATUSES else ALL,
        statuses=[
            (ALL, "All resellers"),
            *((name, words) for name, (words, _) in STATUSES.items()),
        ],
        pages=page.paging(found.next_cursor, q=q, status=status),
        create_open=create_open,
        create_form=CREATE,
        user_options=_free_users() if create_open else [],
        **context,
    )


def _search_resellers(request: Pagination, q: str, status: str) -> Page[Reseller]:
    """Find resellers whose name starts with `q`, or whose slug or email is exactly `q`."""

    def read(request: Pagination) -> Page[Reseller]:
        return accounts.list_resellers(request, search=q)

    found = filter_page(read, request, STATUSES[status][1]) if status in STATUSES else read(request)
    exact = batch_reads.find_reseller(q.lower()) if request.cursor is None else None
    if exact is None or exact.id in {r.id for r in found.rows}:
        return found
    return Page([exact, *found.rows], found.next_cursor)


def _free_users() -> list[User]:
    """Return the first few users who can become resellers. A script suggests more of them."""
    first = users.list_users(Pagination(OFFERED_USERS)).rows
    return [user for user in first if user.is_active and not user.reseller_id]


@pages.form(RESELLERS, audience=Audience.ADMIN, fields=CREATE)
def create_reseller(page: PageContext, form: Form[NewReseller]) -> Response:
    try:
        new = form.read()
        return page.run_once(
            form,
            lambda once: accounts.create_reseller(by=page.by, once=once, **new.model_dump()),
            lambda reseller: RedirectTo(
                f"{RESELLERS}/{reseller.id}", f"{reseller.company_name} was created."
            ),
        )
    except TenantryError as error:
        names = {"user_id": "user_email"}
        return page.rerender_form(error, list_resellers, form, create_open=True, field_names=names)
