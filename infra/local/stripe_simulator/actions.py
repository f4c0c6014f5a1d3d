"""What a buyer, a bank or a dashboard user does, as plain methods.

Each gives the object as it is afterwards, and raises `IllegalMove` where the current state does
not allow it.
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
    def _moving(self) -> AbstractContextManager[Account]:
        """The account, for one thread alone."""

    # The buyer, on the payment page.

    def pay(
        self,
        session_id: str,
        *,
        promotion_code: str | None = None,
        email: str | None = None,
        forced: bool = False,
    ) -> Object:
        """By card; with nothing left to pay, without a payment. `forced` codes need no leave."""
        with self._moving() as account:
            session = account.get("checkout.session", session_id)
            if promotion_code:
                session = promotions.apply_code(account, session, promotion_code, forced=forced)
            return checkout.pay(account, session, email)

    def pay_later(self, session_id: str, *, email: str | None = None) -> Object:
        with self._moving() as account:
            return checkout.pay_later(account, account.get("checkout.session", session_id), email)

    def pay_nothing(self, session_id: str) -> Object:
        """With a code for all of it, whether or not the session offers to take one."""
        return self.pay(session_id, promotion_code="FREE100", forced=True)

    def decline_card(self, session_id: str) -> Object:
        with self._moving() as account:
            return checkout.decline_card(account, account.get("checkout.session", session_id))

    def apply_promotion_code(self, session_id: str, code: str, *, forced: bool = False) -> Object:
        with self._moving() as account:
            session = account.get("checkout.session", session_id)
            return promotions.apply_code(account, session, code, forced=forced)

    # The bank, days later.

    def bank_confirms(self, session_id: str) -> Object:
        with self._moving() as account:
            return checkout.bank_confirms(account, account.get("checkout.session", session_id))

    def bank_declines(self, session_id: str) -> Object:
        with self._moving() as account:
            return checkout.bank_declines(account, account.get("checkout.session", session_id))

    def refund_succeeds(self, refund_id: str) -> Object:
        with self._moving() as account:
            return refunds.succeeds(account, account.get("refund", refund_id))

    def refund_fails(self, refund_id: str) -> Object:
        with self._moving() as account:
            return refunds.fails(account, account.get("refund", refund_id))

    def open_dispute(
        self, session_or_charge: str, *, inquiry: bool = False, amount: int | None = None
    ) -> Object:
        with self._moving() as account:
            charge = payments.charge_of(account, session_or_charge)
            return disputes.open_dispute(account, charge, amount, inquiry=inquiry)

    def escalate_dispute(self, dispute_id: str) -> Object:
        with self._moving() as account:
            return disputes.escalate(account, account.get("dispute", dispute_id))

    def win_dispute(self, dispute_id: str) -> Object:
        with self._moving() as account:
            return disputes.win(account, account.get("dispute", dispute_id))

    def lose_dispute(self, dispute_id: str) -> Object:
        with self._moving() as account:
            return disputes.lose(account, account.get("dispute", dispute_id))

    def prevent_dispute(self, dispute_id: str) -> Object:
        with self._moving() as account:
            return disputes.prevent(account, account.get("dispute", dispute_id))

    def close_inquiry(self, dispute_id: str) -> Object:
        with self._moving() as account:
            return disputes.close_inquiry(account, account.get("dispute", dispute_id))

    # The merchant, in Stripe's dashboard.

    def dispute_under_review(self, dispute_id: str) -> Object:
        with self._moving() as account:
            return disputes.answer(account, account.get("dispute", dispute_id))

    def refund(
        self,
        payment_intent_or_session: str,
        amount: int | None = None,
        *,
        pending: bool = False,
        metadata: dict[str, str] | None = None,
    ) -> Object:
        with self._moving() as account:
            charge = payments.charge_of(account, payment_intent_or_session)
            return refunds.refund(account, charge, amount, pending=pending, metadata=metadata)

    def expire(self, session_id: str) -> Object:
        with self._moving() as account:
            session = account.get("checkout.session", session_id)
            checkout.must_be_open(session)
            return checkout.expire(account, session)

    def add_promotion_code(self, code: str, percent_off: int) -> None:
        if not 0 < percent_off <= 100:
            raise ValueError("percent_off must be from 1 to 100")
        with self._moving() as account:
            account.percent_off[code.upper()] = percent_off

    def start_refunds_pending(self, pending: bool = True) -> None:
        """Whether refunds made through the API wait for the bank."""
        with self._moving() as account:
            account.refunds_start_pending = pending
