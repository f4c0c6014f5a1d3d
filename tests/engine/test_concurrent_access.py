"""Concurrent sign-ins, links, and admin changes cannot bypass their limits."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.domain.actors import Actor
from chalicelib.domain.lockout import ACCOUNT
from chalicelib.errors import RateLimited, TenantryError, Unauthenticated
from chalicelib.services.core import hashing
from chalicelib.services.identity import passwords, users
from chalicelib.services.identity.first_admin import create_first_admin
from chalicelib.services.identity.sessions import Device, sign_in
from chalicelib.storage import connection, transactions
from chalicelib.storage.transactions import Transaction
from chalicelib.storage.users import User
from tests.engine.concurrency import THREADS, run_concurrently

pytestmark = pytest.mark.engine

PASSWORD = "correct horse battery"


def result_or_error(call: Callable[[], Any]) -> Any:
    """Return the call's result, or the class of the error that it raised."""
    try:
        return call()
    except TenantryError as error:
        return type(error)


def first_admin() -> User:
    return create_first_admin(email="admin@example.com", name="A", password=PASSWORD).user


@pytest.fixture
def long_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise the timeouts so that the test doesn't depend on the machine's speed.

    Request this fixture before `tables`, which opens the connection.
    """
    monkeypatch.setattr(connection, "READ_TIMEOUT_SECONDS", 120)
    monkeypatch.setattr(transactions, "DEADLINE_SECONDS", 120)


def test_concurrent_sign_ins_check_only_the_free_number_of_passwords(
    long_timeouts: None, tables: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock is frozen, so the lockout triggered by the last free attempt never expires."""
    first_admin()
    checked = []
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    matches = hashing.password_matches

    def recording(password: str, password_hash: str | None) -> bool:
        checked.append(password)
        return matches(password, password_hash)

    monkeypatch.setattr(hashing, "password_matches", recording)

    def guess(number: int) -> Any:
        return result_or_error(
            lambda: sign_in(
                "admin@example.com", f"guess {number}", device=Device(f"192.0.2.{number}")
            )
        )

    results = run_concurrently([lambda n=n: guess(n) for n in range(4 * THREADS)])  # type: ignore[misc]
    assert len(checked) == ACCOUNT.free_failures
    assert results.count(Unauthenticated) == ACCOUNT.free_failures
    assert results.count(RateLimited) == len(results) - ACCOUNT.free_failures


def create_admin(number: int, *, by: str) -> User:
    email = f"a{number}@example.com"
    return users.create_user(
        email=email, name="A", password=None, is_super_admin=True, by=Actor(by)
    )


def test_one_admin_remains_when_all_deactivate_themselves_at_once(tables: None) -> None:
    first = first_admin()
    admins = [first, *(create_admin(number, by=first.id) for number in range(7))]

    def deactivate(user: User) -> None:
        while True:
            try:
                users.edit_user(users.read_user(user.id), {"is_active": False}, by=Actor(user.id))
            except TenantryError as error:
                if error.code in ("version_conflict", "busy"):
                    continue
            return

    run_concurrently([lambda a=a: deactivate(a) for a in admins])  # type: ignore[misc]
    assert len({a.id for a in admins if users.read_user(a.id).is_active}) == 1


def test_concurrent_requests_create_one_first_admin(tables: None) -> None:
    def create(number: int) -> Any:
        email = f"first{number}@example.com"
        return result_or_error(lambda: create_first_admin(email=email, name="A").user.id)

    results = run_concurrently([lambda n=n: create(n) for n in range(THREADS)])  # type: ignore[misc]
    created = {each for each in results if isinstance(each, str)}
    assert len(created) == 1
    assert {user.id for user in User.scan(consistent_read=True)} == created


def test_a_password_link_works_once(tables: None) -> None:
    user = first_admin()
    tx = Transaction()
    token = passwords.add_link(tx, user, timedelta(hours=1)).partition("token=")[2]
    tx.commit()

    def redeem(number: int) -> Any:
        new = f"a fine new passphrase {number}"
        return result_or_error(lambda: passwords.set_password_by_link(token, new, device=Device()))

    results = run_concurrently([lambda n=n: redeem(n) for n in range(THREADS)])  # type: ignore[misc]
    assert results.count(None) == 1
