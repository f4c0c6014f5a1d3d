"""Transaction steps for granting and removing the super admin role.

The steps ensure that only a super admin can grant the role, and that at least one active super
admin always remains.

Two columns in a user's own row determine whether the user is an active super admin, and every step
checks that row within the transaction. So an edit in the AWS console takes effect immediately,
whether it grants or removes the role.
"""

from collections.abc import Iterator

from chalicelib.domain.actors import Actor
from chalicelib.errors import AdminExists, Forbidden, InvalidRequest, VersionConflict
from chalicelib.storage.platform_settings import FIRST_ADMIN, FirstAdmin
from chalicelib.storage.reads import Pagination, get, query_page
from chalicelib.storage.rows import reads_as
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User

IS_ACTIVE_ADMIN = reads_as(User.is_super_admin, True) & reads_as(User.is_active, True)

PAGE_SIZE = 100


def require_granting_admin(tx: Transaction, user_id: str, *, by: Actor) -> None:
    """Require that `by` is an active super admin at commit, and isn't the same user.

    Raises Forbidden, immediately or at commit.
    """
    if by.id == user_id:
        raise Forbidden("You cannot make yourself a super admin.")
    refused = Forbidden("Only a super admin can create another super admin.")
    tx.check(User, by.id, condition=IS_ACTIVE_ADMIN, otherwise=refused)


def require_another_admin(tx: Transaction, user_id: str, *, by: Actor, field: str) -> None:
    """Require that another active super admin remains once the transaction is committed.

    If two admins remove each other concurrently, DynamoDB commits only one of the transactions.
    Raises InvalidRequest (for `field`) if this is the last admin, or VersionConflict at commit if
    the other admin has been removed in the meantime.
    """
    other = next((id for id in active_admin_ids(by.id) if id != user_id), None)
    if other is None:
        last = "This is the last active super admin. Create another one first."
        raise InvalidRequest.of(field, last)
    tx.check(User, other, condition=IS_ACTIVE_ADMIN, otherwise=VersionConflict())


def add_first_admin(tx: Transaction, user_id: str) -> None:
    """Require that no active super admin exists. Raises AdminExists, immediately or at commit.

    The directory might not yet list a user created a moment ago. So a separate row names the most
    recent first admin, and only one of several concurrent calls succeeds.
    """
    last = get(FirstAdmin, FIRST_ADMIN)
    if next(active_admin_ids(last.user_id if last else None), None) is not None:
        raise AdminExists
    known = FirstAdmin.user_id
    tx.update(
        FirstAdmin(FIRST_ADMIN),
        [known.set(user_id)],
        condition=known == last.user_id if last else known.does_not_exist(),
        otherwise=AdminExists(),
    )


def active_admin_ids(likely: str | None = None) -> Iterator[str]:
    """Yield the IDs of all active super admins. An ID can appear twice.

    `likely` is an ID to check first, since finding the others requires reading all users.
    """
    if likely is not None and _is_active_admin(get(User, likely)):
        yield likely
    cursor = None
    while True:
        page = query_page(User, "users", Pagination(PAGE_SIZE, cursor), index=User.by_email)
        yield from (user.id for user in page.rows if _is_active_admin(user))
        cursor = page.next_cursor
        if cursor is None:
            return


def _is_active_admin(user: User | None) -> bool:
    return user is not None and user.is_super_admin and user.is_active
