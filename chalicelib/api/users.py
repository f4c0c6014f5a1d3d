"""Users, for super admins."""

from typing import Annotated

from pydantic import StringConstraints

from chalicelib.api.fields import (
    Changes,
    Email,
    Input,
    ListQuery,
    NewPassword,
    Password,
    RowOutput,
    Text,
    Time,
)
from chalicelib.api.routing import Audience, Call, Empty, Routes, Scope
from chalicelib.services.identity import users
from chalicelib.storage.reads import Page
from chalicelib.storage.users import User

routes = Routes(__name__)


class UserOutput(RowOutput):
    """has_password: false until the mailed link was used. reseller_id: the reseller account
    linked to the user, if any. deactivated_at: the last time."""

    id: str
    email: str
    name: str
    is_super_admin: bool
    is_active: bool
    has_password: bool
    reseller_id: str | None
    deactivated_at: Time | None


class NewUser(Input):
    email: Email
    name: Text
    password: NewPassword | None = None
    is_super_admin: bool = False


class UserChanges(Changes):
    """current_password: to change one's own email or password."""

    email: Email = ""
    name: Text = ""
    password: NewPassword = ""
    is_super_admin: bool = False
    is_active: bool = True
    current_password: Password = ""


class UserQuery(ListQuery):
    """email: the beginning of the address."""

    email: Annotated[str, StringConstraints(max_length=254, to_lower=True)] = ""


@routes.api(
    "POST",
    "/v1/users",
    audience=Audience.ADMIN,
    scope=Scope.SESSION,
    input=NewUser,
    returns=UserOutput,
    created="/v1/users/{id}",
    sensitive=True,
)
def create_user(call: Call[NewUser]) -> User:
    """Create a user; without a password, a link to set one is mailed."""
    new = call.input
    return users.create_user(
        email=new.email,
        name=new.name,
        password=new.password,
        is_super_admin=new.is_super_admin,
        by=call.by,
        once=call.once,
    )


@routes.api(
    "GET",
    "/v1/users",
    audience=Audience.ADMIN,
    scope=Scope.ADMIN,
    input=UserQuery,
    returns=UserOutput,
    paged=True,
)
def list_users(call: Call[UserQuery]) -> Page[User]:
    """All users by email."""
    return users.list_users(call.input.page, email_prefix=call.input.email)


@routes.api(
    "GET",
    "/v1/users/{id}",
    audience=Audience.ADMIN,
    scope=Scope.ADMIN,
    input=Empty,
    returns=UserOutput,
)
def read_user(call: Call[Empty]) -> User:
    """One user."""
    return users.read_user(call.path["id"])


@routes.api(
    "PATCH",
    "/v1/users/{id}",
    audience=Audience.ADMIN,
    scope=Scope.SESSION,
    input=UserChanges,
    returns=UserOutput,
)
def edit_user(call: Call[UserChanges]) -> User:
    """Change the fields that are sent."""
    changes = call.changes()
    proof = changes.pop("current_password", "")
    return call.on_current(
        lambda: users.read_user(call.path["id"]),
        lambda user: users.edit_user_with_password(
            user, changes, current_password=proof, device=call.device, by=call.by
        ),
    )


@routes.api(
    "POST",
    "/v1/users/{id}/password-link",
    audience=Audience.ADMIN,
    scope=Scope.SESSION,
    input=Empty,
    returns=UserOutput,
)
def send_password_link(call: Call[Empty]) -> User:
    """Mail a fresh link to set a password."""
    user = users.read_user(call.path["id"])
    return users.send_password_link(user, by=call.by, once=call.once)


@routes.api(
    "POST",
    "/v1/users/{id}/sign-out",
    audience=Audience.ADMIN,
    scope=Scope.SESSION,
    input=Empty,
    returns=UserOutput,
)
def sign_out_user(call: Call[Empty]) -> User:
    """End all sessions of a user."""
    return call.on_current(
        lambda: users.read_user(call.path["id"]),
        lambda user: users.sign_out_everywhere(user, by=call.by, once=call.once),
    )
