"""The moves of who is an active super admin: see storage/platform_settings.SuperAdmins.

Each adds a step to the transaction that changes the user's row, so that the two agree.
"""

from pynamodb.expressions.condition import Condition, size

from chalicelib.errors import AdminExists, Forbidden, InvalidRequest
from chalicelib.storage.platform_settings import SUPER_ADMINS, SuperAdmins
from chalicelib.storage.transactions import Transaction

members = SuperAdmins.members

NOT_A_GRANTER = "Only a super admin can make another one."


def add_first(tx: Transaction, user_id: str) -> None:
    """Raises at commit: AdminExists."""
    tx.update(
        SuperAdmins(SUPER_ADMINS),
        [members.add({user_id})],
        condition=members.does_not_exist(),
        otherwise=AdminExists(),
    )


def check_only(tx: Transaction, user_id: str) -> None:
    """Let the rest happen only if this user is the one super admin. Raises AdminExists."""
    tx.check(
        SuperAdmins,
        SUPER_ADMINS,
        condition=members == {user_id},
        otherwise=AdminExists(),
    )


def add(tx: Transaction, user_id: str, *, by: str) -> None:
    """Granted by a super admin, who still is one at that moment, and never by oneself.

    Raises Forbidden, at once or at commit.
    """
    tx.update(
        SuperAdmins(SUPER_ADMINS),
        [members.add({user_id})],
        condition=_is_granter(user_id, by),
        otherwise=Forbidden(NOT_A_GRANTER),
    )


def check_granter(tx: Transaction, user_id: str, *, by: str) -> None:
    """As `add`, for a user who is not active yet."""
    tx.check(
        SuperAdmins,
        SUPER_ADMINS,
        condition=_is_granter(user_id, by),
        otherwise=Forbidden(NOT_A_GRANTER),
    )


def _is_granter(user_id: str, by: str) -> Condition:
    if by == user_id:
        raise Forbidden("Nobody can make oneself a super admin.")
    granter: Condition = members.contains(str(by))
    return granter


def remove(tx: Transaction, user_id: str, *, field: str) -> None:
    """Raises at commit: InvalidRequest (of `field`) for the last one."""
    last = InvalidRequest.of(field, "This is the last active super admin. Make another one first.")
    tx.update(
        SuperAdmins(SUPER_ADMINS),
        [members.delete({user_id})],
        # One who was made by hand, in the console, is not among them and may go at any time.
        condition=~members.contains(user_id) | (size(members) > 1),
        otherwise=last,
    )
