"""Runs that outlive the function, or fail halfway: each goes on where the last stopped, and
none keeps another from being made. Time is told, not taken: what each step costs is given."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib import clock
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


def test_slow_resellers_are_looked_at_one_after_the_other(
    tables: None, stripe: StripeSimulator, function: ScheduledFunction, counting: Any
) -> None:
    put_resellers(24)
    counting(lambda _, whole: 40.0 if whole else 0.1)
    for hour in range(3):
        assert function.hour(PARTIAL if hour else WHOLE), "it stops before it is killed"
    first, *hourly = reports()
    assert (first.scope, first.status, first.resellers) == ("whole", FINISHED, 24)
    assert [(r.scope, r.status, r.resellers) for r in hourly] == [("partial", FINISHED, 24)] * 2


def test_a_position_is_saved_while_it_works(
    tables: None, stripe: StripeSimulator, function: ScheduledFunction, counting: Any
) -> None:
    """Whoever kills it, and whenever, half a minute's work is lost."""
    put_resellers(8)
    fifth = in_scan_order()[5]

    def killed_once(reseller_id: str, whole: bool) -> float:
        if whole and reseller_id == fifth and not done:
            done.append(reseller_id)
            return TIMEOUT_SECONDS
        return 31.0 if whole else 0.0

    done: list[str] = []
    counting(killed_once)
    assert function.hour(WHOLE) is None
    (report,) = reports()
    assert (report.status, report.resellers) == (RUNNING, 5)
    function.hour(PARTIAL)
    assert (reports()[0].status, reports()[0].resellers) == (FINISHED, 8)


def test_a_reseller_that_outlives_the_function_is_passed_over(
    tables: None, stripe: StripeSimulator, function: ScheduledFunction, counting: Any
) -> None:
    put_resellers(4)
    second = in_scan_order()[1]
    counting(lambda id, whole: TIMEOUT_SECONDS + 1 if whole and id == second else 0.0)
    for hour in range(5):
        function.hour(PARTIAL if hour else WHOLE)
    first, *hourly = reports()
    assert (first.status, first.resellers) == (FINISHED, 3)
    assert first.notes == [f"{second}: left out, since looking at it failed twice."]
    assert [(r.scope, r.status, r.resellers) for r in hourly] == [("partial", FINISHED, 4)] * 4


def test_a_night_does_not_begin_while_another_is_under_way(
    tables: None, stripe: StripeSimulator, function: ScheduledFunction, counting: Any
) -> None:
    put_resellers(12)
    counting(lambda _, whole: 250.0 if whole else 0.0)
    for _ in range(3):
        function.hour(WHOLE)
    assert [(r.scope, r.status) for r in reports()] == [("whole", RUNNING)]


def test_one_resellers_purchases_are_asked_about_in_several_runs(
    seller: Person,
    function: ScheduledFunction,
    stripe: StripeSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ids = put_purchases(seller, 95)
    asked: list[str] = []

    def by_stripe(one: PurchaseFacts) -> PurchaseFacts:
        function.takes(14.0)
        asked.append(one.id)
        return one

    monkeypatch.setattr(reseller_checks, "compare_with_stripe", by_stripe)
    function.hour(WHOLE)
    assert 0 < len(asked) < len(ids)
    for _ in range(3):
        function.hour(PARTIAL)
    assert asked == ids, "each once, in order"
    assert reports()[0].status == FINISHED
    assert reports()[0].resellers == 1


def test_the_database_failing_is_gone_on_from(
    tables: None, stripe: StripeSimulator, function: ScheduledFunction, counting: Any
) -> None:
    put_resellers(6)
    third = in_scan_order()[2]
    failures = [Busy(), Busy()]

    def cost(reseller_id: str, whole: bool) -> float:
        if whole and reseller_id == third and failures:
            raise failures.pop()
        return 0.0

    counting(cost)
    begun = function.hour(WHOLE)
    assert begun is not None
    assert begun["status"] == RUNNING
    assert reports()[0].resellers == 2
    failures.pop()
    function.hour(PARTIAL)
    assert (reports()[0].status, reports()[0].resellers) == (FINISHED, 6)
    assert reports()[0].notes == []


def test_a_position_that_cannot_be_saved_ends_nothing(
    tables: None,
    stripe: StripeSimulator,
    function: ScheduledFunction,
    counting: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put_resellers(4)
    counting(lambda _, whole: 40.0 if whole else 0.0)
    real, written = transactions._write, list[str]()

    def write(steps: Any) -> None:
        if any(step.model is Report for step in steps):
            written.append("report")
            if len(written) == 2:  # the first makes it
                raise Busy
        real(steps)

    monkeypatch.setattr(transactions, "_write", write)
    begun = function.hour(WHOLE)
    assert begun is not None
    assert begun["status"] == RUNNING
    assert reports()[0].cursor is not None, "the second attempt to save it went through"
    function.hour(PARTIAL)
    assert (reports()[0].status, reports()[0].resellers) == (FINISHED, 4)


def test_stripe_out_of_reach_is_gone_on_from(
    seller: Person,
    function: ScheduledFunction,
    stripe: StripeSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ids = put_purchases(seller, 25)
    asked: list[str] = []
    away = [ids[10], ids[10]]

    def by_stripe(one: PurchaseFacts) -> PurchaseFacts:
        if one.id in away:
            away.remove(one.id)
            raise PaymentProviderUnavailable
        asked.append(one.id)
        return one

    monkeypatch.setattr(reseller_checks, "compare_with_stripe", by_stripe)
    function.hour(WHOLE)
    assert (asked, reports()[0].status) == (ids[:10], RUNNING)
    away.clear()
    function.hour(PARTIAL)
    assert (asked, reports()[0].status) == (ids, FINISHED)


def test_a_list_that_cannot_be_read_is_left_in_the_end(
    seller: Person, function: ScheduledFunction, stripe: StripeSimulator
) -> None:
    stripe.faults.fail(next=1000, kind="500", path="/v1/checkout/sessions")
    for hour in range(4):
        function.hour(PARTIAL if hour else WHOLE)
    first = reports()[0]
    assert first.status == FINISHED
    assert first.notes == ["sessions: the payment provider could not be reached."]


def test_a_persons_run_that_died_does_not_stop_the_schedule(
    seller: Person, function: ScheduledFunction, counting: Any
) -> None:
    counting(lambda _, whole: TIMEOUT_SECONDS + 1 if whole else 0.0)
    with pytest.raises(Killed):
        runs.start_run("whole", apply=False, by="usr_1", seconds_left=lambda: 20.0)
    function.frozen.advance(timedelta(hours=1))
    table_edits.edit(reseller_of(seller), license_used=4)
    assert function.hour(PARTIAL) is None
    assert reseller_of(seller).license_used == 2


def test_purchases_at_rest_are_asked_about_in_turn(
    seller: Person,
    frozen: TestClock,
    stripe: StripeSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By schedule, each within four weeks; for a person, all."""
    old = put_purchases(seller, 12, created_at=clock.now() - timedelta(days=200))
    young = put_purchases(seller, 3)
    asked: list[str] = []

    def by_stripe(one: PurchaseFacts) -> PurchaseFacts:
        asked.append(one.id)
        return one

    monkeypatch.setattr(reseller_checks, "compare_with_stripe", by_stripe)
    nights = []
    for _ in range(28):
        scheduled.handle_event(WHOLE, lambda: TIMEOUT_SECONDS)
        nights.append({id for id in asked if id in old})
        assert {id for id in asked if id in young} == set(young)
        asked.clear()
        frozen.advance(timedelta(days=1))
    assert sorted(id for night in nights for id in night) == old
    runs.start_run("whole", apply=False, by="usr_1", seconds_left=lambda: TIMEOUT_SECONDS)
    assert sorted(asked) == sorted([*old, *young])
