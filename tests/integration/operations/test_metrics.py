"""The metrics in the log, from which CloudWatch feeds the dashboard and the alarms."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.services.mail import reseller_notices
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.resellers import Reseller
from infra.local import table_edits
from infra.local.schedule import run_now
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.support.people import People, Person
from tests.support.purchases import buy_and_pay

NewMetrics = Callable[[], dict[str, int]]


@pytest.fixture
def new_metrics(capsys: pytest.CaptureFixture[str]) -> NewMetrics:
    """Return the metrics logged since the last call, and check their namespace and dimension."""

    def metrics_since_last_call() -> dict[str, int]:
        sums: Counter[str] = Counter()
        for line in capsys.readouterr().out.splitlines():
            entry = json.loads(line)
            if "_aws" not in entry:
                continue
            (group,) = entry["_aws"]["CloudWatchMetrics"]
            assert (group["Namespace"], group["Dimensions"]) == ("Tenantry", [["service"]])
            assert entry["service"] == "tenantry"
            for metric in group["Metrics"]:
                sums[metric["Name"]] += int(sum(entry[metric["Name"]]))
        return dict(sums)

    return metrics_since_last_call


@pytest.fixture
def seller(people: People, new_metrics: NewMetrics) -> Person:
    seller = people.reseller(licenses=1)
    assert seller.api.token
    new_metrics()
    return seller


def session_of(seller: Person) -> str:
    (purchase,) = Purchase.query(str(seller.reseller_id), consistent_read=True)
    return purchase.session_id or ""


def test_taken_refused_and_released_licenses_are_counted(
    seller: Person, people: People, new_metrics: NewMetrics
) -> None:
    def create() -> Any:
        return seller.api.post("/v1/resellers/me/tenants", {"name": "Blue"})

    tenant = create().json
    assert new_metrics() == {"LicensesTaken": 1}
    create()
    assert new_metrics() == {"LicensesRefusedExhausted": 1}
    seller.api.delete(f"/v1/resellers/me/tenants/{tenant['id']}")
    assert new_metrics() == {"LicensesReleased": 1}
    path = f"/v1/resellers/{seller.reseller_id}"
    people.admin.api.patch(path, {"is_active": False})
    people.admin.api.post(f"{path}/tenants", {"name": "Green"})
    assert new_metrics() == {"LicensesRefusedInactive": 1}


def test_a_failed_step_after_a_commit_is_counted_and_the_request_succeeds(
    seller: Person, new_metrics: NewMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_reseller: object) -> None:
        raise RuntimeError("an error that nobody expected")

    monkeypatch.setattr(reseller_notices, "_report_level", fail)
    assert seller.api.post("/v1/resellers/me/tenants", {"name": "Blue"}).status == 201
    assert new_metrics() == {"LicensesTaken": 1, "FollowUpsFailed": 1}


def test_purchases_refunds_and_disputes_are_counted(
    seller: Person, stripe: StripeSimulator, new_metrics: NewMetrics
) -> None:
    buy_and_pay(seller, stripe, 10, deliver=False)
    new_metrics()
    run_now("sweep-purchases")
    assert new_metrics() == {"PurchasesSettled": 1, "PurchasesPaid": 1, "LicensesGranted": 10}
    stripe.refund(session_of(seller), 4_000)
    run_now("sweep-purchases")
    assert new_metrics() == {"PurchasesSettled": 1, "PurchasesRefunded": 1, "LicensesRevoked": 2}
    stripe.open_dispute(session_of(seller))
    run_now("sweep-purchases")
    assert new_metrics() == {"PurchasesSettled": 1, "PurchasesDisputed": 1, "LicensesRevoked": 8}
    run_now("sweep-purchases")
    assert new_metrics() == {}


def test_a_payment_without_a_webhook_is_counted_as_healed(
    seller: Person, stripe: StripeSimulator, new_metrics: NewMetrics, frozen: Any
) -> None:
    """For the first few minutes, the sweep does not count the payment as healed.

    The webhook event may still be on its way.
    """
    buy_and_pay(seller, stripe, 10, deliver=False)
    new_metrics()
    frozen.advance(timedelta(minutes=6))
    run_now("sweep-purchases")
    assert new_metrics()["PaymentsHealed"] == 1
    run_now("sweep-purchases")
    assert new_metrics() == {}


def test_current_levels_are_reported_every_hour(seller: Person, new_metrics: NewMetrics) -> None:
    seller.api.post("/v1/resellers/me/tenants", {"name": "Blue"})
    new_metrics()
    run_now("take-figures")
    assert new_metrics() == {
        "LicensesOwned": 1,
        "LicensesUsed": 1,
        "LicensesAvailable": 0,
        "Resellers": 1,
        "ResellersLow": 1,
        "ResellersOverAllocated": 0,
    }


def test_drift_is_counted(seller: Person, new_metrics: NewMetrics) -> None:
    table_edits.edit(Reseller.get(str(seller.reseller_id)), license_count=8)
    run_now("reconcile-whole")
    metrics = new_metrics()
    assert (metrics["UnexplainedDrift"], metrics["ReconciliationFindings"]) == (1, 1)
    assert metrics["ReconciliationRepairs"] == 0
