"""Every object in every event has the fields, types, and values that Stripe's SDK declares.

The SDK's classes are generated from Stripe's description of its API, for the version that we use.
"""

from __future__ import annotations

from decimal import Decimal
from types import NoneType
from typing import ForwardRef, Literal, Union, get_args, get_origin

import pytest
import stripe
from stripe._stripe_object import UntypedStripeObject

from infra.local.stripe_simulator.account import Object
from tests.unit.stripe_simulator.shop import Shop
from tests.unit.stripe_simulator.source import emitted_event_types

CLASSES: dict[str, type[stripe.StripeObject]] = {
    kind.OBJECT_NAME: kind
    for kind in (
        stripe.BalanceTransaction,
        stripe.Charge,
        stripe.Customer,
        stripe.Dispute,
        stripe.Event,
        stripe.Invoice,
        stripe.InvoiceLineItem,
        stripe.LineItem,
        stripe.PaymentIntent,
        stripe.Price,
        stripe.Refund,
        stripe.checkout.Session,
    )
}


def problems(value: object, hint: object, where: str) -> list[str]:
    """Return how a JSON value differs from an SDK type."""
    origin, options = get_origin(hint) or hint, get_args(hint)
    if origin is Union:
        return _union_problems(value, options, where)
    if origin is Literal:
        return [] if value in options else [f"{where}: {value!r} is not a declared value"]
    if isinstance(value, dict) and isinstance(origin, type | ForwardRef):
        return _object_problems(value, origin, where)
    if isinstance(value, list) and origin is list:
        return [p for item in value for p in problems(item, options[0], f"{where}[]")]
    if isinstance(value, str) and origin is Decimal:
        return [] if str(Decimal(value)) == value else [f"{where}: {value!r} is not a number"]
    return [] if type(value) is origin else [f"{where}: {value!r} instead of {origin}"]


def _union_problems(value: object, options: tuple[object, ...], where: str) -> list[str]:
    # The SDK also accepts values that it does not know yet, but the simulator must not send any.
    closed = any(get_origin(option) is Literal for option in options)
    found = [problems(value, o, where) for o in options if not (closed and o is str)]
    return min(found, key=len)


def _object_problems(value: Object, kind: type | ForwardRef, where: str) -> list[str]:
    if value.get("object") == "list":
        return [p for item in value["data"] for p in _object_problems(item, object, f"{where}[]")]
    name = value.get("object")
    kind = CLASSES.get(name, object) if isinstance(name, str) else kind
    if not (isinstance(kind, type) and issubclass(kind, stripe.StripeObject)):
        return [f"{where}: an object instead of {kind}"]
    if issubclass(kind, UntypedStripeObject):
        return []
    hints = kind.__annotations__
    required = {n for n, hint in hints.items() if NoneType not in get_args(hint)} - {"OBJECT_NAME"}
    return [
        *(f"{where}.{name} is missing" for name in required - value.keys()),
        *(f"{where}.{name} is unknown" for name in value.keys() - hints.keys()),
        *(
            problem
            for name in value.keys() & hints.keys()
            for problem in problems(value[name], hints[name], f"{where}.{name}")
        ),
    ]


@pytest.fixture
def busy_shop(shop: Shop) -> Shop:
    """A shop with every type of event."""
    simulator = shop.simulator
    shop.paid_session(invoice_creation={"enabled": True})
    shop.paid_session(payment_intent_data={"description": "Licenses", "receipt_email": "a@b.c"})
    free = shop.create_session(customer_email="a@b.example", allow_promotion_codes=True)
    simulator.pay_nothing(free.id)
    declined = shop.create_session().id
    simulator.decline_card(declined)
    simulator.expire(declined)
    for bank in (simulator.bank_confirms, simulator.bank_declines):
        debited = shop.create_session(invoice_creation={"enabled": True}).id
        simulator.pay_later(debited)
        bank(debited)
    refunded = shop.paid_session().id
    for outcome in (simulator.refund_succeeds, simulator.refund_fails):
        outcome(simulator.refund(refunded, 100, pending=True, metadata={"licenses": "1"})["id"])
    for inquiry in (True, False):
        ends = [simulator.prevent_dispute]
        ends += [simulator.close_inquiry] if inquiry else [simulator.win_dispute]
        for end in (*ends, simulator.lose_dispute):
            dispute = simulator.open_dispute(shop.paid_session().id, inquiry=inquiry)["id"]
            simulator.dispute_under_review(dispute)
            if inquiry and end == simulator.lose_dispute:
                simulator.escalate_dispute(dispute)
            end(dispute)
    return shop


def test_every_event_and_its_object_fit_the_sdk(busy_shop: Shop) -> None:
    events = busy_shop.simulator.events()
    assert {event["type"] for event in events} == emitted_event_types()
    found = {
        problem for event in events for problem in problems(event, stripe.Event, event["type"])
    }
    assert found == set()


def test_an_object_with_its_expanded_references_fits_the_sdk(busy_shop: Shop) -> None:
    for session in busy_shop.simulator.all("checkout.session"):
        expanded = busy_shop.retrieve_json(session["id"])
        assert problems(expanded, stripe.checkout.Session, "session") == []
