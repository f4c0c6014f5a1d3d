"""One's own password: changed by who knows it, set anew by a mailed link."""

from chalicelib.api.fields import Email, Input, NewPassword, Password
from chalicelib.api.routing import Audience, Call, Routes, Scope
from chalicelib.services.identity import passwords

routes = Routes(__name__)


class PasswordChange(Input):
    current_password: Password
    new_password: NewPassword


class ResetRequest(Input):
    email: Email


class Reset(Input):
    """token: of the mailed link."""

    token: Password
    new_password: NewPassword


@routes.api(
    "POST",
    "/v1/password",
    audience=Audience.SIGNED_IN,
    scope=Scope.SESSION,
    input=PasswordChange,
    sensitive=True,
)
def change_password(call: Call[PasswordChange]) -> None:
    """Change one's own password; every other session ends."""
    passwords.change_password(
        call.caller,
        call.input.current_password,
        call.input.new_password,
        device=call.device,
        by=call.by,
        once=call.once,
    )


@routes.api(
    "POST",
    "/v1/password/reset-request",
    audience=Audience.PUBLIC,
    scope=Scope.SESSION,
    input=ResetRequest,
)
def request_reset(call: Call[ResetRequest]) -> None:
    """Mail a link that sets a new password, if the address is a user's; the answer is the
    same if it is not."""
    passwords.request_reset(call.input.email, device=call.device, once=call.once)


@routes.api(
    "POST",
    "/v1/password/reset",
    audience=Audience.PUBLIC,
    scope=Scope.SESSION,
    input=Reset,
    sensitive=True,
)
def reset_password(call: Call[Reset]) -> None:
    """Set the password by a mailed link, once; every session ends."""
    passwords.set_password_by_link(
        call.input.token, call.input.new_password, device=call.device, once=call.once
    )
