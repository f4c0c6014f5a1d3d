"""Recovery from a crash before or after any single call to AWS or Stripe.

After the crash, either a retry of the request or the sweep must reach the same final state. Each
scenario runs once to record its calls, then once for each crash site: just before each call, so
that the call has no effect, and just after it.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from pynamodb.connection.base import Connection

from chalicelib.domain.actors import Actor
from chalicelib.errors import InvalidRequest
from chalicelib.services.core.idempotency import IdempotentRequest, run_once
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
from tests.support.tables import copy_rows, load_rows

QUANTITY = 100
Scenario = Callable[[StripeSimulator, IdempotentRequest | None], Any]


class Crash(BaseException):
    """A simulated process crash. It is a BaseException, which application code doesn't catch."""


class Calls:
    """Records every call to AWS and Stripe, and crashes at the call given by `crash_at`."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.crash_at: tuple[int, str] | None = None
        self.recording = False

    def make(self, name: str, call: Callable[[], Any]) -> Any:
        if not self.recording:
            return call()
        number = len(self.names)
        self.names.append(name)
        if self.crash_at == (number, "before"):
            raise Crash(name)
        result = call()
        if self.crash_at == (number, "after"):
            raise Crash(name)
        return result


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


def single_purchase() -> Purchase:
    (row,) = purchase_fixtures.rows("purchases")
    return checkout.read_purchase(purchase_fixtures.RESELLER, row["id"])


def buy(_stripe: StripeSimulator, once: IdempotentRequest | None) -> Any:
    account = purchase_fixtures.read_reseller()
    return checkout.buy_licenses(
        account, QUANTITY, by=Actor("usr_b"), once=once or IdempotentRequest()
    )


def settle_purchase(_stripe: StripeSimulator, once: IdempotentRequest | None) -> Any:
    return settle(single_purchase(), by=Actor("usr_admin"), once=once or IdempotentRequest())


def refund(_stripe: StripeSimulator, once: IdempotentRequest | None) -> Any:
    return refund_requests.refund_licenses(
        single_purchase(),
        91,
        reason="Too many",
        by=Actor("usr_admin"),
        once=once or IdempotentRequest(),
    )


def accept(_stripe: StripeSimulator, once: IdempotentRequest | None) -> Any:
    return accept_payment.accept_as_paid(
        single_purchase(), reason="Agreed", by=Actor("usr_admin"), once=once or IdempotentRequest()
    )


def no_purchase(_stripe: StripeSimulator) -> None:
    purchase_fixtures.create_reseller()


def open_checkout(stripe: StripeSimulator) -> None:
    no_purchase(stripe)
    buy(stripe, None)


def paid_at_stripe(stripe: StripeSimulator) -> None:
    open_checkout(stripe)
    stripe.pay(single_purchase().session_id or "")


def paid_and_settled(stripe: StripeSimulator) -> None:
    paid_at_stripe(stripe)
    settle(single_purchase())


def refunded_at_stripe(stripe: StripeSimulator) -> None:
    paid_and_settled(stripe)
    stripe.refund(single_purchase().session_id or "", 15_000)


def disputed_at_stripe(stripe: StripeSimulator) -> None:
    paid_and_settled(stripe)
    stripe.open_dispute(single_purchase().session_id or "")


def quarantined(stripe: StripeSimulator) -> None:
    open_checkout(stripe)
    table_edits.edit(single_purchase(), total=100_000)
    stripe.pay(single_purchase().session_id or "")
    settle(single_purchase())


def expired_at_stripe(stripe: StripeSimulator) -> None:
    open_checkout(stripe)
    stripe.expire(single_purchase().session_id or "")


SCENARIOS: dict[str, tuple[Callable[[StripeSimulator], None], Scenario, int]] = {
    # (starting state, operation that crashes, licenses in the pool at the end)
    "buy": (no_purchase, buy, 0),
    "settle paid": (paid_at_stripe, settle_purchase, 100),
    "settle refunded": (refunded_at_stripe, settle_purchase, 90),
    "settle disputed": (disputed_at_stripe, settle_purchase, 0),
    "settle expired": (expired_at_stripe, settle_purchase, 0),
    "refund": (paid_and_settled, refund, 9),
    "accept": (quarantined, accept, 100),
}


def run_with_key(scenario: Scenario, stripe: StripeSimulator) -> Any:
    """Run a request with an idempotency key as the API does, resuming a recorded request."""
    once = IdempotentRequest("key", "fingerprint", lambda created: {"id": created.id})
    return run_once(once, lambda current: scenario(stripe, current), lambda found: found.response)


def by_retry(scenario: Scenario, stripe: StripeSimulator) -> None:
    run_with_key(scenario, stripe)
    assert run_with_key(scenario, stripe) == {"id": single_purchase().id}


def by_unkeyed_retry(scenario: Scenario, stripe: StripeSimulator) -> None:
    with suppress(InvalidRequest):  # a second refund, which exceeds the remaining amount
        scenario(stripe, None)


def by_sweep(_scenario: Scenario, _stripe: StripeSimulator) -> None:
    run_sweep()


RECOVERIES = {"retry": by_retry, "unkeyed retry": by_unkeyed_retry, "sweep": by_sweep}


def check(stripe: StripeSimulator, name: str, recovery: str, recorded: bool) -> None:
    licenses = SCENARIOS[name][2]
    purchase_fixtures.check_invariants()
    sessions = stripe.all("checkout.session")
    assert len(sessions) <= 1
    if name == "buy":
        if recovery != "sweep":
            purchase = single_purchase()
            assert (purchase.status, purchase.session_id) == ("pending", sessions[0]["id"])
            assert purchase.checkout_url == sessions[0]["url"]
        return
    (row,) = purchase_fixtures.rows("purchases")
    refunds_made = stripe.all("refund")
    if name == "refund":
        # If the crash came before the refund was recorded, only the admin knows about the refund.
        licenses = licenses if recorded else QUANTITY
        assert sum(r["amount"] for r in refunds_made) == (127_500 if recorded else 0)
        assert len(refunds_made) == (1 if recorded else 0)
    if name == "accept" and not row.get("accepted"):
        # If the crash came before the acceptance was recorded, the admin has to accept again.
        assert (row["status"], row["licenses_granted"], recovery) == ("quarantined", 0, "sweep")
        return
    assert row["licenses_granted"] == licenses
    assert purchase_fixtures.read_reseller().license_count == licenses
    expected = purchase_fixtures.expected_grant(stripe, row["session_id"], QUANTITY)
    assert (row["licenses_granted"], row["amount_refunded"]) == expected
    assert purchase_fixtures.rows("claims") == []


@pytest.mark.parametrize("recovery", RECOVERIES)
@pytest.mark.parametrize("name", SCENARIOS)
def test_recovery_from_a_crash_at_any_call(
    name: str,
    recovery: str,
    tables: None,
    stripe: StripeSimulator,
    calls: Calls,
    frozen: Any,
) -> None:
    before, scenario, _ = SCENARIOS[name]
    before(stripe)
    # Cache the settings now, so that every run makes the same calls.
    platform_settings.cached_settings()
    start = copy_rows(), stripe.snapshot()
    calls.recording = True
    run_with_key(scenario, stripe)
    calls.recording = False
    sites = [(number, when) for number in range(len(calls.names)) for when in ("before", "after")]
    assert len(sites) > 6
    assert any(" /v1/" in call for call in calls.names)

    for site in sites:
        load_rows(start[0])
        stripe.restore(start[1])
        calls.names, calls.crash_at, calls.recording = [], site, True
        with pytest.raises(Crash):
            run_with_key(scenario, stripe)
        calls.recording = False
        recorded = any(row["refunds"] for row in purchase_fixtures.rows("purchases"))
        frozen.advance(timedelta(seconds=1))
        RECOVERIES[recovery](scenario, stripe)
        recorded = recorded or recovery != "sweep"
        check(stripe, name, recovery, recorded)
