"""The webhook function, from outside: what it lets in, what it answers, what it leaves behind."""

import base64
import json
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib import settings as house
from chalicelib.functions.stripe_webhook import MAX_BYTES, stripe_webhook
from chalicelib.payments import webhooks
from chalicelib.storage.transactions import Transaction
from infra.local.stripe_simulator import StripeSimulator
from infra.local.stripe_simulator.webhooks import signature
from tests.support import purchase_fixtures
from tests.support.people import People

SECRET = "whsec_simulator"


def post(
    body: bytes, headers: dict[str, str], *, encoded: bool = False, method: str = "POST"
) -> Any:
    return stripe_webhook(
        {
            "headers": {name.lower(): value for name, value in headers.items()},
            "requestContext": {"http": {"method": method}},
            "body": base64.b64encode(body).decode() if encoded else body.decode(),
            "isBase64Encoded": encoded,
        },
        None,
    )


@pytest.fixture
def paid(people: People, stripe: StripeSimulator) -> dict[str, Any]:
    """A purchase that Stripe knows to be paid, and nobody has told us yet."""
    bought = people.reseller().api.post("/v1/resellers/me/purchases", {"quantity": 12}).json
    stripe.pay(bought["checkout_url"].rsplit("/", 1)[1])
    return dict(bought)


@pytest.fixture
def message(paid: dict[str, Any], stripe: StripeSimulator) -> tuple[dict[str, str], bytes]:
    (event,) = stripe.events("checkout.session.completed")
    return stripe.signed(event)


def licenses() -> int:
    return sum(row["license_count"] for row in purchase_fixtures.rows("resellers"))


@pytest.mark.parametrize("encoded", [True, False])
def test_the_untouched_bytes_are_verified(
    message: tuple[dict[str, str], bytes], encoded: bool
) -> None:
    headers, body = message
    assert post(body, headers, encoded=encoded)["statusCode"] == 200
    assert licenses() == 12


def test_the_same_json_written_otherwise_is_refused(
    message: tuple[dict[str, str], bytes],
) -> None:
    headers, body = message
    assert post(json.dumps(json.loads(body)).encode(), headers)["statusCode"] == 400
    assert licenses() == 0


def signed(body: bytes, at: float, *, secret: str = SECRET) -> dict[str, str]:
    return {"Stripe-Signature": signature(body, [secret], int(at))}


@pytest.mark.parametrize(("seconds", "status"), [(-290, 200), (290, 200), (-310, 400), (310, 400)])
def test_stale_and_future(message: tuple[dict[str, str], bytes], seconds: int, status: int) -> None:
    _, body = message
    assert post(body, signed(body, time.time() + seconds))["statusCode"] == status
    assert licenses() == (12 if status == 200 else 0)


SIGNATURES = {
    "none": "",
    "another version": "t={now},v0={digest}",
    "no time": "v1={digest}",
    "no digest": "t={now},v1=",
    "a word for a time": "t=now,v1={digest}",
    "not ASCII": "t={now},v1=é{digest}",
    "digits of another script": "t=١٢٣,v1={digest}",
    "nonsense": "=,=,,",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_that_are_none(message: tuple[dict[str, str], bytes], name: str) -> None:
    _, body = message
    now = int(time.time())
    digest = signature(body, [SECRET], now).split("v1=")[1]
    header = SIGNATURES[name].format(now=now, digest=digest)
    assert post(body, {"Stripe-Signature": header})["statusCode"] == 400
    assert licenses() == 0


def test_a_wrong_secret(message: tuple[dict[str, str], bytes]) -> None:
    _, body = message
    assert post(body, signed(body, time.time(), secret="whsec_other"))["statusCode"] == 400


def test_secrets_rotate(
    message: tuple[dict[str, str], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, body = message
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_new, whsec_old")
    house.settings.cache_clear()
    try:
        for secret in ("whsec_new", "whsec_old"):
            assert post(body, signed(body, time.time(), secret=secret))["statusCode"] == 200
        assert post(body, signed(body, time.time()))["statusCode"] == 400
    finally:
        monkeypatch.undo()
        house.settings.cache_clear()


def test_too_large() -> None:
    body = b" " * (MAX_BYTES + 1)
    assert post(body, signed(body, time.time()))["statusCode"] == 413


def test_neither_base64_nor_post(message: tuple[dict[str, str], bytes]) -> None:
    headers, body = message
    assert post(body, headers, method="GET")["statusCode"] == 405
    broken = {
        "headers": {},
        "requestContext": {"http": {"method": "POST"}},
        "body": "%%%",
        "isBase64Encoded": True,
    }
    assert stripe_webhook(broken, None)["statusCode"] == 400


def test_live_money_is_not_ours(message: tuple[dict[str, str], bytes]) -> None:
    _, body = message
    live = json.dumps({**json.loads(body), "livemode": True}).encode()
    assert post(live, signed(live, time.time()))["statusCode"] == 400
    assert licenses() == 0


@pytest.mark.parametrize("body", [b"[]", b"nonsense", b'{"object": "v2.core.event"}', b"[" * 9999])
def test_signed_but_no_event(tables: None, body: bytes) -> None:
    assert post(body, signed(body, time.time()))["statusCode"] == 400


def test_what_is_on_record(paid: dict[str, Any], stripe: StripeSimulator) -> None:
    for event in stripe.events():
        headers, body = stripe.signed(event)
        assert post(body, headers)["statusCode"] == 200
    (event,) = stripe.events("checkout.session.completed")
    headers, body = stripe.signed(event)
    stripe.faults.fail(next=9, kind="500")
    assert post(body, headers)["statusCode"] == 500
    rows = purchase_fixtures.rows("stripe-events")
    recorded = {row["type"]: row for row in rows if row["id"].startswith("evt_")}
    assert recorded["charge.succeeded"]["outcome"] == "ignored"
    completed = recorded["checkout.session.completed"]
    assert completed["outcome"] == "failed: PaymentProviderRefused"
    assert (completed["attempts"], completed["purchase_id"]) == (2, paid["id"])
    stripe.faults.clear()
    assert post(body, headers)["statusCode"] == 200
    (row,) = [r for r in purchase_fixtures.rows("stripe-events") if r["id"] == event["id"]]
    assert (row["outcome"], row["attempts"], row["status"]) == ("nothing to do", 3, "paid")


def test_outcomes_in_words(paid: dict[str, Any], stripe: StripeSimulator) -> None:
    (event,) = stripe.events("checkout.session.completed")
    headers, body = stripe.signed(event)
    assert json.loads(post(body, headers)["body"]) == {"outcome": "settled +12"}
    stripe.refund(event["data"]["object"]["id"], 4_000)
    (event,) = stripe.events("charge.refunded")
    headers, body = stripe.signed(event)
    assert json.loads(post(body, headers)["body"]) == {"outcome": "settled -2"}


def test_another_products_payment_is_left_alone(tables: None, stripe: StripeSimulator) -> None:
    event = {
        "id": "evt_1",
        "type": "charge.refunded",
        "livemode": False,
        "created": int(time.time()),
        "data": {"object": {"id": "ch_1", "object": "charge", "payment_intent": "pi_1"}},
    }
    body = json.dumps(event).encode()
    answer = post(body, signed(body, time.time()))
    assert json.loads(answer["body"]) == {"outcome": "no purchase of ours"}


def test_it_answers_only_after_the_commit(
    message: tuple[dict[str, str], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(_tx: Transaction) -> None:
        raise ConnectionError

    headers, body = message
    with monkeypatch.context() as broken:
        broken.setattr(Transaction, "commit", lost)
        assert post(body, headers)["statusCode"] == 500
    assert licenses() == 0
    assert post(body, headers)["statusCode"] == 200
    assert licenses() == 12


def test_it_imports_nothing_it_does_not_need() -> None:
    """In a process of its own, as on Lambda: the module, and one message through all of it."""
    script = """
import sys
from infra.local.aws import ENVIRONMENT
import os
os.environ.update(ENVIRONMENT)
for name in [n for n in sys.modules if n.startswith(("yaml", "boto3", "infra"))]:
    del sys.modules[name]
from chalicelib.functions.stripe_webhook import stripe_webhook
import chalicelib.payments.webhooks, chalicelib.payments.reports, chalicelib.payments.listings
import chalicelib.services.stripe_sync.events
unwanted = ("jinja2", "pydantic", "argon2", "chalicelib.api", "chalicelib.web", "app", "httpx",
            "aiohttp", "email_validator", "dns", "chalicelib.services.identity")
print(sorted(n for n in sys.modules if n in unwanted or n.startswith(("jinja2.", "pydantic."))))
"""
    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == "[]"


def test_an_old_message_delivered_by_the_clock(
    message: tuple[dict[str, str], bytes], frozen: Any
) -> None:
    """The tolerance is of our clock too: a machine whose clock is behind refuses the future."""
    _, body = message
    frozen.advance(timedelta(seconds=-webhooks.TOLERANCE_SECONDS - 10))
    assert post(body, signed(body, time.time()))["statusCode"] == 400
