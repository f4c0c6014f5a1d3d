"""Users: created and edited by super admins."""

from typing import Any

from chalicelib.domain.passwords import check_password
from chalicelib.errors import EmailTaken, InvalidRequest, NotFound, VersionConflict
from chalicelib.services import audit, secrets
from chalicelib.services.idempotency import UNKEYED, Once
from chalicelib.storage.claims import claim, free
from chalicelib.storage.reads import Page, PageRequest, get, query_page
from chalicelib.storage.rows import differing, new_id
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User, email_claim


def create_user(
    *,
    email: str,
    name: str,
    password: str | None,
    is_super_admin: bool,
    by: str,
    once: Once = UNKEYED,
) -> User:
    """Raises EmailTaken, InvalidRequest (password)."""
    user = User(
        new_id("usr"),
        email=email,
        name=name,
        password_hash=_hashed(password, email) if password is not None else None,
        is_super_admin=is_super_admin,
    )
    tx = Transaction()
    tx.create(user, otherwise=VersionConflict())
    claim(tx, email_claim(email), user.id, otherwise=EmailTaken(email))
    audit.record(
        tx,
        actor=by,
        action="user.created",
        target=user.id,
        reseller_id=None,
        after={"email": email, "name": name, "is_super_admin": is_super_admin},
    )
    once.record(tx, user)
    tx.commit()
    return user


def _hashed(password: str, email: str) -> str:
    try:
        return secrets.hash_password(check_password(password, email=email))
    except ValueError as error:
        raise InvalidRequest.of("password", str(error)) from None


def read_user(user_id: str) -> User:
    """Raises NotFound."""
    user = get(User, user_id)
    if user is None:
        raise NotFound("user")
    return user


def list_users(request: PageRequest, *, email_prefix: str = "") -> Page[User]:
    """All users by email."""
    return query_page(
        User,
        "users",
        request,
        index=User.by_email,
        range_condition=User.email.startswith(email_prefix) if email_prefix else None,
    )


def edit_user(user: User, changes: dict[str, Any], *, by: str) -> User:
    """Change some of email, name, password, is_super_admin, is_active of the row as read.

    What is so already changes nothing. Raises EmailTaken, InvalidRequest, VersionConflict.
    """
    columns = dict(changes)
    password = columns.pop("password", None)
    columns = differing(user, columns)
    email = str(columns.get("email", user.email))
    if isinstance(password, str):
        columns["password_hash"] = _hashed(password, email)
    if not columns:
        return user
    tx = Transaction()
    if email != user.email:
        claim(tx, email_claim(email), user.id, otherwise=EmailTaken(email))
        free(tx, email_claim(user.email), user.id)
    audit.record_edit(
        tx,
        user,
        columns,
        actor=by,
        action="user.edited",
        target=user.id,
        reseller_id=user.reseller_id,
    )
    tx.change(user, **columns)
    tx.commit()
    return user
