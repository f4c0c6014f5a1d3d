"""Users, for super admins."""

from typing import Annotated

from pydantic import Field, StringConstraints

from chalicelib.api.declarations import Audience
from chalicelib.api.routing import Routes
from chalicelib.domain.names import MAX_EMAIL
from chalicelib.domain.scopes import Scope
from chalicelib.http.fields import (
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
from chalicelib.http.requests import Call, Empty
from chalicelib.services.identity import users
from chalicelib.storage.reads import Page
from chalicelib.storage.users import User

routes = Routes(__name__)

USERS = "/v1/users"
USER = USERS + "/{id}"


class UserOutput(RowOutput):
    id: str
    email: str
    name: str
    is_super_admin: bool
    is_active: bool
    has_password: bool = Field(description="False until the user has set a password.")
    reseller_id: str | None = Field(description="The reseller account linked to the user, if any.")
    deactivated_at: Time | None = Field(description="The last time the user was deactivated.")


class NewUser(Input):
    email: Email
    name: Text
    password: NewPassword | None = Field(
        None, description="If omitted, the user is emailed a link to set one."
    )
    is_super_admin: bool = False


class UserChanges(Changes):
    email: Email = ""
    name: Text = ""
    password: NewPassword = ""
    is_super_admin: bool = False
    is_active: bool = True
    current_password: Password = Field(
        "", description="Required to change your own email or password."
    )


class UserQuery(ListQuery):
    email: Annotated[str, StringConstraints(max_length=MAX_EMAIL, to_lower=True)] = Field(
        "", description="The beginning of the email address."
    )


@routes.post(USERS, Audience.ADMIN, Scope.SESSION, returns=UserOutput, created=USER, sensitive=True)
def create_user(call: Call[NewUser]) -> User:
    """Create a user."""
    new = call.input
    return users.create_user(
        email=new.email,
        name=new.name,
        password=new.password,
        is_super_admin=new.is_super_admin,
        by=call.by,
        once=call.once,
    )


@routes.get(USERS, Audience.ADMIN, Scope.ADMIN, returns=UserOutput)
def list_users(call: Call[UserQuery]) -> Page[User]:
    """List users, ordered by email address."""
    return users.list_users(call.input.page, email_prefix=call.input.email)


@routes.get(USER, Audience.ADMIN, Scope.ADMIN, returns=UserOutput)
def read_user(call: Call[Empty]) -> User:
    """Get a user."""
    return users.read_user(call.path["id"])


@routes.patch(USER, Audience.ADMIN, Scope.SESSION, returns=UserOutput)
def edit_user(call: Call[UserChanges]) -> User:
    """Update a user.

    Omitted fields keep their values. Deactivating a user ends their sessions and API keys. Setting
    a new password ends their sessions.
    """
    changes = call.changes()
    current_password = changes.pop("current_password", "")
    return call.on_current(
        lambda: users.read_user(call.path["id"]),
        lambda user: users.edit_user_with_password(
            user, changes, current_password=current_password, device=call.device, by=call.by
        ),
    )


@routes.post(USER + "/password-link", Audience.ADMIN, Scope.SESSION, returns=UserOutput)
def send_password_link(call: Call[Empty]) -> User:
    """Email the user a new link to set a password."""
    user = users.read_user(call.path["id"])
    return users.send_password_link(user, by=call.by, once=call.once)


@routes.post(USER + "/sign-out", Audience.ADMIN, Scope.SESSION, returns=UserOutput)
def sign_out_user(call: Call[Empty]) -> User:
    """End all of a user's sessions.

    API keys stay valid.
    """
    return call.on_current(
        lambda: users.read_user(call.path["id"]),
        lambda user: users.sign_out_everywhere(user, by=call.by, once=call.once),
    )
