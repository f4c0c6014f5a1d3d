"""Passwords: the rules for a new one, changing one's own, and links that set one by mail.

A link's secret is made when its mail is sent, so that it is never at rest in the outbox; the
credentials table has its hash. It works once: redeeming deletes it in the same transaction.
"""

from datetime import timedelta
from functools import cache
from typing import Any

from chalicelib import clock
from chalicelib.domain.passwords import check_password
from chalicelib.errors import InvalidRequest
from chalicelib.observability import logger
from chalicelib.services.core import audit, hashing
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.identity import lockout
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.sessions import (
    Device,
    delete_revoked_credentials,
    revoke_other_sessions,
)
from chalicelib.services.mail import outbox
from chalicelib.settings import settings
from chalicelib.storage.claims import owner_of
from chalicelib.storage.credentials import Credential, Kind
from chalicelib.storage.reads import get
from chalicelib.storage.rows import new_id
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User, email_claim

FIRST_LINK_LIFETIME = timedelta(hours=24)
RESET_LINK_LIFETIME = timedelta(hours=1)
DEAD_LINK = "This link is not valid, or no longer. Ask for a new one."


def hash_new_password(password: str, *, email: str, field: str = "password") -> str:
    """The hash of a password that keeps the rules. Raises InvalidRequest."""
    try:
        check_password(password, email=email, common=_common_passwords())
    except ValueError as error:
        raise InvalidRequest.of(field, str(error)) from None
    return hashing.hash_password(password)


@cache
def _common_passwords() -> frozenset[str]:
    """The 30,000 most common ones, in lower case."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])


def change_password(
    caller: Caller,
    current_password: str,
    new_password: str,
    *,
    device: Device,
    by: str,
    once: IdempotentRequest = NO_KEY,
) -> None:
    """One's own, by who knows the present one; all other sessions end with it.

    Invariant: the password that was proven is the one that is replaced. Raises
    InvalidRequest, RateLimited, VersionConflict (it was changed meanwhile).
    """
    user = caller.user
    verify_current_password(user, current_password, device=device)
    new_hash = hash_new_password(new_password, email=user.email, field="new_password")
    tx = Transaction()
    unchanged = User.password_hash == user.password_hash
    revoke_other_sessions(tx, caller, unchanged, User.password_hash.set(new_hash))
    _audit(tx, user, "user.password_changed", by=by)
    once.record(tx, None)
    tx.commit()
    delete_revoked_credentials(
        user.id, [Kind.SESSION, Kind.PASSWORD_LINK], but=caller.credential.id
    )


def verify_current_password(user: User, current_password: str, *, device: Device) -> None:
    """That it is really this user who asks; wrong guesses count as at the sign-in.

    Raises InvalidRequest, RateLimited.
    """
    tried = lockout.begin_sign_in(user.email, device.source_ip)
    if not hashing.password_matches(current_password, user.password_hash):
        raise InvalidRequest.of("current_password", "This is not your current password.")
    lockout.clear_after_success(tried)


def request_reset(email: str, *, device: Device, once: IdempotentRequest = NO_KEY) -> None:
    """Mail a link to set a new password, if the address is a user's.

    That is found out when the mail is due, not here: the answer is the same for all, and
    takes as long. Raises RateLimited.
    """
    lockout.begin_mail(email, device.source_ip)
    tx = Transaction()
    outbox.queue_mail(tx, to=email, template="reset_password", context={"email": email})
    once.record(tx, None)
    tx.commit()


def invite(tx: Transaction, user: User) -> None:
    """Mail the user a link to set the first password, if `tx` is committed."""
    outbox.queue_mail(tx, to=user.email, template="set_password", context={"user_id": user.id})


def add_link(tx: Transaction, user: User, lifetime: timedelta) -> str:
    """The address of the page that sets this user's password, once, if `tx` is committed."""
    link_id = new_id(Kind.PASSWORD_LINK)
    secret = hashing.new_secret()
    tx.witness(
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
    """What a link stands for, while it is good. Raises InvalidRequest."""
    link_id, _, secret = token.partition(".")
    dead = InvalidRequest.of("token", DEAD_LINK)
    if not link_id.startswith(f"{Kind.PASSWORD_LINK}_") or not secret or len(token) > 200:
        raise dead
    link = get(Credential, link_id)
    if link is None or not hashing.digest_matches(secret, link.secret_hash):
        raise dead
    user = get(User, link.owner)
    if user is None or not user.is_active or _is_link_invalid(link, user):
        raise dead
    return link, user


def _is_link_invalid(link: Credential, user: User) -> bool:
    """Expired; sent to an address that is not the user's any more; or older than a change of
    the password or a deactivation."""
    ended = [moment for moment in (user.sessions_since, user.deactivated_at) if moment is not None]
    return bool(
        link.expires_at is None
        or link.expires_at <= clock.now()
        or link.email != user.email
        or any(link.created_at <= moment for moment in ended)
    )


def set_password_by_link(
    token: str, new_password: str, *, device: Device, once: IdempotentRequest = NO_KEY
) -> None:
    """Set the password by a mailed link: once. All sessions end, and a lockout too.

    Condition: the link is still there, so that two redeemings cannot both succeed; and what
    made the link good still holds of the user. Raises InvalidRequest.
    """
    link, user = find_link(token)
    new_hash = hash_new_password(new_password, email=user.email, field="new_password")
    tx = Transaction()
    dead = InvalidRequest.of("token", DEAD_LINK)
    tx.delete(link, condition=Credential.secret_hash == link.secret_hash, otherwise=dead)
    tx.update(
        User(user.id),
        [User.password_hash.set(new_hash), User.sessions_since.set(tx.now)],
        condition=(User.is_active == True)  # noqa: E712 - builds a condition
        & (User.email == link.email)
        & (User.sessions_since.does_not_exist() | (User.sessions_since < link.created_at)),
        otherwise=dead,
    )
    lockout.clear_lockout(tx, user.email)
    _audit(tx, user, "user.password_set", by=audit.Actor(user.id, source_ip=device.source_ip))
    once.record(tx, None)
    tx.commit()
    delete_revoked_credentials(user.id, [Kind.SESSION, Kind.PASSWORD_LINK])


def _audit(tx: Transaction, user: User, action: str, *, by: str) -> None:
    audit.record(tx, actor=by, action=action, target=user.id, reseller_id=user.reseller_id)


def _prepare_first(context: dict[str, Any]) -> dict[str, Any]:
    user = get(User, context["user_id"])
    return _prepared(user, FIRST_LINK_LIFETIME)


def _prepare_reset(context: dict[str, Any]) -> dict[str, Any]:
    user_id = owner_of(email_claim(context["email"]))
    return _prepared(get(User, user_id) if user_id else None, RESET_LINK_LIFETIME)


def _prepared(user: User | None, lifetime: timedelta) -> dict[str, Any]:
    if user is None or not user.is_active:
        raise outbox.NoRecipient
    logger.info("A password link was made", extra={"user_id": user.id})
    hours = int(lifetime.total_seconds() // 3600)
    tx = Transaction()
    link = add_link(tx, user, lifetime)
    tx.commit()
    return {"name": user.name, "link": link, "hours": hours}


outbox.PREPARE["set_password"] = _prepare_first
outbox.PREPARE["reset_password"] = _prepare_reset
