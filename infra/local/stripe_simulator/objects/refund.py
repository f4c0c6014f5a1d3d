"""The Refund of all or part of a charge."""

from __future__ import annotations

from typing import Any

from infra.local.stripe_simulator.account import Account, Object


def new_refund(
    account: Account,
    charge: Object,
    amount: int,
    *,
    status: str,
    reason: str | None,
    metadata: dict[str, str],
) -> Object:
    method = charge["payment_method_details"]["type"]
    return {
        "id": account.new_id("re_3"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": account.new_id("txn_3"),
        "charge": charge["id"],
        "created": account.now(),
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": _destination(method),
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
    }


def _destination(method: str) -> dict[str, Any]:
    if method != "card":
        return {method: {}, "type": method}
    return {"card": {"type": "refund"}, "type": "card"}
