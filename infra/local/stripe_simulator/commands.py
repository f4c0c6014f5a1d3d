"""Actions by name, for callers that only have HTTP: the control endpoints and the dashboard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra.local.stripe_simulator.account import Object
from infra.local.stripe_simulator.errors import InvalidAction
from infra.local.stripe_simulator.simulator import StripeSimulator
from infra.local.stripe_simulator.webhook_delivery import WebhookDelivery

Options = Mapping[str, Any]
Command = Callable[[StripeSimulator, str, Options], Object]


class UnknownCommand(Exception):
    pass


def run_command(
    simulator: StripeSimulator, webhooks: WebhookDelivery | None, path: str, options: Options
) -> Any:
    """Run a command such as `sessions/cs_…/pay`, `disputes/dp_…/win`, `webhooks`, or `faults`.

    Return the changed object or state. Raises UnknownCommand for an unknown path, and
    InvalidAction for invalid options or an action that the current state does not allow.
    """
    try:
        match path.strip("/").split("/"):
            case [noun, id, verb] if command := OBJECT_COMMANDS.get((noun, verb)):
                return command(simulator, id, options)
            case ["webhooks", *verb]:
                return _control_webhooks(simulator, webhooks, "".join(verb), options)
            case ["faults"]:
                return _inject_fault(simulator, options)
            case ["faults", "clear"]:
                simulator.faults.clear()
                return {}
            case ["promotion-codes"]:
                simulator.add_promotion_code(options["code"], int(options["percent_off"]))
                return {}
    except KeyError as error:
        raise InvalidAction(f"missing option: {error}") from error
    except ValueError as error:
        raise InvalidAction(str(error)) from error
    raise UnknownCommand(path)


def _flag(options: Options, name: str) -> bool:
    """Read a boolean from JSON, or from a form, where a checked box sends `on`."""
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


OBJECT_COMMANDS: dict[tuple[str, str], Command] = {
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


def _control_webhooks(
    simulator: StripeSimulator, webhooks: WebhookDelivery | None, verb: str, options: Options
) -> dict[str, Any]:
    if webhooks is None:
        raise InvalidAction("webhook delivery is not configured")
    if verb == "":
        webhooks.set_mode(options["mode"])
    elif verb == "release":
        webhooks.release_held(shuffled=_flag(options, "shuffled"))
    elif verb == "retry":
        webhooks.retry_failed()
    elif verb == "send":
        webhooks.deliver_now(simulator.find("event", options["event"]))
    else:
        raise UnknownCommand(f"webhooks/{verb}")
    return webhook_counts(webhooks)


def webhook_counts(webhooks: WebhookDelivery) -> dict[str, Any]:
    """Return the delivery mode, and how many webhooks are in each state."""
    return {
        "mode": webhooks.mode,
        "delivered": sum(attempt.succeeded for attempt in list(webhooks.log)),
        "waiting": len(webhooks.waiting),
        "held": len(webhooks.held),
        "dropped": len(webhooks.dropped),
    }


def _inject_fault(simulator: StripeSimulator, options: Options) -> dict[str, Any]:
    simulator.faults.fail(
        next=int(options.get("next", 1)),
        kind=options.get("kind", "500"),
        method=options.get("method") or None,
        path=options.get("path", "/v1/"),
    )
    return {}
