"""Passwords: the rules for new passwords, password changes, and mailed links for setting one.

A link's secret is created when its mail is sent, so the secret is never stored in the outbox. The
credentials table holds only its hash. A link works once: the transaction that sets the password
deletes it.
"""

from datetime import timedelta
from functools import cache

from chalicelib import clock
from chalicelib.domain.actors import Actor
from chalicelib.domain.passwords import check_password
from chalicelib.errors import InvalidRequest
from chalicelib.observability import logger
from chalicelib.services.core import audit, hashing
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.identity import lockout
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.sessions import Device, revoke_other_sessions
from chalicelib.services.mail import outbox
from chalicelib.settings import settings
from chalicelib.storage.audit import AuditAction
from chalicelib.storage.credentials import Credential, Kind
from chalicelib.storage.outbox import MailTemplate
from chalicelib.storage.reads import get
from chalicelib.storage.rows import new_id, reads_as
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User

FIRST_LINK_LIFETIME = timedelta(hours=24)
RESET_LINK_LIFETIME = timedelta(hours=1)
INVALID_LINK = "This link is invalid or has expired. Request a new one."


def hash_new_password(password: str, *, email: str, field: str = "password") -> str:
    """Check the password against the rules and return its hash.

    Raises InvalidRequest for `field`.
    """
    try:
        check_password(password, email=email, common=_common_passwords())
    except ValueError as error:
        raise InvalidRequest.of(field, str(error)) from None
    return hashing.hash_password(password)


@cache
def _common_passwords() -> frozenset[str]:
    """Return the 30,000 most common passwords, in lowercase."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])


def change_password(
    caller: Caller,
    current_password: str,
    new_password: str,
    *,
    device: Device,
    by: Actor,
    once: IdempotentRequest = NO_KEY,
) -> None:
    """Change the caller's own password, and end all of the caller's other sessions.

    Invariant: the password that was verified is the one that is replaced. Raises InvalidRequest,
    RateLimited, or VersionConflict if the password was changed in the meantime.
    """
    user = caller.user
    verify_current_password(user, current_password, device=device)
    new_hash = hash_new_password(new_password, email=user.email, field="new_password")
    tx = Transaction()
    unchanged = User.password_hash == user.password_hash
    revoke_other_sessions(tx, caller, unchanged, User.password_hash.set(new_hash))
    _audit(tx, user, AuditAction.USER_PASSWORD_CHANGED, by=by)
    once.record(tx, None)
    tx.commit()


def verify_current_password(user: User, current_password: str, *, device: Device) -> None:
    """Check the user's current password. A wrong one counts toward the sign-in lockout.

    Raises InvalidRequest or RateLimited.
    """
    attempt = lockout.begin_sign_in(user.email, device.source_ip)
    if not hashing.password_matches(current_password, user.password_hash):
        raise InvalidRequest.of("current_password", "This is not your current password.")
    lockout.clear_after_success(attempt)


def request_reset(email: str, *, device: Device, once: IdempotentRequest = NO_KEY) -> None:
    """Queue a mail with a link to set a new password. It is sent only if a user has this address.

    The user is looked up when the mail is sent, so that the response and its timing are the same
    for unknown addresses. Raises RateLimited.
    """
    lockout.begin_mail(email, device.source_ip)
    tx = Transaction()
    # An older release, which may still send it, looks the user up in the context.
    context = {"email": email}
    outbox.queue_mail_to_address(tx, email, MailTemplate.RESET_PASSWORD, context)
    once.record(tx, None)
    tx.commit()


def invite(tx: Transaction, user: User) -> None:
    """Queue a mail in `tx` with a link to set the first password."""
    # An older release, which may still send it, looks the user up in the context.
    outbox.queue_mail(tx, user, MailTemplate.SET_PASSWORD, {"user_id": user.id})


def add_link(tx: Transaction, user: User, lifetime: timedelta) -> str:
    """Add a one-time password link to `tx`, and return its URL."""
    link_id = new_id(Kind.PASSWORD_LINK)
    secret = hashing.new_secret()
    tx.put_commit_marker(
        Credential(
            link_id,
            owner=user.id,
            email=user.email,
            secret_hash=hashing.hash_token(secret),
            expires_at=tx.now + lifetime,
        )
    )
    return f"{settings().public_url}/password?token={link_id}.{secret}"


def find_link(token: str) -> tuple[Credential, User]:
    """Return the link's credential and user. Raises InvalidRequest if the link is not valid."""
    link_id, _, secret = token.partition(".")
    invalid = InvalidRequest.of("token", INVALID_LINK)
    if not link_id.startswith(f"{Kind.PASSWORD_LINK}_") or not secret or len(token) > 200:
        raise invalid
    link = get(Credential, link_id)
    if link is None or not hashing.digest_matches(secret, link.secret_hash):
        raise invalid
    user = get(User, link.owner)
    if user is None or not user.is_active or _is_link_invalid(link, user):
        raise invalid
    return link, user


def _is_link_invalid(link: Credential, user: User) -> bool:
    """Return whether the link can no longer be used.

    A link becomes invalid when it expires, when the user's email changes, when the user is
    deactivated, or when the user's sessions are ended, for example by a new password.
    """
    invalidated_at = [at for at in (user.sessions_since, user.deactivated_at) if at is not None]
    return bool(
        link.expires_at is None
        or link.expires_at <= clock.now()
        or link.email != user.email
        or any(link.created_at <= at for at in invalidated_at)
    )


def set_password_by_link(
    token: str, new_password: str, *, device: Device, once: IdempotentRequest = NO_KEY
) -> None:
    """Set the password with a mailed link. Ends all of the user's sessions and any lockout.

    Condition: the link still exists, so that it cannot be used twice, and the user's row still
    allows it. Raises InvalidRequest.
    """
    link, user = find_link(token)
    new_hash = hash_new_password(new_password, email=user.email, field="new_password")
    tx = Transaction()
    invalid = InvalidRequest.of("token", INVALID_LINK)
    tx.delete(link, condition=Credential.secret_hash == link.secret_hash, otherwise=invalid)
    tx.update(
        User(user.id),
        [User.password_hash.set(new_hash), User.sessions_since.set(tx.now)],
        condition=reads_as(User.is_active, True)
        & (User.email == link.email)
        & (User.sessions_since.does_not_exist() | (User.sessions_since < link.created_at)),
        otherwise=invalid,
    )
    lockout.clear_lockout(tx, user.email)
    _audit(tx, user, AuditAction.USER_PASSWORD_SET, by=Actor(user.id, source_ip=device.source_ip))
    once.record(tx, None)
    tx.commit()


def _audit(tx: Transaction, user: User, action: AuditAction, *, by: Actor) -> None:
    audit.record(tx, actor=by, action=action, target=user.id, reseller_id=user.reseller_id)


def first_link_context(user: User) -> dict[str, object]:
    """Create the link that a new user's mail contains, and return the mail's values."""
    return _link_context(user, FIRST_LINK_LIFETIME)


def reset_link_context(user: User) -> dict[str, object]:
    """Create the link to reset a forgotten password, and return its mail's values."""
    return _link_context(user, RESET_LINK_LIFETIME)


def _link_context(user: User, lifetime: timedelta) -> dict[str, object]:
    logger.info("Password link created", extra={"user_id": user.id})
    hours = int(lifetime.total_seconds() // 3600)
    tx = Transaction()
    link = add_link(tx, user, lifetime)
    tx.commit()
    return {"name": user.name, "link": link, "hours": hours}
