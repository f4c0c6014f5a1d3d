"""Signing in and out, the current user, and a user's own sessions."""

from pydantic import Field

from chalicelib.api.declarations import Audience
from chalicelib.api.resellers import ResellerOutput
from chalicelib.api.routing import Routes
from chalicelib.api.users import UserOutput
from chalicelib.domain.scopes import Scope
from chalicelib.http.fields import Email, Input, ListQuery, Output, Password, Time
from chalicelib.http.requests import Call, Empty
from chalicelib.services.identity import sessions
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.sessions import OpenSession, SignedIn
from chalicelib.storage.reads import Page

routes = Routes(__name__)


class Login(Input):
    email: Email
    password: Password


class LoginOutput(Output):
    token: str = Field(description="Send this token as `Authorization: Bearer <token>`.")
    expires_at: Time = Field(
        description="When the session ends at the latest. It ends earlier if unused for an hour."
    )
    user: UserOutput


class Me(Output):
    user: UserOutput
    reseller: ResellerOutput | None = Field(description="The user's reseller account, if any.")


class SessionOutput(Output):
    id: str
    created_at: Time
    used_at: Time = Field(description="When the session was last used, accurate to five minutes.")
    expires_at: Time
    source_ip: str | None
    user_agent: str | None
    is_current: bool = Field(description="Whether this is the session that sent the request.")


@routes.post("/v1/login", Audience.PUBLIC, Scope.SESSION, returns=LoginOutput, sensitive=True)
def login(call: Call[Login]) -> SignedIn:
    """Sign in."""
    return sessions.sign_in(
        call.input.email, call.input.password, device=call.device, once=call.once
    )


@routes.post("/v1/logout", Audience.SIGNED_IN, Scope.SESSION, sensitive=True, ends_session=True)
def logout(call: Call[Empty]) -> None:
    """Sign out.

    Ends the session that sent the request.
    """
    sessions.sign_out(call.caller, once=call.once)


@routes.get("/v1/me", Audience.SIGNED_IN, Scope.READ, returns=Me)
def me(call: Call[Empty]) -> Caller:
    """Get the current user and their reseller account."""
    return call.caller


@routes.get("/v1/sessions", Audience.SIGNED_IN, Scope.SESSION, returns=SessionOutput)
def list_sessions(call: Call[ListQuery]) -> Page[OpenSession]:
    """List your open sessions, oldest first."""
    return sessions.list_sessions(call.caller, call.input.page)


@routes.delete("/v1/sessions/{id}", Audience.SIGNED_IN, Scope.SESSION)
def revoke_session(call: Call[Empty]) -> None:
    """End one of your sessions."""
    call.on_current(
        lambda: sessions.read_session(call.caller, call.path["id"]),
        lambda session: sessions.revoke_session(call.caller, session, by=call.by),
    )
