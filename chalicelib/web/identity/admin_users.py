"""The users: everyone who can sign in."""

import json
from typing import Any

from chalice.app import Response

from chalicelib.api.fields import Email, Input, Text
from chalicelib.api.users import NewUser
from chalicelib.errors import TenantryError
from chalicelib.services.core import batch_reads
from chalicelib.services.identity import sessions, users
from chalicelib.storage.reads import Pagination
from chalicelib.web.admin_shell.frame import RowView, render
from chalicelib.web.shell.routing import Audience, PageContext, Pages, RedirectTo

pages = Pages(__name__)

USERS = "/admin/users"
USER = USERS + "/{id}"
SUGGESTED = 8
INVITED = "A link to choose a password is on its way."


class UserForm(Input):
    email: Email
    name: Text


@pages.page("GET", USERS, audience=Audience.ADMIN)
def list_users(visit: PageContext, *, create_open: bool = False, **context: Any) -> Response:
    q = visit.search
    found = users.list_users(visit.page_request(), email_prefix=q.lower())
    companies = batch_reads.resellers_by_id(user.reseller_id for user in found.rows)
    return render(
        visit,
        "users",
        title="Users",
        place="users",
        users=[RowView(u, reseller=companies.get(u.reseller_id or "")) for u in found.rows],
        q=q,
        pages=visit.pages(found.next_cursor, q=q),
        create_open=create_open or bool(visit.query("create")),
        **context,
    )


@pages.page("POST", USERS, audience=Audience.ADMIN)
def create_user(visit: PageContext) -> Response:
    form = visit.form()
    try:
        new = form.read(NewUser, is_super_admin=form.get("is_super_admin") == "true")
        return visit.once(
            form,
            lambda once: users.create_user(
                email=new.email,
                name=new.name,
                password=None,
                is_super_admin=new.is_super_admin,
                by=visit.by,
                once=once,
            ),
            lambda user: RedirectTo(f"{USERS}/{user.id}", f"{user.name} was created. {INVITED}"),
        )
    except TenantryError as error:
        return visit.refused(error, list_users, form, create_open=True)


@pages.page("GET", USERS + "/suggest", audience=Audience.ADMIN)
def suggest(visit: PageContext) -> Response:
    """For the picker of a new reseller's user: those whose e-mail begins so."""
    typed = visit.search.lower()
    found = users.list_users(Pagination(SUGGESTED), email_prefix=typed).rows if typed else []
    free = [{"email": u.email, "name": u.name} for u in found if u.is_active and not u.reseller_id]
    return Response(json.dumps(free), {"Content-Type": "application/json"})


@pages.page("GET", USER, audience=Audience.ADMIN)
def show_user(visit: PageContext, **context: Any) -> Response:
    user = users.read_user(visit.path["id"])
    company = batch_reads.resellers_by_id([user.reseller_id]).get(user.reseller_id or "")
    open_ones = sessions.sessions_of(user)
    return render(
        visit,
        "user",
        title=user.name,
        place="users",
        user=RowView(
            user,
            reseller=company,
            session_count=len(open_ones),
            last_seen_at=max((session.used_at for session in open_ones), default=None),
        ),
        **context,
    )


@pages.page("POST", USER, audience=Audience.ADMIN)
def edit_user(visit: PageContext) -> Response:
    form = visit.form()
    user_id = visit.path["id"]
    try:
        changes: dict[str, Any] = form.read(UserForm).model_dump()
        # One's own address takes the password, which the page of one's account asks for; one's
        # own two switches are locked, and a locked one sends nothing.
        if user_id == visit.caller.id:
            del changes["email"]
        else:
            changes["is_active"] = form.get("is_active") == "true"
            changes["is_super_admin"] = form.get("is_super_admin") == "true"
        user = visit.on_current(
            lambda: users.read_user(user_id),
            lambda user: users.edit_user(user, changes, by=visit.by),
            version=form.get("version"),
        )
    except TenantryError as error:
        return visit.refused(error, show_user, form)
    return visit.redirect(f"{USERS}/{user.id}", flash="Saved.")


@pages.page("POST", USER + "/password-link", audience=Audience.ADMIN)
def send_password_link(visit: PageContext) -> Response:
    user = users.read_user(visit.path["id"])
    return visit.once(
        visit.form(),
        lambda once: users.send_password_link(user, by=visit.by, once=once),
        lambda user: RedirectTo(f"{USERS}/{user.id}", f"A link is on its way to {user.email}."),
    )


@pages.page("POST", USER + "/sign-out", audience=Audience.ADMIN)
def sign_out(visit: PageContext) -> Response:
    user = visit.on_current(
        lambda: users.read_user(visit.path["id"]),
        lambda user: users.sign_out_everywhere(user, by=visit.by),
    )
    return visit.redirect(f"{USERS}/{user.id}", flash=f"{user.name} is signed out everywhere.")
