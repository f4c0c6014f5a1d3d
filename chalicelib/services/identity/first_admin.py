"""The first super admin of an installation: made from outside, once."""

from dataclasses import dataclass, field

from chalicelib.errors import AdminExists, EmailTaken
from chalicelib.services.identity import passwords
from chalicelib.services.identity.users import add_user
from chalicelib.storage import super_admins
from chalicelib.storage.claims import owner_of
from chalicelib.storage.reads import get
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User, email_claim

OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class FirstAdmin:
    """link: where the first password is set, for a day; None where one was given."""

    user: User
    link: str | None = field(repr=False)


def create_first_admin(*, email: str, name: str, password: str | None = None) -> FirstAdmin:
    """Works only while there is no active super admin, however the others were made.

    The link is handed to the operator, since an installation this young may not send mail
    yet. Called again for the same email before a password was set, it makes a fresh link:
    the reply may have been lost, or a day gone by. Raises AdminExists, EmailTaken.
    """
    tx = Transaction()
    user = add_user(tx, email=email, name=name, password=password, is_super_admin=True, by=OPERATOR)
    link = passwords.add_link(tx, user, passwords.FIRST_LINK_LIFETIME) if not password else None
    try:
        super_admins.add_first(tx, user.id)
        tx.commit()
    except (AdminExists, EmailTaken):
        again = _waiting_for_its_password(email)
        if again is None:
            raise
        return _fresh_link(again)
    return FirstAdmin(user, link)


def _waiting_for_its_password(email: str) -> User | None:
    user_id = owner_of(email_claim(email))
    user = get(User, user_id) if user_id else None
    waits = user is not None and user.is_super_admin and not user.has_password
    return user if waits else None


def _fresh_link(user: User) -> FirstAdmin:
    """Raises AdminExists where there is another one, or its password was set meanwhile."""
    if set(super_admins.active_ones(user.id)) != {user.id}:
        raise AdminExists
    tx = Transaction()
    waits = super_admins.ACTIVE_ONE & User.password_hash.does_not_exist()
    tx.check(User, user.id, condition=waits, otherwise=AdminExists())
    link = passwords.add_link(tx, user, passwords.FIRST_LINK_LIFETIME)
    tx.commit()
    return FirstAdmin(user, link)
