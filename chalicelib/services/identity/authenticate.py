"""Authentication: resolve a session token or an API key to a caller.

Every request reads the user's and the reseller's rows, so a deactivation takes effect immediately,
even while credentials still exist.
"""

from dataclasses import dataclass
from datetime import timedelta

from chalicelib import clock
from chalicelib.domain.actors import Actor
from chalicelib.domain.scopes import Scope
from chalicelib.errors import Busy, Unauthenticated
from chalicelib.observability import logger
from chalicelib.services.core import hashing
from chalicelib.services.settings import platform_settings
from chalicelib.storage.credentials import Credential, Kind
from chalicelib.storage.reads import get, get_one_of_each
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User

# A session ends SESSION_IDLE after its last use, and at most SESSION_LIFETIME after sign-in.
SESSION_IDLE = timedelta(hours=1)
SESSION_LIFETIME = timedelta(hours=12)
# The last use is recorded at most this often, so a session can end up to this much early.
USE_RECORDED_EVERY = timedelta(minutes=5)

MAX_TOKEN_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated user, with the linked reseller account, if any."""

    user: User
    reseller: Reseller | None
    credential: Credential

    @property
    def is_admin(self) -> bool:
        """Whether the caller acts as a super admin. A reseller's key also needs scope `admin`."""
        bound = self.credential.kind == Kind.RESELLER_KEY and Scope.ADMIN not in self.scopes
        return bool(self.user.is_super_admin) and not bound

    @property
    def id(self) -> str:
        return self.user.id

    @property
    def scopes(self) -> frozenset[str]:
        """The API key's scopes. Empty for a session, which doesn't need any."""
        return frozenset(self.credential.scopes or ())

    def may(self, scope: str) -> bool:
        """Return whether the credential gives access to routes that require this scope."""
        return not self.credential.is_key or scope in self.scopes

    def actor(self, source_ip: str | None) -> Actor:
        key = self.credential.id if self.credential.is_key else None
        return Actor(self.user.id, source_ip=source_ip, credential_id=key)


def authenticate(token: str, *, accept_keys: bool = False) -> Caller:
    """Resolve a session token or, with `accept_keys`, an API key. Takes two round trips.

    Raises Unauthenticated, with the same message for every cause.
    """
    refused = Unauthenticated("The token is invalid, expired, or revoked.")
    credential_id, _, secret = token.partition(".")
    kinds = {Kind.SESSION, Kind.RESELLER_KEY, Kind.ADMIN_KEY} if accept_keys else {Kind.SESSION}
    if credential_id.partition("_")[0] not in kinds or not secret:
        raise refused
    if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
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
    """Return whether the credential has expired or, if it is a session, was idle for too long.

    Checked on every use: TTL deletes rows days late and knows nothing about idle sessions.
    """
    now = clock.now()
    if credential.expires_at is not None and credential.expires_at <= now:
        return True
    idle_since = credential.used_at or credential.created_at
    return credential.kind == Kind.SESSION and idle_since + SESSION_IDLE <= now


def is_void(credential: Credential, user: User) -> bool:
    """Return whether a change to the user has invalidated the credential forever.

    This is true for a credential issued before a deactivation, and for an admin key issued before
    its owner lost the super admin role.
    """
    voided_at = [user.deactivated_at]
    if credential.kind == Kind.ADMIN_KEY:
        voided_at.append(user.demoted_at)
    return any(at is not None and credential.created_at <= at for at in voided_at)


def is_revoked(credential: Credential, user: User) -> bool:
    """Return whether a change to the user has invalidated the credential.

    Besides the reasons for `is_void`, this is true for a session authenticated before the user's
    sessions were ended, a reseller's key whose account has moved to another user, and an admin key
    whose owner is not a super admin.
    """
    if is_void(credential, user):
        return True
    if credential.kind == Kind.RESELLER_KEY:
        return bool(user.reseller_id != credential.reseller_id)
    if credential.kind == Kind.ADMIN_KEY:
        return not user.is_super_admin
    if credential.kind != Kind.SESSION or user.sessions_since is None:
        return False
    authenticated_at = credential.authenticated_at or credential.created_at
    return bool(authenticated_at < user.sessions_since)


def _read_owner(credential: Credential) -> tuple[User | None, Reseller | None]:
    keys: list[tuple[type[User] | type[Reseller], str]] = [(User, credential.owner)]
    if credential.reseller_id:
        keys.append((Reseller, credential.reseller_id))
    found = get_one_of_each(*keys)
    user = found[0] if isinstance(found[0], User) else None
    if user is None or user.reseller_id is None:
        return user, None
    if user.reseller_id == credential.reseller_id:
        return user, found[1] if isinstance(found[1], Reseller) else None
    return user, get(Reseller, user.reseller_id)  # linked after the session began


def is_restricted(user: User, reseller: Reseller | None) -> bool:
    """Return whether the user is locked out because the reseller is inactive.

    Depends on the platform setting `restrict_inactive_resellers`. Never applies to super admins.
    """
    return (
        reseller is not None
        and not reseller.is_active
        and not user.is_super_admin
        and platform_settings.cached_settings().restrict_inactive_resellers
    )


def _record_use(credential: Credential, refused: Unauthenticated) -> None:
    """Update `used_at` if it is at least USE_RECORDED_EVERY old.

    Condition: the credential exists. Raises `refused` if the credential has been revoked since it
    was read.
    """
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
        logger.warning("Credential use could not be recorded", extra={"id": credential.id})
