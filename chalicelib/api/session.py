"""Signing in and out, and who one is."""

from chalicelib.api.fields import Email, Input, Output, Password, Time
from chalicelib.api.resellers import ResellerOutput
from chalicelib.api.routing import Audience, Call, Empty, Routes, Scope
from chalicelib.api.users import UserOutput
from chalicelib.services import access
from chalicelib.services.access import Caller, SignedIn

routes = Routes(__name__)


class Login(Input):
    email: Email
    password: Password


class LoginOutput(Output):
    """token: for the Authorization header, as `Bearer <token>`."""

    token: str
    expires_at: Time
    user: UserOutput


class Me(Output):
    user: UserOutput
    reseller: ResellerOutput | None


@routes.api(
    "POST",
    "/v1/login",
    audience=Audience.PUBLIC,
    scope=Scope.SESSION,
    input=Login,
    returns=LoginOutput,
    sensitive=True,
)
def login(call: Call[Login]) -> SignedIn:
    """Sign in with email and password."""
    return access.sign_in(call.input.email, call.input.password, once=call.once)


@routes.api(
    "POST",
    "/v1/logout",
    audience=Audience.SIGNED_IN,
    scope=Scope.SESSION,
    input=Empty,
    sensitive=True,
    ends_session=True,
)
def logout(call: Call[Empty]) -> None:
    """End this session."""
    access.sign_out(call.caller, once=call.once)


@routes.api("GET", "/v1/me", audience=Audience.SIGNED_IN, scope=Scope.READ, input=Empty, returns=Me)
def me(call: Call[Empty]) -> Caller:
    """The user who is calling, and the reseller account linked to it."""
    return call.caller
