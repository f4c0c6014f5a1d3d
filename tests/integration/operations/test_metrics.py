"""What is counted, as CloudWatch reads it in the log: an admin's dashboard is made of it."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.storage.purchases import Purchase
from chalicelib.storage.resellers import Reseller
from infra.local import table_edits
from infra.local.schedule import run_now
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.support.people import People, Person
from tests.support.purchases import buy_and_pay

Counted = Callable[[], dict[str, int]]


@pytest.fixture
def counted(capsys: pytest.CaptureFixture[str]) -> Counted:
    """The metrics that were told since the last look, each with the one dimension that the
    dashboard asks for."""

    def since() -> dict[str, int]:
        sums: Counter[str] = Counter()
        for line in capsys.readouterr().out.splitlines():
            told = json.loads(line)
            if "_aws" not in told:
                continue
            (group,) = told["_aws"]["CloudWatchMetrics"]
            assert (group["Namespace"], group["Dimensions"]) == ("Tenantry", [["service"]])
            assert told["service"] == "tenantry"
            for metric in group["Metrics"]:
                sums[metric["Name"]] += int(sum(told[metric["Name"]]))
        return dict(sums)

    return since


@pytest.fixture
def seller(people: People, counted: Counted) -> Person:
    seller = people.reseller(licenses=1)
    assert seller.api.token
    counted()
    return seller


def session_of(seller: Person) -> str:
    (purchase,) = Purchase.query(str(seller.reseller_id), consistent_read=True)
    return purchase.session_id or ""


def test_licenses_taken_refused_and_released(
    seller: Person, people: People, counted: Counted
) -> None:
    def create() -> Any:
        return seller.api.post("/v1/resellers/me/tenants", {"name": "Blue"})

    made = create().json
    assert counted() == {"LicensesTaken": 1}
    create()
    assert counted() == {"LicensesRefusedExhausted": 1}
    seller.api.delete(f"/v1/resellers/me/tenants/{made['id']}")
    assert counted() == {"LicensesReleased": 1}
    account = f"/v1/resellers/{seller.reseller_id}"
    people.admin.api.patch(account, {"is_active": False})
    people.admin.api.post(f"{account}/tenants", {"name": "Green"})
    assert counted() == {"LicensesRefusedInactive": 1}


def test_a_purchase_and_what_becomes_of_it(
    seller: Person, stripe: StripeSimulator, counted: Counted
) -> None:
    buy_and_pay(seller, stripe, 10, deliver=False)
    counted()
    run_now("sweep-purchases")
    assert counted() == {"PurchasesSettled": 1, "PurchasesPaid": 1, "LicensesGranted": 10}
    stripe.refund(session_of(seller), 4_000)
    run_now("sweep-purchases")
    assert counted() == {"PurchasesSettled": 1, "PurchasesRefunded": 1, "LicensesRevoked": 2}
    stripe.open_dispute(session_of(seller))
    run_now("sweep-purchases")
    assert counted() == {"PurchasesSettled": 1, "PurchasesDisputed": 1, "LicensesRevoked": 8}
    run_now("sweep-purchases")
    assert counted() == {}


def test_a_payment_that_no_message_told_of(
    seller: Person, stripe: StripeSimulator, counted: Counted, frozen: Any
) -> None:
    """Within a few minutes a message may still be on its way."""
    buy_and_pay(seller, stripe, 10, deliver=False)
    counted()
    frozen.advance(timedelta(minutes=6))
    run_now("sweep-purchases")
    assert counted()["PaymentsHealed"] == 1
    run_now("sweep-purchases")
    assert counted() == {}


def test_what_stands_is_told_every_hour(seller: Person, counted: Counted) -> None:
    seller.api.post("/v1/resellers/me/tenants", {"name": "Blue"})
    counted()
    run_now("take-figures")
    assert counted() == {
        "LicensesOwned": 1,
        "LicensesUsed": 1,
        "LicensesAvailable": 0,
        "Resellers": 1,
        "ResellersLow": 1,
        "ResellersOverAllocated": 0,
    }


def test_drift_is_told(seller: Person, counted: Counted) -> None:
    table_edits.edit(Reseller.get(str(seller.reseller_id)), license_count=8)
    run_now("reconcile-whole")
    told = counted()
    assert (told["UnexplainedDrift"], told["ReconciliationFindings"]) == (1, 1)
    assert told["ReconciliationRepairs"] == 0
