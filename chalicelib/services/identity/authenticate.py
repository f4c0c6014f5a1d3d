"""Who is calling: turning a session's token or an API key into a caller.

The rows of the user and of the reseller are read each time, so that what is deactivated
stops at once, whatever credentials still exist.
"""

from dataclasses import dataclass
from datetime import timedelta

from chalicelib import clock
from chalicelib.errors import Busy, Unauthenticated
from chalicelib.observability import logger
from chalicelib.services.core import hashing
from chalicelib.services.core.audit import Actor
from chalicelib.services.settings import platform_settings
from chalicelib.storage.credentials import Credential, Kind
from chalicelib.storage.reads import get, get_one_of_each
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User

# A session ends this long after its last use, and after this long in any case.
SESSION_IDLE = timedelta(hours=1)
SESSION_LIFETIME = timedelta(hours=12)
# Use is written down at most this often; a session idles by this much less, therefore.
USE_RECORDED_EVERY = timedelta(minutes=5)

LONGEST_TOKEN = 200


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated user, with the reseller account linked to it, if any."""

    user: User
    reseller: Reseller | None
    credential: Credential

    @property
    def is_admin(self) -> bool:
        """A reseller's key reaches that reseller alone, unless it was scoped for more."""
        bound = self.credential.kind is Kind.RESELLER_KEY and "admin" not in self.scopes
        return bool(self.user.is_super_admin) and not bound

    @property
    def id(self) -> str:
        return self.user.id

    @property
    def scopes(self) -> frozenset[str]:
        """What an API key was scoped for; of a session, nothing: it needs no scope."""
        return frozenset(self.credential.scopes or ())

    def may(self, scope: str) -> bool:
        """Whether the credential is good for a route of this scope."""
        return not self.credential.is_key or scope in self.scopes

    def actor(self, source_ip: str | None) -> Actor:
        key = self.credential.id if self.credential.is_key else None
        return Actor(self.user.id, source_ip=source_ip, credential_id=key)


def authenticate(token: str, *, keys: bool = False) -> Caller:
    """The caller behind a session's token or, with `keys`, an API key; in two round trips.

    Raises Unauthenticated, with one message for every cause.
    """
    refused = Unauthenticated("The token is not valid, or no longer.")
    credential_id, _, secret = token.partition(".")
    kinds = {Kind.SESSION, Kind.RESELLER_KEY, Kind.ADMIN_KEY} if keys else {Kind.SESSION}
    if credential_id.partition("_")[0] not in kinds or not secret:
        raise refused
    if len(token) > LONGEST_TOKEN or not token.isascii():
        raise refused
    credential = get(Credential, credential_id)
    if credential is None or not hashing.digest_matches(secret, credential.secret_hash):
        raise refused
    if has_expired(credential):
        raise refused
    user, reseller = _read_owner(credential)
    if user is None or not user.is_active or is_revoked(credential, user):
        raise refused
    if is_restricted(user, reseller):
        raise refused
    _record_use(credential, refused)
    return Caller(user, reseller, credential)


def has_expired(credential: Credential) -> bool:
    """TTL rows linger for days, and idling has no row of its own: asked at every use."""
    now = clock.now()
    if credential.expires_at is not None and credential.expires_at <= now:
        return True
    idle_since = credential.used_at or credential.created_at
    return credential.kind is Kind.SESSION and idle_since + SESSION_IDLE <= now


def is_revoked(credential: Credential, user: User) -> bool:
    """What was issued before the user was deactivated; a session from before all were ended;
    a reseller's key whose account was given to another user; a former admin's key."""
    if user.deactivated_at is not None and credential.created_at <= user.deactivated_at:
        return True
    if credential.kind is Kind.RESELLER_KEY:
        return bool(user.reseller_id != credential.reseller_id)
    if credential.kind is Kind.ADMIN_KEY:
        return not user.is_super_admin
    if credential.kind is not Kind.SESSION or user.sessions_since is None:
        return False
    proven_at = credential.authenticated_at or credential.created_at
    return bool(proven_at < user.sessions_since)


def _read_owner(credential: Credential) -> tuple[User | None, Reseller | None]:
    wanted: list[tuple[type[User] | type[Reseller], str]] = [(User, credential.owner)]
    if credential.reseller_id:
        wanted.append((Reseller, credential.reseller_id))
    found = get_one_of_each(*wanted)
    user = found[0] if isinstance(found[0], User) else None
    if user is None or user.reseller_id is None:
        return user, None
    if user.reseller_id == credential.reseller_id:
        return user, found[1] if isinstance(found[1], Reseller) else None
    return user, get(Reseller, user.reseller_id)  # linked since the session began


def is_restricted(user: User, reseller: Reseller | None) -> bool:
    """An inactive reseller cannot sign in, where the platform restricts it. Admins always can."""
    return (
        reseller is not None
        and not reseller.is_active
        and not user.is_super_admin
        and platform_settings.cached_settings().restrict_inactive_resellers
    )


def _record_use(credential: Credential, refused: Unauthenticated) -> None:
    """Now and then, and only on a credential that is still there: it may have been revoked
    since it was read."""
    now = clock.now()
    if credential.used_at is not None and now - credential.used_at < USE_RECORDED_EVERY:
        return
    tx = Transaction()
    tx.update(
        Credential(credential.id),
        [Credential.used_at.set(now)],
        condition=Credential.id.exists(),
        otherwise=refused,
    )
    try:
        tx.commit()
    except Busy:
        logger.warning("A credential's use was not recorded", extra={"id": credential.id})
