"""Who is calling: sign in, sign out, and turning a bearer token into a caller."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib import clock
from chalicelib.errors import SignInRefused, Unauthenticated
from chalicelib.services import platform, secrets
from chalicelib.services.audit import Actor
from chalicelib.services.idempotency import UNKEYED, Once
from chalicelib.storage.claims import owner_of
from chalicelib.storage.credentials import Credential
from chalicelib.storage.reads import get, get_together
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import new_id
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User, email_claim

SESSION_LIFETIME = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated user, with the reseller account linked to it, if any."""

    user: User
    reseller: Reseller | None
    credential: Credential

    @property
    def is_admin(self) -> bool:
        return self.user.is_super_admin

    @property
    def id(self) -> str:
        return self.user.id

    def actor(self, source_ip: str | None) -> Actor:
        return Actor(self.user.id, source_ip=source_ip)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """token: the session's secret, which is never shown again."""

    token: str
    expires_at: datetime
    user: User


def sign_in(email: str, password: str, *, once: Once = UNKEYED) -> SignedIn:
    """Open a session. Raises Unauthenticated (one message for every cause), SignInRefused."""
    user_id = owner_of(email_claim(email))
    user = get(User, user_id) if user_id else None
    right = secrets.password_matches(password, user.password_hash if user else None)
    if user is None or not right or not user.is_active:
        raise Unauthenticated("The email address or the password is wrong.")
    reseller = get(Reseller, user.reseller_id) if user.reseller_id else None
    if _is_restricted(user, reseller):
        raise SignInRefused
    return _open_session(user, once)


def _open_session(user: User, once: Once) -> SignedIn:
    session_id = new_id("ses")
    secret = once.secret_for(session_id)
    session = Credential(
        session_id,
        owner=user.id,
        reseller_id=user.reseller_id,
        secret_hash=secrets.fingerprint(secret),
        expires_at=clock.now() + SESSION_LIFETIME,
    )
    signed_in = SignedIn(f"{session_id}.{secret}", session.expires_at, user)
    tx = Transaction()
    tx.witness(session)
    once.record(tx, signed_in)
    tx.commit()
    return signed_in


def sign_out(caller: Caller, *, once: Once = UNKEYED) -> None:
    """End the session that is calling. Raises Unauthenticated: it has ended meanwhile."""
    tx = Transaction()
    ended = Unauthenticated("This session has ended.")
    tx.delete(caller.credential, condition=Credential.id.exists(), otherwise=ended)
    once.record(tx, None)
    tx.commit()


def authenticate(token: str) -> Caller:
    """The caller behind a bearer token. Two round trips. Raises Unauthenticated."""
    refused = Unauthenticated("The token is not valid, or no longer.")
    credential_id, _, secret = token.partition(".")
    if not credential_id.startswith("ses_") or not secret:
        raise refused
    if len(token) > 200 or not token.isascii():
        raise refused
    credential = get(Credential, credential_id)
    if credential is None or not secrets.matches(secret, credential.secret_hash):
        raise refused
    if credential.expires_at <= clock.now():
        raise refused
    user, reseller = _read_owner(credential)
    if user is None or not user.is_active or _is_restricted(user, reseller):
        raise refused
    return Caller(user, reseller, credential)


def _read_owner(credential: Credential) -> tuple[User | None, Reseller | None]:
    wanted: list[tuple[type[User] | type[Reseller], str]] = [(User, credential.owner)]
    if credential.reseller_id:
        wanted.append((Reseller, credential.reseller_id))
    found = get_together(*wanted)
    user = found[0] if isinstance(found[0], User) else None
    if user is None or user.reseller_id is None:
        return user, None
    if user.reseller_id == credential.reseller_id:
        return user, found[1] if isinstance(found[1], Reseller) else None
    return user, get(Reseller, user.reseller_id)  # linked since the session began


def _is_restricted(user: User, reseller: Reseller | None) -> bool:
    """The guide: an inactive reseller cannot log in (if restricted). Admins always can."""
    return (
        reseller is not None
        and not reseller.is_active
        and not user.is_super_admin
        and platform.current().restrict_inactive_resellers
    )
