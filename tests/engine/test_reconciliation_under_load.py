"""Reconciliation under load: concurrent creates, deletes, damage, and repairs.

A repair never undoes a concurrent change.
"""

import random
from collections.abc import Callable
from contextlib import suppress

import pytest
from pynamodb.models import Model

from chalicelib.domain.actors import Actor
from chalicelib.errors import TenantryError
from chalicelib.services.mail import reseller_notices
from chalicelib.services.reconciliation import runs, sync
from chalicelib.services.tenants import lifecycle
from chalicelib.storage.outbox import Mail
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.tenants import Tenant
from infra.local import table_edits
from infra.local.stripe_simulator import StripeSimulator
from tests.engine.concurrency import check_counters, read_reseller, run_concurrently
from tests.support.people import People

pytestmark = pytest.mark.engine

WORKERS = 6
OPERATIONS = 20


def traffic(reseller_id: str, seed: int) -> Callable[[], None]:
    """Return a worker that creates and deletes tenants at random."""
    choose = random.Random(seed)

    def work() -> None:
        tenants: list[Tenant] = []
        for _ in range(OPERATIONS):
            with suppress(TenantryError):
                if tenants and choose.random() < 0.5:
                    lifecycle.delete_tenant(tenants.pop(), by=Actor("usr_engine"))
                else:
                    tenants.append(create_tenant(reseller_id, f"Tenant {seed}"))

    return work


def create_tenant(reseller_id: str, name: str) -> Tenant:
    return lifecycle.create_tenant(
        reseller_id,
        name=name,
        by=Actor("usr_engine"),
    )


def reconcile(reseller_id: str, *, apply: bool = True) -> dict[str, int]:
    report = runs.start_run(
        "whole",
        apply=apply,
        by=Actor("usr_engine"),
        reseller_id=reseller_id,
        seconds_left=lambda: 60.0,
    )
    return dict(report.found)


def test_reconciliation_finds_nothing_in_normal_traffic(
    people: People, stripe: StripeSimulator
) -> None:
    reseller_id = str(people.reseller(licenses=40).reseller_id)
    found: list[dict[str, int]] = []

    def check() -> None:
        for _ in range(6):
            found.append(reconcile(reseller_id))
            with suppress(TenantryError):
                assert not sync.sync(reseller_id, apply=True, by=Actor("usr_engine")).applied

    run_concurrently([*(traffic(reseller_id, n) for n in range(WORKERS)), check, check])
    assert [report for report in found if report] == []
    check_counters(reseller_id)


def test_damage_is_repaired_under_traffic(people: People, stripe: StripeSimulator) -> None:
    reseller_id = str(people.reseller(licenses=40).reseller_id)

    def damage() -> None:
        choose = random.Random(1)
        for _ in range(12):
            held = [t for t in Tenant.query(reseller_id, consistent_read=True) if t.holds_license]
            if held and choose.random() < 0.5:
                table_edits.remove(choose.choice(held))
            else:
                # Change only the counter. Saving the whole row, as a slow edit in the console does,
                # would overwrite concurrent changes.
                Model.update(
                    Reseller(reseller_id), [Reseller.license_used.add(choose.randint(1, 3))]
                )

    def repair() -> None:
        for _ in range(8):
            reconcile(reseller_id)

    run_concurrently([*(traffic(reseller_id, n) for n in range(WORKERS)), damage, repair, repair])
    reconcile(reseller_id)
    reconcile(reseller_id)
    assert reconcile(reseller_id, apply=False) == {}
    check_counters(reseller_id)


def test_concurrent_creates_send_one_low_license_notice(people: People) -> None:
    seller = people.reseller(licenses=10)
    reseller_id = str(seller.reseller_id)

    def creation_of(number: int) -> Callable[[], object]:
        return lambda: create_tenant(reseller_id, f"Tenant {number}")

    run_concurrently([creation_of(number) for number in range(10)])
    assert read_reseller(reseller_id).license_used == 10
    reseller_notices.notify_low_supply(reseller_id)
    sent = sorted(mail.template for mail in Mail.scan(consistent_read=True))
    assert sent.count("licenses_none") == 1
    assert sent.count("licenses_low") <= 1
