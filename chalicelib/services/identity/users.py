"""Users, created and edited by super admins."""

from chalicelib.domain.actors import Actor
from chalicelib.errors import EmailTaken, NotFound, VersionConflict
from chalicelib.services.core import audit
from chalicelib.services.core.idempotency import NO_KEY, IdempotentRequest
from chalicelib.services.identity import passwords
from chalicelib.services.identity.sessions import Device
from chalicelib.storage import super_admins
from chalicelib.storage.audit import AuditAction
from chalicelib.storage.claims import claim_name, release_name
from chalicelib.storage.reads import Page, Pagination, get, query_page
from chalicelib.storage.rows import Columns, changed_columns, new_id
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User, email_claim


def create_user(
    *,
    email: str,
    name: str,
    password: str | None,
    is_super_admin: bool,
    by: Actor,
    once: IdempotentRequest = NO_KEY,
) -> User:
    """Create a user. If no password is given, the user is mailed a link to set one.

    Raises EmailTaken, InvalidRequest if the password breaks a rule, or Forbidden if `by` cannot
    create super admins.
    """
    tx = Transaction()
    user = add_user(
        tx, email=email, name=name, password=password, is_super_admin=is_super_admin, by=by
    )
    if is_super_admin:
        super_admins.require_granting_admin(tx, user.id, by=by)
    if password is None:
        passwords.invite(tx, user)
    once.record(tx, user)
    tx.commit()
    return user


def add_user(
    tx: Transaction,
    *,
    email: str,
    name: str,
    password: str | None,
    is_super_admin: bool,
    by: Actor,
) -> User:
    """Add a new user's rows to `tx`.

    If the user is a super admin, the caller must also add the condition that permits it.
    """
    hashed = passwords.hash_new_password(password, email=email) if password is not None else None
    user = User(
        new_id("usr"), email=email, name=name, password_hash=hashed, is_super_admin=is_super_admin
    )
    tx.create(user, otherwise=VersionConflict())
    claim_name(tx, email_claim(email), user.id, otherwise=EmailTaken(email))
    audit.record(
        tx,
        actor=by,
        action=AuditAction.USER_CREATED,
        target=user.id,
        reseller_id=None,
        after={"email": email, "name": name, "is_super_admin": is_super_admin},
    )
    return user


def read_user(user_id: str) -> User:
    """Raises NotFound."""
    user = get(User, user_id)
    if user is None:
        raise NotFound("user")
    return user


def list_users(request: Pagination, *, email_prefix: str = "") -> Page[User]:
    """Return a page of users, ordered by email."""
    return query_page(
        User,
        "users",
        request,
        index=User.by_email,
        range_condition=User.email.startswith(email_prefix) if email_prefix else None,
    )


def edit_user(user: User, changes: Columns, *, by: Actor) -> User:
    """Change any of email, name, password, is_super_admin, and is_active.

    Deactivating a user permanently revokes the user's sessions and keys. A new password ends the
    user's sessions. Removing super admin rights revokes the user's admin keys. Values that have not
    changed are ignored. Raises EmailTaken, InvalidRequest, Forbidden, or VersionConflict.
    """
    changes = dict(changes)
    password = changes.pop("password", None)
    columns = changed_columns(user, changes)
    if not columns and password is None:
        return user
    email = str(columns.get("email", user.email))
    tx = Transaction()
    if password is not None:
        columns["password_hash"] = passwords.hash_new_password(password, email=email)
    if email != user.email:
        claim_name(tx, email_claim(email), user.id, otherwise=EmailTaken(email))
        release_name(tx, email_claim(user.email), user.id)
    audit.record_edit(
        tx,
        user,
        columns,
        actor=by,
        action=AuditAction.USER_EDITED,
        target=user.id,
        reseller_id=user.reseller_id,
    )
    _check_admin_change(tx, user, columns, by=by)
    if password is not None:
        columns["sessions_since"] = tx.now
    if user.is_active and not columns.get("is_active", True):
        columns["deactivated_at"] = tx.now
    if user.is_super_admin and not columns.get("is_super_admin", True):
        columns["demoted_at"] = tx.now
    tx.change(user, columns)
    tx.commit()
    return user


def edit_user_with_password(
    user: User, changes: Columns, *, current_password: str, device: Device, by: Actor
) -> User:
    """Edit a user. Users who change their own password or email must enter their current one.

    This includes the email because password links are sent to it. Raises RateLimited and anything
    that `edit_user` raises.
    """
    is_sensitive = "password" in changes or changes.get("email", user.email) != user.email
    if is_sensitive and by.id == user.id:
        passwords.verify_current_password(user, current_password, device=device)
    return edit_user(user, changes, by=by)


def _check_admin_change(
    tx: Transaction, user: User, columns: dict[str, object], *, by: Actor
) -> None:
    """Add to `tx` the conditions for changing `is_super_admin` or `is_active`."""
    granted = columns.get("is_super_admin", user.is_super_admin)
    active = columns.get("is_active", user.is_active)
    was, will_be = user.is_super_admin and user.is_active, granted and active
    if (will_be and not was) or (granted and not user.is_super_admin):
        super_admins.require_granting_admin(tx, user.id, by=by)
    elif was and not will_be:
        field = "is_active" if granted else "is_super_admin"
        super_admins.require_another_admin(tx, user.id, by=by, field=field)


def send_password_link(user: User, *, by: Actor, once: IdempotentRequest = NO_KEY) -> User:
    """Mail the user a new link to set a password, for example if the first one has expired."""
    tx = Transaction()
    passwords.invite(tx, user)
    _audit(tx, user, AuditAction.USER_PASSWORD_LINK_SENT, by=by)
    once.record(tx, user)
    tx.commit()
    return user


def sign_out_everywhere(user: User, *, by: Actor, once: IdempotentRequest = NO_KEY) -> User:
    """End all of a user's sessions. API keys stay valid. Raises VersionConflict."""
    tx = Transaction()
    tx.change(user, sessions_since=tx.now)
    _audit(tx, user, AuditAction.USER_SIGNED_OUT, by=by)
    once.record(tx, user)
    tx.commit()
    return user


def _audit(tx: Transaction, user: User, action: AuditAction, *, by: Actor) -> None:
    audit.record(tx, actor=by, action=action, target=user.id, reseller_id=user.reseller_id)
