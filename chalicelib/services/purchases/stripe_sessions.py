"""Which of a purchase's Checkout Sessions counts, and what it says the purchase is worth.

A purchase has one session. It can come to have more where Stripe made one and its answer was
lost for good: then at most one of them may stay open, and money counts once. It is booked
whichever counts: the books hold what Stripe holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chalicelib.domain.purchases import Assessment, Quoted, Status, assess
from chalicelib.domain.statements import Money
from chalicelib.observability import count, logger
from chalicelib.settings import settings
from chalicelib.storage.purchases import Purchase

if TYPE_CHECKING:
    from chalicelib.payments.reports import SessionReport


@dataclass(frozen=True, slots=True)
class SessionSnapshot:
    """report: of the session that counts. money: what all of them have done to our balance,
    counted: what this one has. other_sessions: those that were paid beside it.

    paid_twice: one of them has money that should go back. strays: those that are open, and
    that nobody should pay.
    """

    assessment: Assessment
    report: "SessionReport"
    money: Money
    counted: Money
    other_sessions: frozenset[str]
    paid_twice: bool
    strays: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Session:
    """One of them. is_ours: it was made for this purchase. money: in the purchase's own books,
    where another's, or another currency's, has no place."""

    purchase: Purchase
    report: "SessionReport"
    assessment: Assessment
    is_ours: bool
    money: Money

    @property
    def id(self) -> str:
        return self.report.session_id

    @property
    def is_rows_own(self) -> bool:
        return self.is_ours and self.id == self.purchase.session_id

    @property
    def is_taken(self) -> bool:
        """Paid, or about to be: the bank is asked."""
        processing = self.assessment.status == Status.PROCESSING
        return self.is_ours and (self.report.facts.paid or processing)

    @property
    def rank(self) -> tuple[bool | int, ...]:
        """The row's own counts while it is worth anything: what was credited is its money, and
        is refunded from it. Then what money pays for, what has money that waits for a person,
        and the row's own once more: where its money has gone back, a checkout that was free
        gives no license instead. Then what is worth most; what was paid or is about to be; what
        still can be."""
        worth, has_money = self.assessment.worth, self.money.net > 0
        return (
            self.is_rows_own and worth > 0,
            worth > 0 and has_money,
            has_money,
            self.is_rows_own and self.report.facts.paid,
            worth,
            self.is_ours,
            self.report.facts.paid,
            self.is_taken,
            self.assessment.status != Status.EXPIRED,
            self.is_rows_own,
        )


def read_sessions(purchase: Purchase, session_id: str | None = None) -> SessionSnapshot | None:
    """What Stripe says now, and nothing else; None for a purchase of which no session is known.

    session_id: one that the row may not know. Raises PaymentProviderUnavailable.
    """
    from chalicelib.payments.reports import fetch_session

    known = (purchase.session_id, session_id, *sorted(purchase.other_sessions or ()))
    sessions = [_seen(purchase, fetch_session(id)) for id in dict.fromkeys(known) if id]
    if not sessions:
        return None
    counted = max(sessions, key=lambda session: session.rank)
    others = [session for session in sessions if session is not counted]
    assessment = counted.assessment
    too_much = [session.id for session in others if session.money.net > 0]
    if too_much:
        reasons = filter(None, (assessment.reason, _paid_twice(too_much)))
        assessment = replace(assessment, reason=" ".join(reasons))
    return SessionSnapshot(
        assessment,
        counted.report,
        money=Money.total(session.money for session in sessions),
        counted=counted.money,
        other_sessions=frozenset(s.id for s in others if s.is_ours and s.report.facts.paid),
        paid_twice=bool(too_much),
        strays=tuple(s.id for s in sessions if _is_stray(s, sessions, purchase)),
    )


def read_and_close_strays(
    purchase: Purchase, session_id: str | None = None
) -> SessionSnapshot | None:
    """As `look`, once nobody can pay any more what nobody should."""
    seen = read_sessions(purchase, session_id)
    if seen is not None and seen.strays:
        _close(purchase, seen.strays)
        seen = read_sessions(purchase, session_id)
    if seen is not None and seen.paid_twice and seen.assessment.reason != purchase.status_reason:
        count("PurchasesPaidTwice")
        logger.error(
            "A purchase was paid twice",
            extra={"purchase_id": purchase.id, "session_ids": sorted(seen.other_sessions)},
        )
    return seen


def _close(purchase: Purchase, session_ids: tuple[str, ...]) -> None:
    from chalicelib.payments.checkout import expire_checkout

    for session_id in session_ids:
        logger.warning(
            "A stray checkout is closed",
            extra={"purchase_id": purchase.id, "session_id": session_id},
        )
        expire_checkout(session_id)


def _is_stray(session: _Session, sessions: Sequence[_Session], purchase: Purchase) -> bool:
    """An open session that nobody should pay: the purchase has another, or was given up."""
    if session.report.facts.session_status != "open" or not session.is_ours:
        return False
    if purchase.session_id is None:
        return purchase.status != Status.PENDING
    return not session.is_rows_own or any(other.is_taken for other in sessions)


def _seen(purchase: Purchase, report: "SessionReport") -> _Session:
    facts, livemode = report.facts, settings().livemode
    if report.purchase_id != purchase.id:
        reason = f"Stripe's session {report.session_id} was not made for this purchase."
        foreign = Assessment(Status.QUARANTINED, 0, reason)
        return _Session(purchase, report, foreign, is_ours=False, money=Money())
    quoted = Quoted(
        purchase.quantity,
        purchase.total,
        purchase.currency,
        livemode,
        purchase.returned,
        purchase.accepted,
    )
    same = facts.currency == purchase.currency and facts.livemode == livemode
    money = facts.money if same else Money()
    return _Session(purchase, report, assess(quoted, facts), is_ours=True, money=money)


def _paid_twice(session_ids: list[str]) -> str:
    names = ", ".join(session_ids)
    if len(session_ids) == 1:
        said = f"Paid twice: Stripe's session {names} was paid too. Refund one of the two"
    else:
        said = f"Paid {len(session_ids) + 1} times: so were {names}. Refund all but one of them"
    return f"{said}, all of it, in Stripe's dashboard."
