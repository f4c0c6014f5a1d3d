"""Reconciliation under live traffic, on Amazon's own engine: creates, deletes, damage and
repairs all at once; it never undoes what somebody does meanwhile."""

import random
from collections.abc import Callable
from contextlib import suppress

import pytest

from chalicelib.errors import TenantryError
from chalicelib.services.mail import reseller_notices
from chalicelib.services.reconciliation import runs, sync
from chalicelib.services.tenants import lifecycle
from chalicelib.storage.outbox import Mail
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.tenants import Tenant
from infra.local import table_edits
from infra.local.stripe_simulator import StripeSimulator
from tests.engine.concurrency import account, all_at_once, check_books
from tests.support.people import People

pytestmark = pytest.mark.engine

WORKERS = 6
MOVES = 20


def traffic(reseller_id: str, seed: int) -> Callable[[], None]:
    """Creates and deletes, as clients do."""
    choose = random.Random(seed)

    def work() -> None:
        own: list[Tenant] = []
        for _ in range(MOVES):
            with suppress(TenantryError):
                if own and choose.random() < 0.5:
                    lifecycle.delete_tenant(own.pop(), by="usr_engine")
                else:
                    own.append(create(reseller_id, f"Tenant {seed}"))

    return work


def create(reseller_id: str, name: str) -> Tenant:
    return lifecycle.create_tenant(
        reseller_id,
        name=name,
        slug=None,
        contact_email=None,
        branding_config={},
        by="usr_engine",
    )


def reconcile(reseller_id: str, *, apply: bool = True) -> dict[str, int]:
    report = runs.start_run(
        "whole", apply=apply, by="usr_engine", reseller_id=reseller_id, seconds_left=lambda: 60.0
    )
    return dict(report.found)


def test_traffic_is_never_undone(people: People, stripe: StripeSimulator) -> None:
    """Nothing is damaged, so nothing may be found or changed, however busy it is."""
    reseller_id = str(people.reseller(licenses=40).reseller_id)
    found: list[dict[str, int]] = []

    def look() -> None:
        for _ in range(6):
            found.append(reconcile(reseller_id))
            with suppress(TenantryError):
                assert not sync.sync(reseller_id, apply=True, by="usr_engine").applied

    all_at_once([*(traffic(reseller_id, n) for n in range(WORKERS)), look, look])
    assert [report for report in found if report] == []
    check_books(reseller_id)


def test_damage_under_traffic_comes_right(people: People, stripe: StripeSimulator) -> None:
    reseller_id = str(people.reseller(licenses=40).reseller_id)

    def vandalise() -> None:
        choose = random.Random(1)
        for _ in range(12):
            held = [t for t in Tenant.query(reseller_id, consistent_read=True) if t.holds_license]
            if held and choose.random() < 0.5:
                table_edits.remove(choose.choice(held))
            else:
                # The counter alone: an edit of the whole row would undo moves, as a person's
                # slow edit in the console does, ledger entries and all.
                Reseller(reseller_id).update([Reseller.license_used.add(choose.randint(1, 3))])

    def mend() -> None:
        for _ in range(8):
            reconcile(reseller_id)

    all_at_once([*(traffic(reseller_id, n) for n in range(WORKERS)), vandalise, mend, mend])
    reconcile(reseller_id)
    reconcile(reseller_id)
    assert reconcile(reseller_id, apply=False) == {}
    check_books(reseller_id)


def test_many_takes_at_once_tell_once(people: People) -> None:
    seller = people.reseller(licenses=10)
    reseller_id = str(seller.reseller_id)

    def take(number: int) -> Callable[[], object]:
        return lambda: create(reseller_id, f"Tenant {number}")

    all_at_once([take(number) for number in range(10)])
    assert account(reseller_id).license_used == 10
    reseller_notices.notify_low_supply(reseller_id)
    told = sorted(mail.template for mail in Mail.scan(consistent_read=True))
    assert told.count("licenses_none") == 1
    assert told.count("licenses_low") <= 1
