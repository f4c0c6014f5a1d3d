"""The first super admin of an installation, created once by the operator."""

from dataclasses import dataclass, field

from chalicelib.domain.actors import Actor
from chalicelib.errors import AdminExists, EmailTaken
from chalicelib.services.identity import passwords
from chalicelib.services.identity.users import add_user
from chalicelib.storage import super_admins
from chalicelib.storage.claims import owner_of
from chalicelib.storage.reads import get
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User, email_claim

OPERATOR = Actor("operator")


@dataclass(frozen=True, slots=True)
class FirstAdmin:
    """The new user and a link for setting the first password, which is valid for a day.

    `link` is None if a password was given.
    """

    user: User
    link: str | None = field(repr=False)


def create_first_admin(*, email: str, name: str, password: str | None = None) -> FirstAdmin:
    """Create a super admin, provided that no super admin is active.

    The link is returned instead of mailed, since a new installation might not be able to send mail
    yet. Calling this again with the same email before a password is set creates a new link, in case
    the first response was lost or the first link has expired. Raises AdminExists or EmailTaken.
    """
    tx = Transaction()
    user = add_user(tx, email=email, name=name, password=password, is_super_admin=True, by=OPERATOR)
    link = passwords.add_link(tx, user, passwords.FIRST_LINK_LIFETIME) if not password else None
    try:
        super_admins.add_first_admin(tx, user.id)
        tx.commit()
    except (AdminExists, EmailTaken):
        existing = _admin_without_password(email)
        if existing is None:
            raise
        return _reissue_link(existing)
    return FirstAdmin(user, link)


def _admin_without_password(email: str) -> User | None:
    user_id = owner_of(email_claim(email))
    user = get(User, user_id) if user_id else None
    if user is None or not user.is_super_admin or user.has_password:
        return None
    return user


def _reissue_link(user: User) -> FirstAdmin:
    """Create a new link for a user whose first password is not set yet.

    Raises AdminExists if another super admin is active or the password was set concurrently.
    """
    if set(super_admins.active_admin_ids(user.id)) != {user.id}:
        raise AdminExists
    tx = Transaction()
    still_pending = super_admins.IS_ACTIVE_ADMIN & User.password_hash.does_not_exist()
    tx.check(User, user.id, condition=still_pending, otherwise=AdminExists())
    link = passwords.add_link(tx, user, passwords.FIRST_LINK_LIFETIME)
    tx.commit()
    return FirstAdmin(user, link)
