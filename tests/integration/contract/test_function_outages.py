"""Every call to AWS or Stripe that a function makes can fail.

A function may then fail as a whole, since its schedule, its queue, or Stripe runs it again. It
fails with an error that says what failed, and the next run completes what this one began. A new
function has to be added to EVENTS; its calls are found by running it.
"""

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest

from chalicelib.domain.custom_domains import RECHECK_AFTER
from chalicelib.domain.notices import Supply
from chalicelib.errors import TenantryError
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.users import User
from infra.deployment.inventory import API, ROOT, functions
from infra.local import table_edits
from infra.local.schedule import run_now
from tests.conftest import TestClock
from tests.support.examples import World
from tests.support.outages import Fault, Outages, faults_for
from tests.support.states import Situation, State, difference

HANDLERS = {function.name: function.handler for function in functions() if function.name != API}
SCHEDULED: Any = json.loads((ROOT / "infra" / "events" / "send-mail.json").read_text())
LATER = timedelta(hours=2)
# Links that were never delivered remain until they expire. The others are records of what was done.
NOT_COMPARED = {"credentials", "findings", "reconciliations", "stripe-events"}


def mail(world: World, _clock: TestClock) -> Any:
    world.people.admin.api.post("/v1/users", {"email": "new@example.com", "name": "New"})
    return SCHEDULED


def unnoticed_payment(world: World, _clock: TestClock) -> Any:
    world.purchase(paid_unnoticed=True)
    return SCHEDULED


def payment_event(world: World, clock: TestClock) -> Any:
    unnoticed_payment(world, clock)
    (event,) = world.stripe.events("checkout.session.completed")
    headers, body = world.stripe.signed(event)
    return {
        "headers": {name.lower(): value for name, value in headers.items()},
        "requestContext": {"http": {"method": "POST"}},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def damage(scope: str) -> Callable[[World, TestClock], Any]:
    def edit_counter(world: World, _clock: TestClock) -> Any:
        # The reseller has had its notice, whose text depends on the counter.
        reseller = Reseller(str(world.reseller.reseller_id))
        table_edits.edit(reseller, license_used=4, supply_told=Supply.LOW)
        return {"scope": scope, "apply": True, "by": "schedule"}

    return edit_counter


def due_domain(world: World, clock: TestClock) -> Any:
    host = world.domain()
    assert world.reseller.api.post(f"/v1/resellers/me/domains/{host}/verify").status == 200
    clock.advance(RECHECK_AFTER)
    return SCHEDULED


def no_admin(world: World, _clock: TestClock) -> Any:
    table_edits.edit(User(world.people.admin.user_id), is_super_admin=False)
    return {"email": "first@example.com", "name": "First"}


def nothing(_world: World, _clock: TestClock) -> Any:
    return SCHEDULED


# Work for each function, and the event to run it with.
EVENTS: list[tuple[str, Callable[[World, TestClock], Any]]] = [
    ("check-domains", due_domain),
    ("create-first-admin", no_admin),
    ("reconcile", damage("partial")),
    ("reconcile", damage("whole")),
    ("send-mail", mail),
    ("stripe-webhook", payment_event),
    ("sweep-purchases", unnoticed_payment),
    ("take-figures", nothing),
]


def test_every_function_has_an_event() -> None:
    assert {name for name, _ in EVENTS} == HANDLERS.keys()


@pytest.mark.parametrize(("name", "prepare"), EVENTS)
def test_a_function_survives_the_failure_of_each_call(
    world: World,
    frozen: TestClock,
    outages: Outages,
    name: str,
    prepare: Callable[[World, TestClock], Any],
) -> None:
    event = prepare(world, frozen)
    situation = Situation(world.stripe)
    start = frozen.now()

    def run(position: int | None = None, fault: Fault = Fault.REFUSED) -> Any:
        with outages.watch(position, fault):
            return invoke(name, event)

    def state_later() -> State:
        run_now("reconcile")
        found = situation.state(with_times=False)
        return {noun: rows for noun, rows in found.items() if noun not in NOT_COMPARED}

    run()
    calls, normal = outages.calls, state_later()
    assert [call.site for call in calls if not call.is_made_where_it_belongs] == []
    assert any(call.is_write for call in calls)
    problems = []
    for position, call in enumerate(calls):
        for fault in faults_for(call, position):
            situation.restore()
            frozen.current = start
            run(position, fault)
            frozen.advance(LATER)
            run()
            if (later := state_later()) != normal:
                wrong = difference(later, normal)
                problems.append(f"call {position}, {call}, {fault}: is never completed: {wrong}")
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


def invoke(name: str, event: Any) -> None:
    """Run the function. It may fail, but only with an error that says what failed."""
    module, _, handler = HANDLERS[name].rpartition(".")
    with suppress(TenantryError):
        getattr(import_module(module), handler)(event, None)
