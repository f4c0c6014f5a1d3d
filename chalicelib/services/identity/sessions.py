"""Sessions: sign in, sign out, and list or end a user's open sessions."""

from dataclasses import dataclass
from datetime import datetime

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.domain.actors import Actor
from chalicelib.errors import NotFound, SignInRefused, Unauthenticated, VersionConflict
from chalicelib.observability import Metric, count, logger
from chalicelib.services.core import audit, hashing
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.identity import lockout
from chalicelib.services.identity.authenticate import (
    SESSION_LIFETIME,
    Caller,
    has_expired,
    is_restricted,
    is_revoked,
)
from chalicelib.storage.audit import AuditAction
from chalicelib.storage.claims import owner_of
from chalicelib.storage.credentials import Credential, Kind
from chalicelib.storage.reads import Page, Pagination, filter_page, get, query_page
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import new_id, reads_as
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User, email_claim

WRONG_CREDENTIALS = "The email address or the password is wrong."
UNKNOWN_USER_ID = "usr_nobody"  # read for an unknown email, so that timing reveals nothing
MAX_USER_AGENT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Device:
    """The client that someone signs in from."""

    source_ip: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session. `token` contains its secret and is returned only once."""

    token: str
    expires_at: datetime
    user: User


def sign_in(
    email: str,
    password: str,
    *,
    device: Device,
    replaces: str | None = None,
    once: IdempotentRequest = NO_KEY,
) -> SignedIn:
    """Open a new session, and end the session whose token is `replaces`, if there is one.

    An unknown email causes the same reads, lockout, and hashing as a known one. Raises
    Unauthenticated (with the same message for every cause), SignInRefused, or RateLimited.
    """
    attempt = lockout.begin_sign_in(email, device.source_ip)
    user = get(User, owner_of(email_claim(email)) or UNKNOWN_USER_ID)
    password_hash = user.password_hash if user else None
    matches = hashing.password_matches(password, password_hash)
    if user is None or password_hash is None or not matches or not user.is_active:
        _log_refusal(user, device)
        raise Unauthenticated(WRONG_CREDENTIALS)
    reseller = get(Reseller, user.reseller_id) if user.reseller_id else None
    if is_restricted(user, reseller):
        lockout.clear_after_success(attempt)
        raise SignInRefused
    signed_in = _create_session(user, password_hash, device, _find_session(replaces), once)
    lockout.clear_after_success(attempt)
    logger.info("Signed in", extra={"user_id": user.id})
    return signed_in


def _log_refusal(user: User | None, device: Device) -> None:
    """Log the refusal without the email, since people sometimes type their password there."""
    count(Metric.SIGN_IN_REFUSED)
    logger.warning(
        "Sign-in refused", extra={"user_id": user.id if user else None, "from": device.source_ip}
    )


def _find_session(token: str | None) -> Credential | None:
    """Return the session that has this token, even if it has expired."""
    session_id, _, secret = (token or "").partition(".")
    session = get(Credential, session_id) if session_id else None
    if session is None or not hashing.digest_matches(secret, session.secret_hash):
        return None
    return session


def _create_session(
    user: User,
    password_hash: str,
    device: Device,
    replaced: Credential | None,
    once: IdempotentRequest,
) -> SignedIn:
    """Create the session if the verified password is still current and the user is active."""
    tx = Transaction()
    session_id = new_id(Kind.SESSION)
    secret = once.secret_for(session_id)
    session = Credential(
        session_id,
        owner=user.id,
        reseller_id=user.reseller_id,
        secret_hash=hashing.hash_token(secret),
        expires_at=tx.now + SESSION_LIFETIME,
        used_at=tx.now,
        authenticated_at=tx.now,
        source_ip=device.source_ip,
        user_agent=(device.user_agent or "")[:MAX_USER_AGENT_LENGTH] or None,
    )
    signed_in = SignedIn(f"{session_id}.{secret}", session.expires_at, user)
    tx.put_commit_marker(session)
    if replaced is not None:
        anything = Credential.id.exists() | Credential.id.does_not_exist()
        tx.delete(Credential(replaced.id), condition=anything, otherwise=VersionConflict())
    tx.check(
        User,
        user.id,
        condition=(User.password_hash == password_hash) & reads_as(User.is_active, True),
        otherwise=Unauthenticated(WRONG_CREDENTIALS),
    )
    once.record(tx, signed_in)
    tx.commit()
    return signed_in


def sign_out(caller: Caller, *, once: IdempotentRequest = NO_KEY) -> None:
    """End the current session. Raises Unauthenticated if it has already ended."""
    tx = Transaction()
    ended = Unauthenticated("This session has ended.")
    tx.delete(caller.credential, condition=Credential.id.exists(), otherwise=ended)
    once.record(tx, None)
    tx.commit()
    logger.info("Signed out", extra={"user_id": caller.id})


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session as its user sees it, without the secret."""

    id: str
    created_at: datetime
    used_at: datetime
    expires_at: datetime | None
    source_ip: str | None
    user_agent: str | None
    is_current: bool


def list_sessions(caller: Caller, request: Pagination) -> Page[OpenSession]:
    """Return the caller's open sessions, oldest first."""
    return _open_sessions(caller.user, request, current=caller.credential.id)


def list_user_sessions(user: User) -> list[OpenSession]:
    """Return a user's open sessions among the latest 100, oldest first, for admins."""
    return _open_sessions(user, Pagination(100), newest_first=True).rows[::-1]


def _open_sessions(
    user: User, request: Pagination, current: str | None = None, *, newest_first: bool = False
) -> Page[OpenSession]:
    def read(request: Pagination) -> Page[Credential]:
        return query_page(
            Credential,
            user.id,
            request,
            index=Credential.by_owner,
            range_condition=Credential.id.startswith(f"{Kind.SESSION}_"),
            newest_first=newest_first,
        )

    def is_open(row: Credential) -> bool:  # expired and revoked sessions can still have a row
        return not has_expired(row) and not is_revoked(row, user)

    page = filter_page(read, request, is_open, exact=True)
    return Page([_session_view(row, current) for row in page.rows], page.next_cursor)


def _session_view(row: Credential, current: str | None) -> OpenSession:
    used_at = row.used_at or row.created_at
    return OpenSession(
        row.id,
        row.created_at,
        used_at,
        row.expires_at,
        row.source_ip,
        row.user_agent,
        row.id == current,
    )


def read_session(caller: Caller, session_id: str) -> Credential:
    """Return one of the caller's sessions. Raises NotFound."""
    session = get(Credential, session_id)
    if session is None or session.owner != caller.id or session.kind != Kind.SESSION:
        raise NotFound("session")
    return session


def revoke_session(caller: Caller, session: Credential, *, by: Actor) -> None:
    """End one of the caller's sessions.

    Raises VersionConflict if the session has been used or has ended since it was read.
    """
    tx = Transaction()
    tx.delete(session, condition=session.unchanged(), otherwise=VersionConflict())
    audit.record(
        tx,
        actor=by,
        action=AuditAction.SESSION_REVOKED,
        target=session.id,
        reseller_id=caller.user.reseller_id,
    )
    tx.commit()


def end_other_sessions(caller: Caller, *, by: Actor) -> None:
    """End all of the caller's sessions except the current one."""
    tx = Transaction()
    revoke_other_sessions(tx, caller, User.id.exists())
    audit.record(
        tx,
        actor=by,
        action=AuditAction.SESSIONS_ENDED,
        target=caller.id,
        reseller_id=caller.user.reseller_id,
    )
    tx.commit()


def revoke_other_sessions(
    tx: Transaction, caller: Caller, condition: Condition, *actions: Action
) -> None:
    """Invalidate the caller's other sessions in `tx`, and apply `actions` to the user.

    The current session counts as newly authenticated. At commit, raises VersionConflict if
    `condition` on the user's row fails, or Unauthenticated if the current session has ended.
    """
    tx.update(
        User(caller.id),
        [User.sessions_since.set(tx.now), *actions],
        condition=condition,
        otherwise=VersionConflict(),
    )
    tx.update(
        Credential(caller.credential.id),
        [Credential.authenticated_at.set(tx.now)],
        condition=Credential.id.exists(),
        otherwise=Unauthenticated("You were signed out."),
    )
