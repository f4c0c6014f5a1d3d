"""The nightly run, invoked as the schedule does: it mends by itself whatever is safe to mend.

What it calls on AWS for that is what its policy allows (tests/support/iam_recorder.py), so a
kind of repair that is not here could not be carried out there.
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


def row_of(model: type[Any], *key: str | None) -> Any:
    found = get(model, *(str(part) for part in key))
    assert found is not None
    return found


def first_of(model: type[Any], seller: Person) -> Any:
    return next(iter(model.query(str(seller.reseller_id), consistent_read=True)))


def wrong_count(seller: Person, _: StripeSimulator) -> None:
    table_edits.edit(row_of(Reseller, seller.reseller_id), license_used=4)


def wrong_mark(seller: Person, _: StripeSimulator) -> None:
    table_edits.edit(first_of(Tenant, seller), holds_license=False)


def renamed_tenant(seller: Person, _: StripeSimulator) -> None:
    table_edits.edit(first_of(Tenant, seller), slug="azure")


def renamed_reseller(seller: Person, _: StripeSimulator) -> None:
    table_edits.edit(row_of(Reseller, seller.reseller_id), slug="azure")


def renamed_user(seller: Person, _: StripeSimulator) -> None:
    table_edits.edit(row_of(User, seller.user_id), email="azure@example.com")


def unlinked_user(seller: Person, _: StripeSimulator) -> None:
    table_edits.edit(row_of(User, seller.user_id), reseller_id=None)


def unheard_payment(seller: Person, stripe: StripeSimulator) -> None:
    buy_and_pay(seller, stripe, 10, deliver=False)


def unheard_refund(seller: Person, stripe: StripeSimulator) -> None:
    buy_and_pay(seller, stripe, 10)
    stripe.refund(first_of(Purchase, seller).session_id)


def hidden_purchase(seller: Person, _: StripeSimulator) -> None:
    seller.api.post("/v1/resellers/me/purchases", {"quantity": 10})
    table_edits.edit(first_of(Purchase, seller), unsettled=None)


def forgotten_session(seller: Person, stripe: StripeSimulator) -> None:
    buy_and_pay(seller, stripe, 10)
    table_edits.edit(first_of(Purchase, seller), session_id=None)


Harm = Callable[[Person, StripeSimulator], None]
HARM: dict[Harm, set[Code]] = {
    wrong_count: {Code.USED_MISMATCH},
    wrong_mark: {Code.TENANT_HOLDS_WRONGLY},
    renamed_tenant: {Code.ORPHAN_CLAIM, Code.MISSING_CLAIM},
    renamed_reseller: {Code.ORPHAN_CLAIM, Code.MISSING_CLAIM},
    renamed_user: {Code.ORPHAN_CLAIM, Code.MISSING_CLAIM},
    unlinked_user: {Code.RESELLER_WITHOUT_USER},
    unheard_payment: {Code.PURCHASE_UNCREDITED},
    unheard_refund: {Code.PURCHASE_OVERCREDITED},
    hidden_purchase: {Code.STUCK_PURCHASE},
    forgotten_session: {Code.SESSION_WITHOUT_PURCHASE},
}


@pytest.mark.parametrize("harm", HARM, ids=lambda harm: harm.__name__)
def test_it_mends_what_is_safe(
    seller: Person, stripe: StripeSimulator, frozen: TestClock, harm: Harm
) -> None:
    harm(seller, stripe)
    frozen.advance(timedelta(hours=2))  # what is newer may be under way
    report = run_now("reconcile-whole")
    assert (report["scope"], report["status"], report["notes"]) == ("whole", "finished", [])
    assert set(report["repaired"]) == HARM[harm] == set(report["found"])
    assert run_now("reconcile-whole")["found"] == {}


def test_every_safe_repair_is_carried_out() -> None:
    assert set().union(*HARM.values()) == SAFE_CODES


def test_what_is_not_safe_waits_for_a_person(seller: Person) -> None:
    table_edits.remove(first_of(LedgerEntry, seller))
    report = run_now("reconcile-whole")
    assert set(report["found"]) == {Code.COUNT_UNEXPLAINED}
    assert report["repaired"] == {}


@pytest.mark.parametrize("name", ["reconcile", "reconcile-repair"])
def test_events_for_the_console_do_as_their_readme_says(seller: Person, name: str) -> None:
    table_edits.edit(row_of(Reseller, seller.reseller_id), license_used=4)
    event = json.loads((ROOT / "infra" / "events" / f"{name}.json").read_text())
    report = reconcile(event, None)
    assert set(report["found"]) == {Code.USED_MISMATCH}
    assert set(report["repaired"]) == ({Code.USED_MISMATCH} if name != "reconcile" else set())


def test_the_event_for_one_reseller_wants_its_id(seller: Person) -> None:
    event = json.loads((ROOT / "infra" / "events" / "reconcile-one-reseller.json").read_text())
    with pytest.raises(NotFound):
        reconcile(event, None)
    assert reconcile({**event, "reseller_id": seller.reseller_id}, None)["resellers"] == 1
