"""A purchase interrupted after its row is created and before its session is stored is resumed."""

import pytest

from chalicelib.storage.purchases import Purchase
from infra.local.stripe_simulator.faults import FaultKind
from infra.local.stripe_simulator.simulator import StripeSimulator
from tests.support.aws_faults import AwsFaults, transaction_canceled
from tests.support.people import People, Person

PURCHASES = "/v1/resellers/me/purchases"
ORDER = {"quantity": 3}
KEY = "client-key"
SESSIONS = "/v1/checkout/sessions"


@pytest.fixture
def buyer(people: People) -> Person:
    account = people.reseller()
    assert account.api.token
    return account


def rows(buyer: Person) -> list[Purchase]:
    return list(Purchase.query(buyer.reseller_id or ""))


@pytest.mark.parametrize("key", [KEY, None])
@pytest.mark.parametrize("kind", ["500", "drop_before", "drop_after", "timeout"])
def test_the_next_request_resumes_after_a_failure_at_stripe(
    buyer: Person, stripe: StripeSimulator, kind: FaultKind, key: str | None
) -> None:
    stripe.faults.fail(next=9, kind=kind, method="POST", path=SESSIONS)
    refused = buyer.api.post(PURCHASES, ORDER, key=key)
    assert (refused.status, refused.code) == (502, "payment_provider_unavailable")
    (left,) = rows(buyer)
    assert left.status == "pending"
    assert left.session_id is None

    stripe.faults.clear()
    made = buyer.api.post(PURCHASES, ORDER, key=key)
    assert (made.status, made.json["id"]) == (201, left.id)
    assert made.json["checkout_url"]
    assert len(rows(buyer)) == len(stripe.all("checkout.session")) == 1
    again = buyer.api.post(PURCHASES, ORDER, key=key)
    assert again.json == made.json
    assert ("Idempotent-Replayed" in again.headers) == (key is not None)


def test_a_crash_after_stripe_answered_keeps_the_session(
    buyer: Person, stripe: StripeSimulator, aws_faults: AwsFaults
) -> None:
    """Stripe created the session, but our second write failed. The retry gets the same session."""
    aws_faults.before(
        lambda: aws_faults.before(transaction_canceled("TransactionConflict"), times=10_000)
    )
    assert buyer.api.post(PURCHASES, ORDER, key=KEY).code == "busy"
    aws_faults.clear()
    (session,) = stripe.all("checkout.session")
    made = buyer.api.post(PURCHASES, ORDER, key=KEY)
    assert (made.status, made.json["checkout_url"]) == (201, session["url"])
    assert len(rows(buyer)) == len(stripe.all("checkout.session")) == 1


def test_two_keys_get_the_same_open_checkout(buyer: Person, stripe: StripeSimulator) -> None:
    """There is one open checkout per quantity. A request with either key returns and replays it."""
    first = buyer.api.post(PURCHASES, ORDER, key="one").json
    second = buyer.api.post(PURCHASES, ORDER, key="two").json
    assert first == second
    assert len(rows(buyer)) == len(stripe.all("checkout.session")) == 1
    replay = buyer.api.post(PURCHASES, ORDER, key="two")
    assert (replay.json, replay.headers["Idempotent-Replayed"]) == (second, "true")


def test_a_key_replays_its_first_response_after_the_payment(
    buyer: Person, stripe: StripeSimulator
) -> None:
    first = buyer.api.post(PURCHASES, ORDER, key=KEY)
    stripe.pay(first.json["checkout_url"].rsplit("/", 1)[1])
    again = buyer.api.post(PURCHASES, ORDER, key=KEY)
    assert again.json == first.json
    assert len(rows(buyer)) == 1


def test_two_resellers_have_separate_checkouts(people: People, buyer: Person) -> None:
    other = people.reseller()
    assert (
        buyer.api.post(PURCHASES, ORDER).json["id"] != other.api.post(PURCHASES, ORDER).json["id"]
    )
