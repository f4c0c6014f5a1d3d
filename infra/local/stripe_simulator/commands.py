"""The drivers by name, for whoever has only HTTP: the control endpoints and the dashboard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra.local.stripe_simulator.account import Object
from infra.local.stripe_simulator.errors import InvalidAction
from infra.local.stripe_simulator.simulator import StripeSimulator
from infra.local.stripe_simulator.webhook_delivery import WebhookDelivery

Options = Mapping[str, Any]
Action = Callable[[StripeSimulator, str, Options], Object]


class UnknownAction(Exception):
    pass


def perform(
    simulator: StripeSimulator, webhooks: WebhookDelivery | None, path: str, options: Options
) -> Any:
    """`sessions/cs_…/pay`, `disputes/dp_…/win`, `webhooks`, `faults`: does it, says what became."""
    try:
        match path.strip("/").split("/"):
            case [noun, id, verb] if action := _ACTIONS.get((noun, verb)):
                return action(simulator, id, options)
            case ["webhooks", *verb]:
                return _webhooks(simulator, webhooks, "".join(verb), options)
            case ["faults"]:
                return _fault(simulator, options)
            case ["faults", "clear"]:
                simulator.faults.clear()
                return {}
            case ["promotion-codes"]:
                simulator.add_promotion_code(options["code"], int(options["percent_off"]))
                return {}
    except (KeyError, ValueError) as wrong:
        raise InvalidAction(str(wrong)) from wrong
    raise UnknownAction(path)


def _flag(options: Options, name: str) -> bool:
    """True in JSON; `on`, as a ticked box comes from a form."""
    return options.get(name) in (True, "true", "on", "1")


def _amount(options: Options) -> int | None:
    amount = options.get("amount")
    return None if amount in (None, "") else int(str(amount))


def _pay(simulator: StripeSimulator, id: str, options: Options) -> Object:
    if code := options.get("promotion_code"):
        simulator.apply_promotion_code(id, code)
    email = options.get("email") or None
    method = options.get("method", "card")
    if method == "card":
        return simulator.pay(id, email=email)
    if method == "delayed":
        return simulator.pay_later(id, email=email)
    raise InvalidAction("method must be card or delayed")


_ACTIONS: dict[tuple[str, str], Action] = {
    ("sessions", "pay"): _pay,
    ("sessions", "decline"): lambda s, id, _: s.decline_card(id),
    ("sessions", "bank-confirms"): lambda s, id, _: s.bank_confirms(id),
    ("sessions", "bank-declines"): lambda s, id, _: s.bank_declines(id),
    ("sessions", "expire"): lambda s, id, _: s.expire(id),
    ("sessions", "refund"): lambda s, id, o: s.refund(id, _amount(o), pending=_flag(o, "pending")),
    ("sessions", "dispute"): lambda s, id, o: s.open_dispute(
        id, inquiry=_flag(o, "inquiry"), amount=_amount(o)
    ),
    ("refunds", "succeeds"): lambda s, id, _: s.refund_succeeds(id),
    ("refunds", "fails"): lambda s, id, _: s.refund_fails(id),
    ("disputes", "escalate"): lambda s, id, _: s.escalate_dispute(id),
    ("disputes", "review"): lambda s, id, _: s.dispute_under_review(id),
    ("disputes", "win"): lambda s, id, _: s.win_dispute(id),
    ("disputes", "lose"): lambda s, id, _: s.lose_dispute(id),
    ("disputes", "close"): lambda s, id, _: s.close_inquiry(id),
}


def _webhooks(
    simulator: StripeSimulator, webhooks: WebhookDelivery | None, verb: str, options: Options
) -> dict[str, Any]:
    if webhooks is None:
        raise InvalidAction("no webhooks are delivered here")
    if verb == "":
        webhooks.switch(options["mode"])
    elif verb == "release":
        webhooks.release(shuffled=_flag(options, "shuffled"))
    elif verb == "retry":
        webhooks.retry()
    elif verb == "send":
        (event,) = [e for e in simulator.events() if e["id"] == options["event"]]
        webhooks.send(event)
    else:
        raise UnknownAction(f"webhooks/{verb}")
    return webhook_state(webhooks)


def webhook_state(webhooks: WebhookDelivery) -> dict[str, Any]:
    return {
        "mode": webhooks.mode,
        "delivered": sum(entry.arrived for entry in list(webhooks.log)),
        "waiting": len(webhooks.waiting),
        "held": len(webhooks.held),
        "dropped": len(webhooks.dropped),
    }


def _fault(simulator: StripeSimulator, options: Options) -> dict[str, Any]:
    simulator.faults.fail(
        next=int(options.get("next", 1)),
        kind=options.get("kind", "500"),
        method=options.get("method") or None,
        path=options.get("path", "/v1/"),
    )
    return {}
