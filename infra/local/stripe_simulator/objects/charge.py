"""The Charge: one attempt by a PaymentIntent to collect money."""

from __future__ import annotations

from typing import Any

from infra.local.stripe_simulator.account import Account, Object
from infra.local.stripe_simulator.objects.shared import empty_address


def new_charge(account: Account, intent: Object, payer: Object, method: str) -> Object:
    """Return a pending charge: neither paid nor failed yet."""
    id = account.new_id("ch_3")
    return {
        "id": id,
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": {
            "address": empty_address(),
            "email": payer["email"],
            "name": payer["name"],
            "phone": None,
            "tax_id": None,
        },
        "calculated_statement_descriptor": "TENANTRY",
        "captured": False,
        "created": account.now(),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": intent["metadata"],
        "on_behalf_of": None,
        "outcome": None,
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": account.new_id("pm_1"),
        "payment_method_details": _METHOD_DETAILS[method](intent["amount"]),
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "pending",
        "transfer_data": None,
        "transfer_group": None,
    }


def success_fields(account: Account, charge: Object) -> dict[str, Any]:
    """Return the fields that change when the charge succeeds."""
    return {
        "amount_captured": charge["amount"],
        "balance_transaction": account.new_id("txn_3"),
        "captured": True,
        "outcome": _outcome(),
        "paid": True,
        "receipt_url": f"{account.public_url}/pay/receipts/{charge['id']}",
        "status": "succeeded",
    }


def failure_fields(code: str, message: str) -> dict[str, Any]:
    """Return the fields that change when the charge fails."""
    return {
        "failure_code": code,
        "failure_message": message,
        "outcome": _outcome(decline_code=code),
        "status": "failed",
    }


def _outcome(decline_code: str | None = None) -> dict[str, Any]:
    return {
        "advice_code": "try_again_later" if decline_code else None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network" if decline_code else "approved_by_network",
        "reason": decline_code,
        "seller_message": (
            "The bank did not return any further details with this decline."
            if decline_code
            else "Payment complete."
        ),
        "type": "issuer_declined" if decline_code else "authorized",
    }


def _card(amount: int) -> dict[str, Any]:
    return {
        "card": {
            "amount_authorized": amount,
            "authorization_code": None,
            "brand": "visa",
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "pass",
            },
            "country": "US",
            "exp_month": 12,
            "exp_year": 2034,
            "extended_authorization": {"status": "disabled"},
            "fingerprint": "T3nantrySimCard1",
            "funding": "credit",
            "incremental_authorization": {"status": "unavailable"},
            "installments": None,
            "last4": "4242",
            "mandate": None,
            "multicapture": {"status": "unavailable"},
            "network": "visa",
            "network_token": {"used": False},
            "network_transaction_id": None,
            "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
            "regulated_status": "unregulated",
            "three_d_secure": None,
            "transaction_link_id": None,
            "wallet": None,
        },
        "type": "card",
    }


def _bank_account(_amount: int) -> dict[str, Any]:
    return {
        "type": "us_bank_account",
        "us_bank_account": {
            "account_holder_type": "company",
            "account_type": "checking",
            "bank_name": "STRIPE TEST BANK",
            "fingerprint": "T3nantrySimBank1",
            "last4": "6789",
            "mandate": None,
            "payment_reference": None,
            "routing_number": "110000000",
        },
    }


_METHOD_DETAILS = {"card": _card, "us_bank_account": _bank_account}
