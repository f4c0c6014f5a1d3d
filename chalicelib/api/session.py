"""Signing in and out, who one is, and one's open sessions."""

from chalicelib.api.declarations import Audience, Scope
from chalicelib.api.fields import Email, Input, ListQuery, Output, Password, Time
from chalicelib.api.requests import Call, Empty
from chalicelib.api.resellers import ResellerOutput
from chalicelib.api.routing import Routes
from chalicelib.api.users import UserOutput
from chalicelib.services.identity import sessions
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.sessions import OpenSession, SignedIn
from chalicelib.storage.reads import Page

routes = Routes(__name__)


class Login(Input):
    email: Email
    password: Password


class LoginOutput(Output):
    """token: for the Authorization header, as `Bearer <token>`. It is good until expires_at,
    or an hour after its last use."""

    token: str
    expires_at: Time
    user: UserOutput


class Me(Output):
    user: UserOutput
    reseller: ResellerOutput | None


class SessionOutput(Output):
    """is_current: the one that is calling. used_at: to five minutes."""

    id: str
    created_at: Time
    used_at: Time
    expires_at: Time
    source_ip: str | None
    user_agent: str | None
    is_current: bool


@routes.post("/v1/login", Audience.PUBLIC, Scope.SESSION, returns=LoginOutput, sensitive=True)
def login(call: Call[Login]) -> SignedIn:
    """Sign in with email and password."""
    return sessions.sign_in(
        call.input.email, call.input.password, device=call.device, once=call.once
    )


@routes.post("/v1/logout", Audience.SIGNED_IN, Scope.SESSION, sensitive=True, ends_session=True)
def logout(call: Call[Empty]) -> None:
    """End this session."""
    sessions.sign_out(call.caller, once=call.once)


@routes.get("/v1/me", Audience.SIGNED_IN, Scope.READ, returns=Me)
def me(call: Call[Empty]) -> Caller:
    """The user who is calling, and the reseller account linked to it."""
    return call.caller


@routes.get("/v1/sessions", Audience.SIGNED_IN, Scope.SESSION, returns=SessionOutput)
def list_sessions(call: Call[ListQuery]) -> Page[OpenSession]:
    """Where one is signed in."""
    return sessions.list_sessions(call.caller, call.input.page)


@routes.delete("/v1/sessions/{id}", Audience.SIGNED_IN, Scope.SESSION)
def revoke_session(call: Call[Empty]) -> None:
    """End one of one's own sessions."""
    call.on_current(
        lambda: sessions.read_session(call.caller, call.path["id"]),
        lambda session: sessions.revoke_session(call.caller, session, by=call.by),
    )
