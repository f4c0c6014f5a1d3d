"""Disputes: inquiries, which move no money, and chargebacks, which do."""

from __future__ import annotations

from infra.local.stripe_simulator.account import Account, Object
from infra.local.stripe_simulator.errors import InvalidAction
from infra.local.stripe_simulator.objects.dispute import balance_transaction, new_dispute

INQUIRY = ("warning_needs_response", "warning_under_review")
CHARGEBACK = ("needs_response", "under_review")


def disputes_of(account: Account, charge: Object) -> list[Object]:
    if not charge["disputed"]:
        return []
    return [d for d in account.newest_first("dispute") if d["charge"] == charge["id"]]


def is_charged_back(account: Account, charge: Object) -> bool:
    """Return whether a chargeback has withdrawn the funds, temporarily or permanently."""
    return any(
        d["status"] in (*CHARGEBACK, "lost")
        or (d["status"] == "prevented" and d["balance_transactions"])
        for d in disputes_of(account, charge)
    )


def open_dispute(
    account: Account, charge: Object, amount: int | None = None, *, inquiry: bool = False
) -> Object:
    remaining = charge["amount"] - charge["amount_refunded"]
    amount = remaining if amount is None else amount
    if charge["status"] != "succeeded":
        raise InvalidAction(f"{charge['id']} is {charge['status']}, not succeeded")
    if not 0 < amount <= remaining:
        raise InvalidAction(f"{charge['id']} has {remaining} left to dispute, not {amount}")
    if is_charged_back(account, charge) or any(
        d["status"] in INQUIRY for d in disputes_of(account, charge)
    ):
        raise InvalidAction(f"{charge['id']} is already disputed")
    dispute = account.add(new_dispute(account, charge, amount, inquiry=inquiry))
    account.change(charge, disputed=True)
    account.emit("charge.dispute.created", dispute)
    return dispute if inquiry else _withdraw(account, dispute)


def escalate(account: Account, dispute: Object) -> Object:
    _require_status(dispute, *INQUIRY)
    card = {**dispute["payment_method_details"]["card"], "case_type": "chargeback"}
    dispute = account.change(
        dispute,
        status="needs_response",
        is_charge_refundable=False,
        payment_method_details={**dispute["payment_method_details"], "card": card},
    )
    account.emit("charge.dispute.updated", dispute)
    return _withdraw(account, dispute)


def submit_evidence(account: Account, dispute: Object) -> Object:
    """Submit the merchant's evidence, so that the bank reviews it."""
    _require_status(dispute, "warning_needs_response", "needs_response")
    dispute = account.change(
        dispute,
        status=dispute["status"].replace("needs_response", "under_review"),
        evidence_details={
            **dispute["evidence_details"],
            "has_evidence": True,
            "submission_count": 1,
            "submission_method": "manual",
        },
    )
    account.emit("charge.dispute.updated", dispute)
    return dispute


def win(account: Account, dispute: Object) -> Object:
    _require_status(dispute, *CHARGEBACK)
    returned = balance_transaction(
        account, dispute, dispute["amount"], f"Chargeback reversal for {dispute['charge']}"
    )
    dispute = account.change(
        dispute,
        status="won",
        balance_transactions=[*dispute["balance_transactions"], returned],
    )
    account.emit("charge.dispute.funds_reinstated", dispute)
    account.emit("charge.dispute.closed", dispute)
    return dispute


def prevent(account: Account, dispute: Object) -> Object:
    """Close the dispute as prevented. If the money was already withdrawn, the buyer keeps it."""
    _require_status(dispute, *INQUIRY, *CHARGEBACK)
    return _close(account, dispute, "prevented")


def lose(account: Account, dispute: Object) -> Object:
    _require_status(dispute, *CHARGEBACK)
    return _close(account, dispute, "lost")


def close_inquiry(account: Account, dispute: Object) -> Object:
    _require_status(dispute, *INQUIRY)
    return _close(account, dispute, "warning_closed")


def _require_status(dispute: Object, *statuses: str) -> None:
    if dispute["status"] not in statuses:
        raise InvalidAction(f"{dispute['id']} is {dispute['status']}, not {' or '.join(statuses)}")


def _withdraw(account: Account, dispute: Object) -> Object:
    taken = balance_transaction(
        account, dispute, -dispute["amount"], f"Chargeback withdrawal for {dispute['charge']}"
    )
    dispute = account.change(dispute, balance_transactions=[taken])
    account.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def _close(account: Account, dispute: Object, status: str) -> Object:
    dispute = account.change(dispute, status=status)
    account.emit("charge.dispute.closed", dispute)
    return dispute
