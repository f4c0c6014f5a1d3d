"""Simulated actions of buyers, banks, and the merchant.

Each method returns the changed object, and raises `InvalidAction` if the current state does not
allow the action.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager

from infra.local.stripe_simulator.account import Account, Object
from infra.local.stripe_simulator.transitions import (
    checkout,
    disputes,
    payments,
    promotions,
    refunds,
)


class SimulatedActions(ABC):
    @abstractmethod
    def _account_for_action(self) -> AbstractContextManager[Account]:
        """Lock the account, and turn a StripeError into an InvalidAction."""

    # The buyer, on the payment page

    def pay(
        self,
        session_id: str,
        *,
        promotion_code: str | None = None,
        email: str | None = None,
        forced: bool = False,
    ) -> Object:
        """Pay by card. If the total is zero, complete the session without a payment.

        A `forced` promotion code applies even if the session does not allow codes.
        """
        with self._account_for_action() as account:
            session = account.get("checkout.session", session_id)
            if promotion_code:
                session = promotions.apply_code(account, session, promotion_code, forced=forced)
            return checkout.pay(account, session, email)

    def pay_later(self, session_id: str, *, email: str | None = None) -> Object:
        """Pay with a delayed method: the bank confirms or declines the payment later."""
        with self._account_for_action() as account:
            return checkout.pay_later(account, account.get("checkout.session", session_id), email)

    def pay_nothing(self, session_id: str) -> Object:
        """Pay with a 100% promotion code, even if the session does not allow codes."""
        return self.pay(session_id, promotion_code="FREE100", forced=True)

    def decline_card(self, session_id: str) -> Object:
        with self._account_for_action() as account:
            return checkout.decline_card(account, account.get("checkout.session", session_id))

    def apply_promotion_code(self, session_id: str, code: str, *, forced: bool = False) -> Object:
        with self._account_for_action() as account:
            session = account.get("checkout.session", session_id)
            return promotions.apply_code(account, session, code, forced=forced)

    # The bank, days later

    def bank_confirms(self, session_id: str) -> Object:
        with self._account_for_action() as account:
            return checkout.bank_confirms(account, account.get("checkout.session", session_id))

    def bank_declines(self, session_id: str) -> Object:
        with self._account_for_action() as account:
            return checkout.bank_declines(account, account.get("checkout.session", session_id))

    def refund_succeeds(self, refund_id: str) -> Object:
        with self._account_for_action() as account:
            return refunds.succeed(account, account.get("refund", refund_id))

    def refund_fails(self, refund_id: str) -> Object:
        with self._account_for_action() as account:
            return refunds.fail(account, account.get("refund", refund_id))

    def open_dispute(
        self, session_or_charge: str, *, inquiry: bool = False, amount: int | None = None
    ) -> Object:
        with self._account_for_action() as account:
            charge = payments.charge_of(account, session_or_charge)
            return disputes.open_dispute(account, charge, amount, inquiry=inquiry)

    def escalate_dispute(self, dispute_id: str) -> Object:
        with self._account_for_action() as account:
            return disputes.escalate(account, account.get("dispute", dispute_id))

    def win_dispute(self, dispute_id: str) -> Object:
        with self._account_for_action() as account:
            return disputes.win(account, account.get("dispute", dispute_id))

    def lose_dispute(self, dispute_id: str) -> Object:
        with self._account_for_action() as account:
            return disputes.lose(account, account.get("dispute", dispute_id))

    def prevent_dispute(self, dispute_id: str) -> Object:
        with self._account_for_action() as account:
            return disputes.prevent(account, account.get("dispute", dispute_id))

    def close_inquiry(self, dispute_id: str) -> Object:
        with self._account_for_action() as account:
            return disputes.close_inquiry(account, account.get("dispute", dispute_id))

    # The merchant, in Stripe's dashboard

    def dispute_under_review(self, dispute_id: str) -> Object:
        with self._account_for_action() as account:
            return disputes.submit_evidence(account, account.get("dispute", dispute_id))

    def refund(
        self,
        payment_intent_or_session: str,
        amount: int | None = None,
        *,
        pending: bool = False,
        metadata: dict[str, str] | None = None,
    ) -> Object:
        with self._account_for_action() as account:
            charge = payments.charge_of(account, payment_intent_or_session)
            return refunds.create_refund(
                account, charge, amount, pending=pending, metadata=metadata
            )

    def expire(self, session_id: str) -> Object:
        with self._account_for_action() as account:
            session = account.get("checkout.session", session_id)
            checkout.require_open(session)
            return checkout.expire(account, session)

    def add_promotion_code(self, code: str, percent_off: int) -> None:
        if not 0 < percent_off <= 100:
            raise ValueError("percent_off must be from 1 to 100")
        with self._account_for_action() as account:
            account.percent_off[code.upper()] = percent_off

    def start_refunds_pending(self, pending: bool = True) -> None:
        """Choose whether refunds created through the API start as pending."""
        with self._account_for_action() as account:
            account.refunds_start_pending = pending
