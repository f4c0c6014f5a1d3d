"""One's own password: changed by who knows it, set anew by a mailed link."""

from chalicelib.api.declarations import Audience, Scope
from chalicelib.api.fields import Email, Input, NewPassword, Password
from chalicelib.api.requests import Call
from chalicelib.api.routing import Routes
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


@routes.post("/v1/password", Audience.SIGNED_IN, Scope.SESSION, sensitive=True)
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


@routes.post("/v1/password/reset-request", Audience.PUBLIC, Scope.SESSION)
def request_reset(call: Call[ResetRequest]) -> None:
    """Mail a link that sets a new password, if the address is a user's; the answer is the
    same if it is not."""
    passwords.request_reset(call.input.email, device=call.device, once=call.once)


@routes.post("/v1/password/reset", Audience.PUBLIC, Scope.SESSION, sensitive=True)
def reset_password(call: Call[Reset]) -> None:
    """Set the password by a mailed link, once; every session ends."""
    passwords.set_password_by_link(
        call.input.token, call.input.new_password, device=call.device, once=call.once
    )
