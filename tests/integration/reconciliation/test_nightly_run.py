"""The nightly run makes every safe repair when invoked the way the schedule invokes it.

The function's policy allows only AWS calls that tests make (tests/support/iam_recorder.py). A
repair not tested here could be denied on AWS.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.findings import SAFE_CODES, Code
from chalicelib.errors import NotFound
from chalicelib.functions.reconcile import reconcile
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.tenants import Tenant
from chalicelib.storage.users import User
from infra.deployment.inventory import ROOT
from infra.local import table_edits
from infra.local.schedule import run_now
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.conftest import TestClock
from tests.support.people import Person
from tests.support.purchases import buy_and_pay


def read_row(model: type[Any], *key: str | None) -> Any:
    found = get(model, *(str(part) for part in key))
    assert found is not None
    return found


def first_row(model: type[Any], seller: Person) -> Any:
    return next(iter(model.query(str(seller.reseller_id), consistent_read=True)))


def wrong_used_count(seller: Person, _: StripeSimulator) -> None:
    table_edits.edit(read_row(Reseller, seller.reseller_id), license_used=4)


def wrong_license_mark(seller: Person, _: StripeSimulator) -> None:
    table_edits.edit(first_row(Tenant, seller), holds_license=False)


def renamed_tenant(seller: Person, _: StripeSimulator) -> None:
    table_edits.edit(first_row(Tenant, seller), slug="azure")


def renamed_reseller(seller: Person, _: StripeSimulator) -> None:
    table_edits.edit(read_row(Reseller, seller.reseller_id), slug="azure")


def renamed_user(seller: Person, _: StripeSimulator) -> None:
    table_edits.edit(read_row(User, seller.user_id), email="azure@example.com")


def unlinked_user(seller: Person, _: StripeSimulator) -> None:
    table_edits.edit(read_row(User, seller.user_id), reseller_id=None)


def payment_without_webhook(seller: Person, stripe: StripeSimulator) -> None:
    buy_and_pay(seller, stripe, 10, deliver=False)


def refund_without_webhook(seller: Person, stripe: StripeSimulator) -> None:
    buy_and_pay(seller, stripe, 10)
    stripe.refund(first_row(Purchase, seller).session_id)


def purchase_missing_from_index(seller: Person, _: StripeSimulator) -> None:
    seller.api.post("/v1/resellers/me/purchases", {"quantity": 10})
    table_edits.edit(first_row(Purchase, seller), unsettled=None)


def session_missing_from_row(seller: Person, stripe: StripeSimulator) -> None:
    buy_and_pay(seller, stripe, 10)
    table_edits.edit(first_row(Purchase, seller), session_id=None)


Damage = Callable[[Person, StripeSimulator], None]
DAMAGE: dict[Damage, set[Code]] = {
    wrong_used_count: {Code.USED_MISMATCH},
    wrong_license_mark: {Code.TENANT_HOLDS_WRONGLY},
    renamed_tenant: {Code.ORPHAN_CLAIM, Code.MISSING_CLAIM},
    renamed_reseller: {Code.ORPHAN_CLAIM, Code.MISSING_CLAIM},
    renamed_user: {Code.ORPHAN_CLAIM, Code.MISSING_CLAIM},
    unlinked_user: {Code.RESELLER_WITHOUT_USER},
    payment_without_webhook: {Code.PURCHASE_UNCREDITED},
    refund_without_webhook: {Code.PURCHASE_OVERCREDITED},
    purchase_missing_from_index: {Code.STUCK_PURCHASE},
    session_missing_from_row: {Code.SESSION_WITHOUT_PURCHASE},
}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_safe_findings_are_repaired_automatically(
    seller: Person, stripe: StripeSimulator, frozen: TestClock, damage: Damage
) -> None:
    damage(seller, stripe)
    frozen.advance(timedelta(hours=2))  # newer sessions are not checked
    report = run_now("reconcile-whole")
    assert (report["scope"], report["status"], report["notes"]) == ("whole", "finished", [])
    assert set(report["repaired"]) == DAMAGE[damage] == set(report["found"])
    assert run_now("reconcile-whole")["found"] == {}


def test_every_safe_code_has_a_case() -> None:
    assert set().union(*DAMAGE.values()) == SAFE_CODES


def test_unsafe_findings_wait_for_a_person(seller: Person) -> None:
    table_edits.remove(first_row(LedgerEntry, seller))
    report = run_now("reconcile-whole")
    assert set(report["found"]) == {Code.COUNT_UNEXPLAINED}
    assert report["repaired"] == {}


@pytest.mark.parametrize("name", ["reconcile", "reconcile-repair"])
def test_the_sample_events_repair_only_if_they_say_so(seller: Person, name: str) -> None:
    table_edits.edit(read_row(Reseller, seller.reseller_id), license_used=4)
    event = json.loads((ROOT / "infra" / "events" / f"{name}.json").read_text())
    report = reconcile(event, None)
    assert set(report["found"]) == {Code.USED_MISMATCH}
    assert set(report["repaired"]) == ({Code.USED_MISMATCH} if name != "reconcile" else set())


def test_the_sample_event_for_one_reseller_needs_a_valid_id(seller: Person) -> None:
    event = json.loads((ROOT / "infra" / "events" / "reconcile-one-reseller.json").read_text())
    with pytest.raises(NotFound):
        reconcile(event, None)
    assert reconcile({**event, "reseller_id": seller.reseller_id}, None)["resellers"] == 1
