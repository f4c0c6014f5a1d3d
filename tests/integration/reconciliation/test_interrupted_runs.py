"""Runs that time out, die, or fail halfway.

The next run resumes where the last one stopped, and an unfinished run doesn't block others. The
tests simulate how long each step takes.
"""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.domain.actors import Actor
from chalicelib.domain.reconciliation import PurchaseFacts
from chalicelib.errors import Busy, PaymentProviderUnavailable
from chalicelib.services.reconciliation import reseller_checks, runs, scheduled
from chalicelib.storage import transactions
from chalicelib.storage.reports import FINISHED, RUNNING, Report
from infra.local import table_edits
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.conftest import TestClock
from tests.integration.reconciliation.admin_client import reseller_of
from tests.integration.reconciliation.hourly_runs import (
    PARTIAL,
    TIMEOUT_SECONDS,
    WHOLE,
    Killed,
    ScheduledFunction,
    in_scan_order,
    put_purchases,
    put_resellers,
    reports,
)
from tests.support.people import Person


def test_a_slow_run_stops_in_time_and_later_invocations_finish_it(
    tables: None, stripe: StripeSimulator, function: ScheduledFunction, set_inspection_cost: Any
) -> None:
    put_resellers(24)
    set_inspection_cost(lambda _, whole: 40.0 if whole else 0.1)
    for hour in range(3):
        assert function.invoke(PARTIAL if hour else WHOLE), "the run stops before it is killed"
    first, *hourly = reports()
    assert (first.scope, first.status, first.resellers) == ("whole", FINISHED, 24)
    assert [(r.scope, r.status, r.resellers) for r in hourly] == [("partial", FINISHED, 24)] * 2


def test_a_run_saves_its_position_while_it_works(
    tables: None, stripe: StripeSimulator, function: ScheduledFunction, set_inspection_cost: Any
) -> None:
    """If the function is killed, at most half a minute of work is lost."""
    put_resellers(8)
    fifth = in_scan_order()[5]

    def killed_once(reseller_id: str, whole: bool) -> float:
        if whole and reseller_id == fifth and not done:
            done.append(reseller_id)
            return TIMEOUT_SECONDS
        return 31.0 if whole else 0.0

    done: list[str] = []
    set_inspection_cost(killed_once)
    assert function.invoke(WHOLE) is None
    (report,) = reports()
    assert (report.status, report.resellers) == (RUNNING, 5)
    function.invoke(PARTIAL)
    assert (reports()[0].status, reports()[0].resellers) == (FINISHED, 8)


def test_a_reseller_that_takes_longer_than_the_timeout_is_skipped(
    tables: None, stripe: StripeSimulator, function: ScheduledFunction, set_inspection_cost: Any
) -> None:
    put_resellers(4)
    second = in_scan_order()[1]
    set_inspection_cost(lambda id, whole: TIMEOUT_SECONDS + 1 if whole and id == second else 0.0)
    for hour in range(5):
        function.invoke(PARTIAL if hour else WHOLE)
    first, *hourly = reports()
    assert (first.status, first.resellers) == (FINISHED, 3)
    assert first.notes == [f"{second}: skipped after failing twice."]
    assert [(r.scope, r.status, r.resellers) for r in hourly] == [("partial", FINISHED, 4)] * 4


def test_a_nightly_run_does_not_start_while_another_is_unfinished(
    tables: None, stripe: StripeSimulator, function: ScheduledFunction, set_inspection_cost: Any
) -> None:
    put_resellers(12)
    set_inspection_cost(lambda _, whole: 250.0 if whole else 0.0)
    for _ in range(3):
        function.invoke(WHOLE)
    assert [(r.scope, r.status) for r in reports()] == [("whole", RUNNING)]


def test_the_purchases_of_one_reseller_can_take_several_invocations(
    seller: Person,
    function: ScheduledFunction,
    stripe: StripeSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ids = put_purchases(seller, 95)
    queried: list[str] = []

    def compare(one: PurchaseFacts) -> PurchaseFacts:
        function.spend(14.0)
        queried.append(one.id)
        return one

    monkeypatch.setattr(reseller_checks, "compare_with_stripe", compare)
    function.invoke(WHOLE)
    assert 0 < len(queried) < len(ids)
    for _ in range(3):
        function.invoke(PARTIAL)
    assert queried == ids, "each purchase once, in order"
    assert reports()[0].status == FINISHED
    assert reports()[0].resellers == 1


def test_a_run_resumes_after_the_database_failed(
    tables: None, stripe: StripeSimulator, function: ScheduledFunction, set_inspection_cost: Any
) -> None:
    put_resellers(6)
    third = in_scan_order()[2]
    failures = [Busy(), Busy()]

    def cost(reseller_id: str, whole: bool) -> float:
        if whole and reseller_id == third and failures:
            raise failures.pop()
        return 0.0

    set_inspection_cost(cost)
    started = function.invoke(WHOLE)
    assert started is not None
    assert started["status"] == RUNNING
    assert reports()[0].resellers == 2
    failures.pop()
    function.invoke(PARTIAL)
    assert (reports()[0].status, reports()[0].resellers) == (FINISHED, 6)
    assert reports()[0].notes == []


def test_a_run_continues_after_saving_its_position_failed(
    tables: None,
    stripe: StripeSimulator,
    function: ScheduledFunction,
    set_inspection_cost: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put_resellers(4)
    set_inspection_cost(lambda _, whole: 40.0 if whole else 0.0)
    real, written = transactions._write, list[str]()

    def write(steps: Any) -> None:
        if any(step.model is Report for step in steps):
            written.append("report")
            if len(written) == 2:  # the first write creates the report
                raise Busy
        real(steps)

    monkeypatch.setattr(transactions, "_write", write)
    started = function.invoke(WHOLE)
    assert started is not None
    assert started["status"] == RUNNING
    assert reports()[0].cursor is not None, "the second attempt to save it went through"
    function.invoke(PARTIAL)
    assert (reports()[0].status, reports()[0].resellers) == (FINISHED, 4)


def test_a_run_resumes_after_stripe_was_unreachable(
    seller: Person,
    function: ScheduledFunction,
    stripe: StripeSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ids = put_purchases(seller, 25)
    queried: list[str] = []
    unreachable = [ids[10], ids[10]]

    def compare(one: PurchaseFacts) -> PurchaseFacts:
        if one.id in unreachable:
            unreachable.remove(one.id)
            raise PaymentProviderUnavailable
        queried.append(one.id)
        return one

    monkeypatch.setattr(reseller_checks, "compare_with_stripe", compare)
    function.invoke(WHOLE)
    assert (queried, reports()[0].status) == (ids[:10], RUNNING)
    unreachable.clear()
    function.invoke(PARTIAL)
    assert (queried, reports()[0].status) == (ids, FINISHED)


def test_a_list_that_keeps_failing_is_skipped(
    seller: Person, function: ScheduledFunction, stripe: StripeSimulator
) -> None:
    stripe.faults.fail(next=1000, kind="500", path="/v1/checkout/sessions")
    for hour in range(4):
        function.invoke(PARTIAL if hour else WHOLE)
    first = reports()[0]
    assert first.status == FINISHED
    assert first.notes == ["sessions: the payment provider could not be reached."]


def test_a_manual_run_that_died_does_not_block_scheduled_runs(
    seller: Person, function: ScheduledFunction, set_inspection_cost: Any
) -> None:
    set_inspection_cost(lambda _, whole: TIMEOUT_SECONDS + 1 if whole else 0.0)
    with pytest.raises(Killed):
        runs.start_run("whole", apply=False, by=Actor("usr_1"), seconds_left=lambda: 20.0)
    function.frozen.advance(timedelta(hours=1))
    table_edits.edit(reseller_of(seller), license_used=4)
    assert function.invoke(PARTIAL) is None
    assert reseller_of(seller).license_used == 2


def test_scheduled_runs_check_each_dormant_purchase_every_28_nights(
    seller: Person,
    frozen: TestClock,
    stripe: StripeSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A run started manually checks all dormant purchases."""
    old = put_purchases(seller, 12, created_at=clock.now() - timedelta(days=200))
    recent = put_purchases(seller, 3)
    queried: list[str] = []

    def compare(one: PurchaseFacts) -> PurchaseFacts:
        queried.append(one.id)
        return one

    monkeypatch.setattr(reseller_checks, "compare_with_stripe", compare)
    nights = []
    for _ in range(28):
        scheduled.handle_event(WHOLE, lambda: TIMEOUT_SECONDS)
        nights.append({id for id in queried if id in old})
        assert {id for id in queried if id in recent} == set(recent)
        queried.clear()
        frozen.advance(timedelta(days=1))
    assert sorted(id for night in nights for id in night) == old
    runs.start_run("whole", apply=False, by=Actor("usr_1"), seconds_left=lambda: TIMEOUT_SECONDS)
    assert sorted(queried) == sorted([*old, *recent])
