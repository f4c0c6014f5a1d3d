"""Who may make a super admin, and that one always is left: steps for the transaction that
makes or unmakes one.

The two columns of a user's own row say who is one, and every step asks that row, in the
transaction. So what somebody edits in the AWS console counts at once, either way.
"""

from collections.abc import Iterator

from chalicelib.errors import AdminExists, Forbidden, InvalidRequest, VersionConflict
from chalicelib.storage.platform_settings import FIRST_ADMIN, FirstAdmin
from chalicelib.storage.reads import Pagination, get, query_page
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User

ACTIVE_ONE = (User.is_super_admin == True) & (User.is_active == True)  # noqa: E712 - a condition

PIECE = 100


def check_granter(tx: Transaction, user_id: str, *, by: str) -> None:
    """Granted by a super admin, who still is one at that moment, and never by oneself.

    Raises Forbidden, at once or at commit.
    """
    if by == user_id:
        raise Forbidden("Nobody can make oneself a super admin.")
    refused = Forbidden("Only a super admin can make another one.")
    tx.check(User, str(by), condition=ACTIVE_ONE, otherwise=refused)


def check_another(tx: Transaction, user_id: str, *, by: str, field: str) -> None:
    """Unmade only while another one is active, who is left when all of it is written. Of two
    who go at once, each counting on the other, DynamoDB lets one go.

    Raises InvalidRequest (of `field`) for the last one; VersionConflict at commit, where the
    other one has gone meanwhile.
    """
    other = next((one for one in active_ones(str(by)) if one != user_id), None)
    if other is None:
        last = "This is the last active super admin. Make another one first."
        raise InvalidRequest.of(field, last)
    tx.check(User, other, condition=ACTIVE_ONE, otherwise=VersionConflict())


def add_first(tx: Transaction, user_id: str) -> None:
    """Raises AdminExists, at once or at commit.

    A user who was just made may not be in the directory yet: the row of the last first one
    tells of it, and lets one of several at once through.
    """
    last = get(FirstAdmin, FIRST_ADMIN)
    if next(active_ones(last.user_id if last else None), None) is not None:
        raise AdminExists
    known = FirstAdmin.user_id
    tx.update(
        FirstAdmin(FIRST_ADMIN),
        [known.set(user_id)],
        condition=known == last.user_id if last else known.does_not_exist(),
        otherwise=AdminExists(),
    )


def active_ones(likely: str | None = None) -> Iterator[str]:
    """The ids of all active super admins; some twice. likely: who is looked at first, since
    the others are found only by going through all users."""
    if likely is not None and _is_one(get(User, likely)):
        yield likely
    cursor = None
    while True:
        page = query_page(User, "users", Pagination(PIECE, cursor), index=User.by_email)
        yield from (user.id for user in page.rows if _is_one(user))
        cursor = page.next_cursor
        if cursor is None:
            return


def _is_one(user: User | None) -> bool:
    return user is not None and bool(user.is_super_admin) and bool(user.is_active)
