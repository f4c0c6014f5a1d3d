"""Accounts at the same moment, on Amazon's own engine: no lockout, link or last admin is got
round by being quick."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.domain.lockout import ACCOUNT
from chalicelib.errors import RateLimited, TenantryError, Unauthenticated
from chalicelib.services.core import hashing
from chalicelib.services.identity import passwords, users
from chalicelib.services.identity.first_admin import create_first_admin
from chalicelib.services.identity.sessions import Device, sign_in
from chalicelib.storage import rows, transactions
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User
from tests.engine.concurrency import THREADS, all_at_once

pytestmark = pytest.mark.engine

PASSWORD = "correct horse battery"


def outcome(act: Callable[[], Any]) -> Any:
    """What it returned, or the class of what it raised."""
    try:
        return act()
    except TenantryError as error:
        return type(error)


def the_admin() -> User:
    return create_first_admin(email="admin@example.com", name="A", password=PASSWORD).user


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, no reply is given up: what is tried here is being quick at
    once. Ask for it before `tables`, which connects."""
    monkeypatch.setattr(rows, "READ_TIMEOUT_SECONDS", 120)
    monkeypatch.setattr(transactions, "DEADLINE_SECONDS", 120)


def test_just_as_many_passwords_are_judged_as_are_free(
    patient: None, tables: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time stands still, so that the pause which the last of them begins never ends."""
    the_admin()
    judged = []
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    matches = hashing.password_matches

    def noting(password: str, password_hash: str | None) -> bool:
        judged.append(password)
        return matches(password, password_hash)

    monkeypatch.setattr(hashing, "password_matches", noting)

    def guess(number: int) -> Any:
        return outcome(
            lambda: sign_in(
                "admin@example.com", f"guess {number}", device=Device(f"192.0.2.{number}")
            )
        )

    found = all_at_once([lambda n=n: guess(n) for n in range(4 * THREADS)])  # type: ignore[misc]
    assert len(judged) == ACCOUNT.free_failures
    assert found.count(Unauthenticated) == ACCOUNT.free_failures
    assert found.count(RateLimited) == len(found) - ACCOUNT.free_failures


def another_admin(number: int, *, by: str) -> User:
    email = f"a{number}@example.com"
    return users.create_user(email=email, name="A", password=None, is_super_admin=True, by=by)


def test_one_admin_is_left_when_all_go_at_once(tables: None) -> None:
    first = the_admin()
    admins = [first, *(another_admin(number, by=first.id) for number in range(7))]

    def leave(user: User) -> None:
        while True:
            try:
                users.edit_user(users.read_user(user.id), {"is_active": False}, by=user.id)
            except TenantryError as error:
                if error.code in ("version_conflict", "busy"):
                    continue
            return

    all_at_once([lambda a=a: leave(a) for a in admins])  # type: ignore[misc]
    assert len({a.id for a in admins if users.read_user(a.id).is_active}) == 1


def test_there_is_one_first_admin(tables: None) -> None:
    def make(number: int) -> Any:
        email = f"first{number}@example.com"
        return outcome(lambda: create_first_admin(email=email, name="A").user.id)

    found = all_at_once([lambda n=n: make(n) for n in range(THREADS)])  # type: ignore[misc]
    made = {each for each in found if isinstance(each, str)}
    assert len(made) == 1
    assert {user.id for user in User.scan(consistent_read=True)} == made


def test_a_link_is_redeemed_once(tables: None) -> None:
    user = the_admin()
    tx = Transaction()
    token = passwords.add_link(tx, user, timedelta(hours=1)).partition("token=")[2]
    tx.commit()

    def redeem(number: int) -> Any:
        new = f"a fine new passphrase {number}"
        return outcome(lambda: passwords.set_password_by_link(token, new, device=Device()))

    found = all_at_once([lambda n=n: redeem(n) for n in range(THREADS)])  # type: ignore[misc]
    assert found.count(None) == 1
