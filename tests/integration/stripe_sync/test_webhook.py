"""The webhook function: which requests it accepts, how it responds, and what it records."""

import base64
import json
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib import settings as app_settings
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
    """A purchase that is paid in Stripe, but whose webhook event has not arrived."""
    bought = people.reseller().api.post("/v1/resellers/me/purchases", {"quantity": 12}).json
    stripe.pay(bought["checkout_url"].rsplit("/", 1)[1])
    return dict(bought)


@pytest.fixture
def signed_event(paid: dict[str, Any], stripe: StripeSimulator) -> tuple[dict[str, str], bytes]:
    (event,) = stripe.events("checkout.session.completed")
    return stripe.signed(event)


def licenses() -> int:
    return sum(row["license_count"] for row in purchase_fixtures.rows("resellers"))


@pytest.mark.parametrize("encoded", [True, False])
def test_the_signature_is_verified_over_the_raw_bytes(
    signed_event: tuple[dict[str, str], bytes], encoded: bool
) -> None:
    headers, body = signed_event
    assert post(body, headers, encoded=encoded)["statusCode"] == 200
    assert licenses() == 12


def test_reserialized_json_is_refused(
    signed_event: tuple[dict[str, str], bytes],
) -> None:
    headers, body = signed_event
    assert post(json.dumps(json.loads(body)).encode(), headers)["statusCode"] == 400
    assert licenses() == 0


def signed(body: bytes, at: float, *, secret: str = SECRET) -> dict[str, str]:
    return {"Stripe-Signature": signature(body, [secret], int(at))}


@pytest.mark.parametrize(("seconds", "status"), [(-290, 200), (290, 200), (-310, 400), (310, 400)])
def test_a_timestamp_outside_the_tolerance_is_refused(
    signed_event: tuple[dict[str, str], bytes], seconds: int, status: int
) -> None:
    _, body = signed_event
    assert post(body, signed(body, time.time() + seconds))["statusCode"] == status
    assert licenses() == (12 if status == 200 else 0)


SIGNATURES = {
    "none": "",
    "another version": "t={now},v0={digest}",
    "no time": "v1={digest}",
    "no digest": "t={now},v1=",
    "time is not a number": "t=now,v1={digest}",
    "not ASCII": "t={now},v1=é{digest}",
    "digits of another script": "t=١٢٣,v1={digest}",
    "nonsense": "=,=,,",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_malformed_signature_is_refused(
    signed_event: tuple[dict[str, str], bytes], name: str
) -> None:
    _, body = signed_event
    now = int(time.time())
    digest = signature(body, [SECRET], now).split("v1=")[1]
    header = SIGNATURES[name].format(now=now, digest=digest)
    assert post(body, {"Stripe-Signature": header})["statusCode"] == 400
    assert licenses() == 0


def test_a_wrong_secret_is_refused(signed_event: tuple[dict[str, str], bytes]) -> None:
    _, body = signed_event
    assert post(body, signed(body, time.time(), secret="whsec_other"))["statusCode"] == 400


def test_both_secrets_are_accepted_during_a_rotation(
    signed_event: tuple[dict[str, str], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, body = signed_event
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_new, whsec_old")
    app_settings.settings.cache_clear()
    try:
        for secret in ("whsec_new", "whsec_old"):
            assert post(body, signed(body, time.time(), secret=secret))["statusCode"] == 200
        assert post(body, signed(body, time.time()))["statusCode"] == 400
    finally:
        monkeypatch.undo()
        app_settings.settings.cache_clear()


def test_a_body_over_the_size_limit_is_refused() -> None:
    body = b" " * (MAX_BYTES + 1)
    assert post(body, signed(body, time.time()))["statusCode"] == 413


def test_other_methods_and_invalid_base64_are_refused(
    signed_event: tuple[dict[str, str], bytes],
) -> None:
    headers, body = signed_event
    assert post(body, headers, method="GET")["statusCode"] == 405
    broken = {
        "headers": {},
        "requestContext": {"http": {"method": "POST"}},
        "body": "%%%",
        "isBase64Encoded": True,
    }
    assert stripe_webhook(broken, None)["statusCode"] == 400


def test_a_live_event_is_refused_in_test_mode(signed_event: tuple[dict[str, str], bytes]) -> None:
    _, body = signed_event
    live = json.dumps({**json.loads(body), "livemode": True}).encode()
    assert post(live, signed(live, time.time()))["statusCode"] == 400
    assert licenses() == 0


@pytest.mark.parametrize("body", [b"[]", b"nonsense", b'{"object": "v2.core.event"}', b"[" * 9999])
def test_a_signed_body_that_is_not_an_event_is_refused(tables: None, body: bytes) -> None:
    assert post(body, signed(body, time.time()))["statusCode"] == 400


def test_each_delivery_is_recorded_with_its_outcome(
    paid: dict[str, Any], stripe: StripeSimulator
) -> None:
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


def test_the_response_states_the_outcome(paid: dict[str, Any], stripe: StripeSimulator) -> None:
    (event,) = stripe.events("checkout.session.completed")
    headers, body = stripe.signed(event)
    assert json.loads(post(body, headers)["body"]) == {"outcome": "settled +12"}
    stripe.refund(event["data"]["object"]["id"], 4_000)
    (event,) = stripe.events("charge.refunded")
    headers, body = stripe.signed(event)
    assert json.loads(post(body, headers)["body"]) == {"outcome": "settled -2"}


def test_the_payment_of_another_product_is_ignored(tables: None, stripe: StripeSimulator) -> None:
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


def test_the_webhook_responds_2xx_only_after_the_commit(
    signed_event: tuple[dict[str, str], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_tx: Transaction) -> None:
        raise ConnectionError

    headers, body = signed_event
    with monkeypatch.context() as broken:
        broken.setattr(Transaction, "commit", fail)
        assert post(body, headers)["statusCode"] == 500
    assert licenses() == 0
    assert post(body, headers)["statusCode"] == 200
    assert licenses() == 12


def test_the_webhook_imports_only_what_it_needs() -> None:
    """The imports run in a separate process, as on Lambda."""
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
unwanted = ("jinja2", "pydantic", "argon2", "chalicelib.http", "chalicelib.api", "chalicelib.web",
            "app", "httpx", "aiohttp", "email_validator", "dns", "chalicelib.services.identity")
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


def test_a_timestamp_ahead_of_our_clock_is_refused(
    signed_event: tuple[dict[str, str], bytes], frozen: Any
) -> None:
    """The tolerance applies in both directions: if our clock is behind, the event is too new."""
    _, body = signed_event
    frozen.advance(timedelta(seconds=-webhooks.TOLERANCE_SECONDS - 10))
    assert post(body, signed(body, time.time()))["statusCode"] == 400
