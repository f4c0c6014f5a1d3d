"""API calls: each validates its parameters, reads or changes the account, and returns an object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from infra.local.stripe_simulator import params as p
from infra.local.stripe_simulator.account import Account, Object
from infra.local.stripe_simulator.api import session_params
from infra.local.stripe_simulator.api.expand import expand, expand_page
from infra.local.stripe_simulator.api.listing import created_within, matches, page
from infra.local.stripe_simulator.errors import InvalidParameter, StripeError
from infra.local.stripe_simulator.objects.customer import new_customer
from infra.local.stripe_simulator.transitions import checkout, refunds

Form = dict[str, Any]
Call = Callable[..., Object]

_EXPAND_ONLY = p.hash_of(p.EXPAND)


def retrieve(kind: str) -> Call:
    def call(account: Account, form: Form, id: str) -> Object:
        params = _EXPAND_ONLY(form, "")
        return expand(account, account.get(kind, id), params.get("expand", ()))

    return call


def list_all(kind: str, url: str, *fields: str) -> Call:
    """Return a call that lists objects of this kind, with filters on creation time and `fields`."""
    read_params = p.hash_of(
        {**p.PAGE, "created": p.timestamp_range, **dict.fromkeys(fields, p.text())}
    )

    def call(account: Account, form: Form) -> Object:
        params = read_params(form, "")
        matching = (
            item
            for item in account.newest_first(kind)
            if matches(item, params, *fields) and created_within(item, params)
        )
        return expand_page(account, page(matching, params, url), params.get("expand", []))

    return call


_EVENT_LIST = p.hash_of(
    {**p.PAGE, "created": p.timestamp_range, "type": p.text(), "types": p.array(p.text(), 20)}
)


def list_events(account: Account, form: Form) -> Object:
    params = _EVENT_LIST(form, "")
    if "type" in params and "types" in params:
        raise InvalidParameter("You may only specify one of these parameters: type, types.", "type")
    types = [params["type"]] if "type" in params else params.get("types")
    matching = (
        event
        for event in account.newest_first("event")
        if (types is None or event["type"] in types) and created_within(event, params)
    )
    return expand_page(account, page(matching, params, "/v1/events"), params.get("expand", []))


def create_session(account: Account, form: Form) -> Object:
    params = session_params.read(form, account.now())
    if "customer" in params:
        account.get("customer", params["customer"], param="customer", status=400)
    session = checkout.create_session(account, params)
    return expand(account, session, params.get("expand", ()))


def expire_session(account: Account, form: Form, id: str) -> Object:
    params = _EXPAND_ONLY(form, "")
    session = account.get("checkout.session", id, param="session")
    if session["status"] != "open":
        raise StripeError(
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of `{session['status']}`."
        )
    return expand(account, checkout.expire(account, session), params.get("expand", ()))


_PAGE = p.hash_of(p.PAGE)


def list_line_items(account: Account, form: Form, id: str) -> Object:
    params = _PAGE(form, "")
    account.get("checkout.session", id, param="session")
    url = f"/v1/checkout/sessions/{id}/line_items"
    line_items = page(account.session_details[id].line_items, params, url)
    return expand_page(account, line_items, params.get("expand", []))


_CUSTOMER = p.hash_of(
    {
        **p.EXPAND,
        "description": p.text(),
        "email": p.email,
        "metadata": p.metadata,
        "name": p.text(256),
        "phone": p.text(20),
    }
)


def create_customer(account: Account, form: Form) -> Object:
    params = _CUSTOMER(form, "")
    customer = account.add(new_customer(account, params))
    account.emit("customer.created", customer)
    return expand(account, customer, params.get("expand", ()))


_REFUND = p.hash_of(
    {
        **p.EXPAND,
        "amount": p.integer(1),
        "charge": p.text(),
        "metadata": p.metadata,
        "payment_intent": p.text(),
        "reason": p.choice("duplicate", "fraudulent", "requested_by_customer"),
    }
)


def create_refund(account: Account, form: Form) -> Object:
    params = _REFUND(form, "")
    if ("charge" in params) == ("payment_intent" in params):
        raise InvalidParameter(
            "One of the following params should be provided for this request: "
            "payment_intent or charge.",
            "payment_intent",
            "parameter_missing" if "charge" not in params else None,
        )
    refund = refunds.create_refund(
        account,
        _charge_to_refund(account, params),
        params.get("amount"),
        pending=account.refunds_start_pending,
        reason=params.get("reason"),
        metadata=params.get("metadata"),
    )
    return expand(account, refund, params.get("expand", ()))


def _charge_to_refund(account: Account, params: dict[str, Any]) -> Object:
    if "charge" in params:
        return account.get("charge", params["charge"], param="charge")
    intent = account.get("payment_intent", params["payment_intent"], param="payment_intent")
    if intent["status"] != "succeeded":
        raise StripeError(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
            code="payment_intent_unexpected_state",
            param="payment_intent",
        )
    return account.get("charge", intent["latest_charge"])
