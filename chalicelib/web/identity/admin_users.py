"""The admin pages for users."""

import json
from datetime import timedelta

from chalice.app import Response

from chalicelib.api.users import NewUser, UserChanges
from chalicelib.errors import TenantryError
from chalicelib.services.core import batch_reads
from chalicelib.services.identity import sessions, users
from chalicelib.services.identity.passwords import FIRST_LINK_LIFETIME
from chalicelib.storage.reads import Pagination
from chalicelib.web.admin_shell.frame import render
from chalicelib.web.shell.menu import MenuEntry
from chalicelib.web.shell.routing import (
    NO_FIELDS,
    Audience,
    Form,
    FormFields,
    PageContext,
    Pages,
    RedirectTo,
)

pages = Pages(__name__)

USERS = "/admin/users"
USER = USERS + "/{id}"
SUGGESTED = 8
LINK_HOURS = FIRST_LINK_LIFETIME // timedelta(hours=1)
INVITED = "A link to choose a password is on its way."


CREATE = FormFields(NewUser, only=("email", "name", "is_super_admin"))
EDIT = FormFields(UserChanges, only=("name", "email", "is_active", "is_super_admin"))


@pages.page("GET", USERS, audience=Audience.ADMIN)
def list_users(page: PageContext, *, create_open: bool = False, **context: object) -> Response:
    q = page.search
    found = users.list_users(page.pagination(), email_prefix=q.lower())
    companies = batch_reads.resellers_by_id(user.reseller_id for user in found.rows)
    return render(
        page,
        "admin/users.html",
        title="Users",
        nav=MenuEntry.ADMIN_USERS,
        users=found.rows,
        companies=companies,
        q=q,
        pages=page.paging(found.next_cursor, q=q),
        create_open=create_open or bool(page.query("create")),
        create_form=CREATE,
        **context,
    )


@pages.form(USERS, audience=Audience.ADMIN, fields=CREATE)
def create_user(page: PageContext, form: Form[NewUser]) -> Response:
    try:
        new = form.read()
        return page.run_once(
            form,
            lambda once: users.create_user(
                email=new.email,
                name=new.name,
                password=None,
                is_super_admin=new.is_super_admin,
                by=page.by,
                once=once,
            ),
            lambda user: RedirectTo(f"{USERS}/{user.id}", f"{user.name} was created. {INVITED}"),
        )
    except TenantryError as error:
        return page.rerender_form(error, list_users, form, create_open=True)


@pages.page("GET", USERS + "/suggest", audience=Audience.ADMIN)
def suggest(page: PageContext) -> Response:
    """Suggest a new reseller's user, as JSON: active users without a reseller, by email prefix."""
    typed = page.search.lower()
    found = users.list_users(Pagination(SUGGESTED), email_prefix=typed).rows if typed else []
    free = [{"email": u.email, "name": u.name} for u in found if u.is_active and not u.reseller_id]
    return Response(json.dumps(free), {"Content-Type": "application/json"})


@pages.page("GET", USER, audience=Audience.ADMIN)
def show_user(page: PageContext, **context: object) -> Response:
    user = users.read_user(page.path["id"])
    company = batch_reads.resellers_by_id([user.reseller_id]).get(user.reseller_id or "")
    open_sessions = sessions.list_user_sessions(user)
    return render(
        page,
        "admin/user.html",
        title=user.name,
        nav=MenuEntry.ADMIN_USERS,
        user=user,
        edit_form=EDIT,
        link_hours=LINK_HOURS,
        reseller=company,
        session_count=len(open_sessions),
        last_seen_at=max((session.used_at for session in open_sessions), default=None),
        **context,
    )


@pages.form(USER, audience=Audience.ADMIN, fields=EDIT)
def edit_user(page: PageContext, form: Form[UserChanges]) -> Response:
    user_id = page.path["id"]
    try:
        changes = form.read().model_dump(exclude_unset=True)
        # Admins change their own email on the account page, which requires the password. On their
        # own page here, both checkboxes are disabled, so the browser doesn't send them.
        if user_id == page.caller.id:
            changes = {name: value for name, value in changes.items() if name == "name"}
        user = page.on_current(
            lambda: users.read_user(user_id),
            lambda user: users.edit_user(user, changes, by=page.by),
            version=form.get("version"),
        )
    except TenantryError as error:
        return page.rerender_form(error, show_user, form)
    return page.redirect(f"{USERS}/{user.id}", flash="Saved.")


@pages.page("POST", USER + "?action=password-link", audience=Audience.ADMIN)
def send_password_link(page: PageContext) -> Response:
    user = users.read_user(page.path["id"])
    return page.run_once(
        page.form(NO_FIELDS),
        lambda once: users.send_password_link(user, by=page.by, once=once),
        lambda user: RedirectTo(f"{USERS}/{user.id}", f"A link is on its way to {user.email}."),
    )


@pages.page("POST", USER + "?action=sign-out", audience=Audience.ADMIN)
def sign_out(page: PageContext) -> Response:
    user = page.on_current(
        lambda: users.read_user(page.path["id"]),
        lambda user: users.sign_out_everywhere(user, by=page.by),
    )
    return page.redirect(f"{USERS}/{user.id}", flash=f"{user.name} is signed out everywhere.")
