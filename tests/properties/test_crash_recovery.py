"""A crash before or after any single call to AWS or Stripe: whoever comes next, the same
request or the sweep, arrives at the same truth.

Where a process can die is not typed in: each scenario is run once and its calls are recorded;
then it is run again for each of them, dying there. The call's effect is there when it dies
after it, and isn't when it dies before.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from pynamodb.connection.base import Connection

from chalicelib.errors import InvalidRequest
from chalicelib.services.core.idempotency import IdempotentRequest, find
from chalicelib.services.purchases import accept_payment, checkout
from chalicelib.services.purchases.settlement import settle
from chalicelib.services.refunds import refund_requests
from chalicelib.services.settings import platform_settings
from chalicelib.services.stripe_sync.sweep import run_sweep
from chalicelib.storage.purchases import Purchase
from infra.local import table_edits
from infra.local.stripe_simulator import StripeSimulator
from tests.support import purchase_fixtures
from tests.support.fast_moto import fast_moto
from tests.support.tables import load_rows, rows_of_all_tables

QUANTITY = 100
Scenario = Callable[[StripeSimulator, IdempotentRequest | None], Any]


class Crash(BaseException):
    """The process is gone: nothing in it can catch this and go on."""


class Calls:
    """Counts every call to AWS and Stripe, and dies at one of them where it is told to."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.die_at: tuple[int, str] | None = None
        self.watching = False

    def make(self, name: str, call: Callable[[], Any]) -> Any:
        if not self.watching:
            return call()
        number = len(self.names)
        self.names.append(name)
        if self.die_at == (number, "before"):
            raise Crash(name)
        made = call()
        if self.die_at == (number, "after"):
            raise Crash(name)
        return made


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, stripe: StripeSimulator) -> Iterator[Calls]:
    calls = Calls()
    to_stripe = stripe.handle

    def aws(self: Any, operation_name: str, operation_kwargs: dict[str, Any]) -> Any:
        return calls.make(operation_name, lambda: to_aws(self, operation_name, operation_kwargs))

    def handle(method: str, path: str, *rest: Any) -> Any:
        return calls.make(f"{method} {path}", lambda: to_stripe(method, path, *rest))

    with fast_moto():
        to_aws = Connection._make_api_call
        monkeypatch.setattr(Connection, "_make_api_call", aws)
        monkeypatch.setattr(stripe, "handle", handle)
        yield calls
        monkeypatch.undo()


def bought() -> Purchase:
    (row,) = purchase_fixtures.rows("purchases")
    return checkout.read_purchase(purchase_fixtures.RESELLER, row["id"])


def buy(_stripe: StripeSimulator, once: IdempotentRequest | None) -> Any:
    account = purchase_fixtures.read_reseller()
    return checkout.buy_licenses(account, QUANTITY, by="usr_b", once=once or IdempotentRequest())


def settle_it(_stripe: StripeSimulator, once: IdempotentRequest | None) -> Any:
    return settle(bought(), by="usr_admin", once=once or IdempotentRequest())


def refund_it(_stripe: StripeSimulator, once: IdempotentRequest | None) -> Any:
    return refund_requests.refund_licenses(
        bought(), 91, reason="Too many", by="usr_admin", once=once or IdempotentRequest()
    )


def accept_it(_stripe: StripeSimulator, once: IdempotentRequest | None) -> Any:
    return accept_payment.accept_as_paid(
        bought(), reason="Agreed", by="usr_admin", once=once or IdempotentRequest()
    )


def nothing(_stripe: StripeSimulator) -> None:
    purchase_fixtures.create_reseller()


def open_checkout(stripe: StripeSimulator) -> None:
    nothing(stripe)
    buy(stripe, None)


def paid_at_stripe(stripe: StripeSimulator) -> None:
    open_checkout(stripe)
    stripe.pay(bought().session_id or "")


def paid_and_settled(stripe: StripeSimulator) -> None:
    paid_at_stripe(stripe)
    settle(bought())


def refunded_at_stripe(stripe: StripeSimulator) -> None:
    paid_and_settled(stripe)
    stripe.refund(bought().session_id or "", 15_000)


def disputed_at_stripe(stripe: StripeSimulator) -> None:
    paid_and_settled(stripe)
    stripe.open_dispute(bought().session_id or "")


def not_as_quoted(stripe: StripeSimulator) -> None:
    open_checkout(stripe)
    table_edits.edit(bought(), total=100_000)
    stripe.pay(bought().session_id or "")
    settle(bought())


def expired_at_stripe(stripe: StripeSimulator) -> None:
    open_checkout(stripe)
    stripe.expire(bought().session_id or "")


SCENARIOS: dict[str, tuple[Callable[[StripeSimulator], None], Scenario, int]] = {
    # what was before, what dies on the way, what the pool holds in the end
    "buy": (nothing, buy, 0),
    "settle paid": (paid_at_stripe, settle_it, 100),
    "settle refunded": (refunded_at_stripe, settle_it, 90),
    "settle disputed": (disputed_at_stripe, settle_it, 0),
    "settle expired": (expired_at_stripe, settle_it, 0),
    "refund": (paid_and_settled, refund_it, 9),
    "accept": (not_as_quoted, accept_it, 100),
}


def keyed(scenario: Scenario, stripe: StripeSimulator) -> Any:
    """As the API carries a keyed request out: find what is on record, and go on from there."""
    found = find("key", "fingerprint")
    if found is not None and found.response is not None:
        return found.response
    once = IdempotentRequest(
        "key", "fingerprint", lambda made: {"id": made.id}, found.ref if found else None
    )
    return scenario(stripe, once)


def by_retry(scenario: Scenario, stripe: StripeSimulator) -> None:
    keyed(scenario, stripe)
    assert keyed(scenario, stripe) == {"id": bought().id}


def by_unkeyed_retry(scenario: Scenario, stripe: StripeSimulator) -> None:
    with suppress(InvalidRequest):  # an admin's second refund; there is not as much left
        scenario(stripe, None)


def by_sweep(_scenario: Scenario, _stripe: StripeSimulator) -> None:
    run_sweep()


RESCUES = {"retry": by_retry, "unkeyed retry": by_unkeyed_retry, "sweep": by_sweep}


def check(stripe: StripeSimulator, name: str, rescue: str, reached: bool) -> None:
    licenses = SCENARIOS[name][2]
    purchase_fixtures.check_invariants()
    sessions = stripe.all("checkout.session")
    assert len(sessions) <= 1
    if name == "buy":
        if rescue != "sweep":
            open_one = bought()
            assert (open_one.status, open_one.session_id) == ("pending", sessions[0]["id"])
            assert open_one.checkout_url == sessions[0]["url"]
        return
    (row,) = purchase_fixtures.rows("purchases")
    refunds_made = stripe.all("refund")
    if name == "refund":
        # Died before its intent was recorded, nobody but the admin knows of it.
        wanted = licenses if reached else QUANTITY
        assert sum(r["amount"] for r in refunds_made) == (127_500 if reached else 0)
        assert len(refunds_made) == (1 if reached else 0)
        licenses = wanted
    if name == "accept" and not row.get("accepted"):
        # Died before the word was given: it waits for another.
        assert (row["status"], row["licenses_granted"], rescue) == ("quarantined", 0, "sweep")
        return
    assert row["licenses_granted"] == licenses
    assert purchase_fixtures.read_reseller().license_count == licenses
    truth = purchase_fixtures.expected_grant(stripe, row["session_id"], QUANTITY)
    assert (row["licenses_granted"], row["amount_refunded"]) == truth
    assert purchase_fixtures.rows("claims") == []


@pytest.mark.parametrize("rescue", RESCUES)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_crash_anywhere(
    name: str,
    rescue: str,
    tables: None,
    stripe: StripeSimulator,
    calls: Calls,
    frozen: Any,
) -> None:
    before, scenario, _ = SCENARIOS[name]
    before(stripe)
    # Cached for a while, so the call is not made every time.
    platform_settings.cached_settings()
    start = rows_of_all_tables(), stripe.snapshot()
    calls.watching = True
    keyed(scenario, stripe)
    calls.watching = False
    sites = [(number, when) for number in range(len(calls.names)) for when in ("before", "after")]
    assert len(sites) > 6
    assert any(" /v1/" in call for call in calls.names)

    for site in sites:
        load_rows(start[0])
        stripe.restore(start[1])
        calls.names, calls.die_at, calls.watching = [], site, True
        with pytest.raises(Crash):
            keyed(scenario, stripe)
        calls.watching = False
        reached = any(row["refunds"] for row in purchase_fixtures.rows("purchases"))
        frozen.advance(timedelta(seconds=1))
        RESCUES[rescue](scenario, stripe)
        reached = reached or rescue != "sweep"
        check(stripe, name, rescue, reached)
