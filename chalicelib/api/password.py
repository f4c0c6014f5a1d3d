"""A user's own password: change it, or reset it with an emailed link."""

from pydantic import Field

from chalicelib.api.declarations import Audience
from chalicelib.api.routing import Routes
from chalicelib.domain.scopes import Scope
from chalicelib.http.fields import Email, Input, NewPassword, Password
from chalicelib.http.requests import Call
from chalicelib.services.identity import passwords

routes = Routes(__name__)


class PasswordChange(Input):
    current_password: Password
    new_password: NewPassword


class ResetRequest(Input):
    email: Email


class Reset(Input):
    token: Password = Field(description="The token from the emailed link.")
    new_password: NewPassword


@routes.post("/v1/password", Audience.SIGNED_IN, Scope.SESSION, sensitive=True)
def change_password(call: Call[PasswordChange]) -> None:
    """Change your password.

    Ends your other sessions.
    """
    passwords.change_password(
        call.caller,
        call.input.current_password,
        call.input.new_password,
        device=call.device,
        by=call.by,
        once=call.once,
    )


@routes.post("/v1/password/reset-request", Audience.PUBLIC, Scope.SESSION)
def request_reset(call: Call[ResetRequest]) -> None:
    """Request a password reset link.

    If the address belongs to a user, the link is emailed to it. The response is the same either
    way.
    """
    passwords.request_reset(call.input.email, device=call.device, once=call.once)


@routes.post("/v1/password/reset", Audience.PUBLIC, Scope.SESSION, sensitive=True)
def reset_password(call: Call[Reset]) -> None:
    """Reset a password with an emailed link.

    Each link works only once. All of the user's sessions end.
    """
    passwords.set_password_by_link(
        call.input.token, call.input.new_password, device=call.device, once=call.once
    )
