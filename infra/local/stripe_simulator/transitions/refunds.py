"""Refunds: they succeed immediately or start as pending, and can fail even after succeeding."""

from __future__ import annotations

from typing import Any

from infra.local.stripe_simulator.account import Account, Object
from infra.local.stripe_simulator.errors import InvalidAction, StripeError
from infra.local.stripe_simulator.money import format_amount
from infra.local.stripe_simulator.objects.refund import new_refund
from infra.local.stripe_simulator.transitions.disputes import is_charged_back


def create_refund(
    account: Account,
    charge: Object,
    amount: int | None = None,
    *,
    pending: bool = False,
    reason: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Object:
    remaining = charge["amount"] - charge["amount_refunded"]
    amount = remaining if amount is None else amount
    _require_refundable(account, charge, amount, remaining)
    status = "pending" if pending else "succeeded"
    refund = account.add(
        new_refund(account, charge, amount, status=status, reason=reason, metadata=metadata or {})
    )
    # A pending refund counts immediately, because the money has left the account's balance.
    charge = _change_amount_refunded(account, charge, amount)
    account.emit("charge.refunded", charge)
    account.emit("refund.created", refund)
    return refund


def succeed(account: Account, refund: Object) -> Object:
    if refund["status"] != "pending":
        raise InvalidAction(f"{refund['id']} is {refund['status']}, not pending")
    return _update(account, refund, status="succeeded")


def fail(account: Account, refund: Object) -> Object:
    """Fail the refund: the bank returns the money, even weeks after the refund succeeded."""
    if refund["status"] not in ("pending", "succeeded"):
        raise InvalidAction(f"{refund['id']} is already {refund['status']}")
    _change_amount_refunded(account, account.get("charge", refund["charge"]), -refund["amount"])
    refund = _update(
        account,
        refund,
        status="failed",
        failure_reason="expired_or_canceled_card",
        failure_balance_transaction=account.new_id("txn_3"),
    )
    account.emit("refund.failed", refund)
    return refund


def _require_refundable(account: Account, charge: Object, amount: int, remaining: int) -> None:
    if charge["status"] != "succeeded":
        raise StripeError(
            f"Charge {charge['id']} has not succeeded and cannot be refunded.",
            code="payment_intent_unexpected_state",
        )
    if is_charged_back(account, charge):
        raise StripeError(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    if remaining == 0:
        raise StripeError(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    if amount > remaining:
        currency = charge["currency"]
        raise StripeError(
            f"Refund amount ({format_amount(amount, currency)}) is greater than unrefunded amount "
            f"on charge ({format_amount(remaining, currency)})",
            code="amount_too_large",
            param="amount",
        )


def _change_amount_refunded(account: Account, charge: Object, change: int) -> Object:
    refunded = charge["amount_refunded"] + change
    return account.change(charge, amount_refunded=refunded, refunded=refunded == charge["amount"])


def _update(account: Account, refund: Object, **fields: Any) -> Object:
    refund = account.change(refund, **fields)
    account.emit("refund.updated", refund)
    account.emit("charge.refund.updated", refund)
    return refund
