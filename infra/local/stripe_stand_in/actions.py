"""The drivers by name, for whoever has only HTTP: the control endpoints and the dashboard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .account import Object
from .courier import Courier
from .errors import IllegalMove
from .stand_in import StripeStandIn

Options = Mapping[str, Any]
Action = Callable[[StripeStandIn, str, Options], Object]


class UnknownAction(Exception):
    pass


def perform(stand_in: StripeStandIn, courier: Courier | None, path: str, options: Options) -> Any:
    """`sessions/cs_…/pay`, `disputes/dp_…/win`, `webhooks`, `faults`: does it, says what became."""
    try:
        match path.strip("/").split("/"):
            case [noun, id, verb] if action := _ACTIONS.get((noun, verb)):
                return action(stand_in, id, options)
            case ["webhooks", *verb]:
                return _webhooks(stand_in, courier, "".join(verb), options)
            case ["faults"]:
                return _fault(stand_in, options)
            case ["faults", "clear"]:
                stand_in.faults.clear()
                return {}
            case ["promotion-codes"]:
                stand_in.add_promotion_code(options["code"], int(options["percent_off"]))
                return {}
    except (KeyError, ValueError) as wrong:
        raise IllegalMove(str(wrong)) from wrong
    raise UnknownAction(path)


def _flag(options: Options, name: str) -> bool:
    """True in JSON; `on`, as a ticked box comes from a form."""
    return options.get(name) in (True, "true", "on", "1")


def _amount(options: Options) -> int | None:
    amount = options.get("amount")
    return None if amount in (None, "") else int(str(amount))


def _pay(stand_in: StripeStandIn, id: str, options: Options) -> Object:
    if code := options.get("promotion_code"):
        stand_in.apply_promotion_code(id, code)
    email = options.get("email") or None
    method = options.get("method", "card")
    if method == "card":
        return stand_in.pay(id, email=email)
    if method == "delayed":
        return stand_in.pay_later(id, email=email)
    raise IllegalMove("method must be card or delayed")


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
    stand_in: StripeStandIn, courier: Courier | None, verb: str, options: Options
) -> dict[str, Any]:
    if courier is None:
        raise IllegalMove("no webhooks are delivered here")
    if verb == "":
        courier.switch(options["mode"])
    elif verb == "release":
        courier.release(shuffled=_flag(options, "shuffled"))
    elif verb == "retry":
        courier.retry()
    elif verb == "send":
        (event,) = [e for e in stand_in.events() if e["id"] == options["event"]]
        courier.send(event)
    else:
        raise UnknownAction(f"webhooks/{verb}")
    return webhook_state(courier)


def webhook_state(courier: Courier) -> dict[str, Any]:
    return {
        "mode": courier.mode,
        "delivered": sum(delivery.arrived for delivery in list(courier.log)),
        "waiting": len(courier.waiting),
        "held": len(courier.held),
        "dropped": len(courier.dropped),
    }


def _fault(stand_in: StripeStandIn, options: Options) -> dict[str, Any]:
    stand_in.faults.fail(
        next=int(options.get("next", 1)),
        kind=options.get("kind", "500"),
        method=options.get("method") or None,
        path=options.get("path", "/v1/"),
    )
    return {}
