"""Decide which of a purchase's Checkout Sessions counts, and what that makes it worth.

A purchase normally has one session. It has several if Stripe created one, the response was lost,
and a retry could not retrieve that session. In that case, at most one session may stay open, and
only one counts toward licenses. The money from all of them is booked, because the books must match
what Stripe holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chalicelib.domain.messages import MessageCode, Sentences, say
from chalicelib.domain.purchases import STATUSES, Assessment, PaymentFacts, Quoted, Status, assess
from chalicelib.domain.statements import Money
from chalicelib.observability import Metric, count, logger
from chalicelib.settings import settings
from chalicelib.storage.purchases import Purchase

if TYPE_CHECKING:
    from chalicelib.payments.reports import SessionReport


@dataclass(frozen=True, slots=True)
class SessionSnapshot:
    """What Stripe currently reports about all of a purchase's sessions.

    `report`, `assessment`, and `counted` (the money) belong to the session that counts. `money` is
    the total for all of the purchase's sessions. `other_sessions` are the IDs of paid sessions that
    don't count; `paid_twice` says whether one of those sessions holds money that should be
    refunded. `strays` are the IDs of open sessions that must not be paid.
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
    """One session. `money` is zero if the session is for another purchase, currency, or mode."""

    purchase: Purchase
    report: "SessionReport"
    assessment: Assessment
    is_ours: bool
    money: Money

    @property
    def id(self) -> str:
        return self.report.session_id

    @property
    def is_on_row(self) -> bool:
        return self.is_ours and self.id == self.purchase.session_id

    @property
    def is_taken(self) -> bool:
        """Return whether the session is paid or a delayed payment is in progress."""
        processing = self.assessment.status == Status.PROCESSING
        return self.is_ours and (self.report.facts.paid or processing)

    @property
    def rank(self) -> tuple[bool | int, ...]:
        """Return the sort key: the session that ranks highest counts. The criteria, in order:

        1. The session on the purchase's row, while it is worth licenses: they were credited for its
           money, and refunds come out of that money.
        2. A session whose licenses were paid for with money, then one that holds money but is
           worth no licenses (quarantined, for example).
        3. The session on the row, if paid: after its money was refunded, a free checkout must not
           grant licenses in its place.
        4. The session worth the most licenses. Then a session that is ours, paid, being paid, or
           not expired, and finally the session on the row.
        """
        worth, has_money = self.assessment.worth, self.money.net > 0
        return (
            self.is_on_row and worth > 0,
            worth > 0 and has_money,
            has_money,
            self.is_on_row and self.report.facts.paid,
            worth,
            self.is_ours,
            self.report.facts.paid,
            self.is_taken,
            self.assessment.status != Status.EXPIRED,
            self.is_on_row,
        )


def read_sessions(purchase: Purchase, session_id: str | None = None) -> SessionSnapshot | None:
    """Read the purchase's sessions from Stripe, without changing anything.

    `session_id` is a session that the row may not list yet. Return None if no session is known.
    Raises PaymentProviderUnavailable.
    """
    from chalicelib.payments.reports import fetch_session

    known = (purchase.session_id, session_id, *sorted(purchase.other_sessions or ()))
    sessions = [_assess_session(purchase, fetch_session(id)) for id in dict.fromkeys(known) if id]
    if not sessions:
        return None
    counted = max(sessions, key=lambda session: session.rank)
    others = [session for session in sessions if session is not counted]
    assessment = counted.assessment
    overpaid = [session.id for session in others if session.money.net > 0]
    if overpaid:
        assessment = replace(assessment, reasons=assessment.reasons + _paid_twice(overpaid))
    return SessionSnapshot(
        assessment,
        counted.report,
        money=Money.total(session.money for session in sessions),
        counted=counted.money,
        other_sessions=frozenset(s.id for s in others if s.is_ours and s.report.facts.paid),
        paid_twice=bool(overpaid),
        strays=tuple(s.id for s in sessions if _is_stray(s, sessions, purchase)),
    )


def read_and_close_strays(
    purchase: Purchase, session_id: str | None = None
) -> SessionSnapshot | None:
    """Read the sessions like `read_sessions`, and expire those that must not be paid.

    If any session was expired, all sessions are read again, because one may have been paid just
    before. A repeated call, for example after a crash, finds those sessions already expired. Raises
    PaymentProviderUnavailable.
    """
    snapshot = read_sessions(purchase, session_id)
    if snapshot is not None and snapshot.strays:
        _expire(purchase, snapshot.strays)
        snapshot = read_sessions(purchase, session_id)
    if (
        snapshot is not None
        and snapshot.paid_twice
        and snapshot.assessment.reasons != purchase.reasons
    ):
        count(Metric.PURCHASES_PAID_TWICE)
        logger.error(
            "Purchase paid more than once",
            extra={"purchase_id": purchase.id, "session_ids": sorted(snapshot.other_sessions)},
        )
    return snapshot


def _expire(purchase: Purchase, session_ids: tuple[str, ...]) -> None:
    from chalicelib.payments.checkout import expire_checkout

    for session_id in session_ids:
        logger.warning(
            "Expiring a stray Checkout Session",
            extra={"purchase_id": purchase.id, "session_id": session_id},
        )
        expire_checkout(session_id)


def _is_stray(session: _Session, sessions: Sequence[_Session], purchase: Purchase) -> bool:
    """Return whether the session is open but must not be paid.

    This is the case if the row has a different session, if another session was paid or is being
    paid, or if the purchase was abandoned.
    """
    if session.report.facts.session_status != "open" or not session.is_ours:
        return False
    if purchase.session_id is None:
        return purchase.status in STATUSES - {Status.PENDING}
    return not session.is_on_row or any(other.is_taken for other in sessions)


def _assess_session(purchase: Purchase, report: "SessionReport") -> _Session:
    facts, livemode = report.facts, settings().livemode
    if report.purchase_id != purchase.id:
        reasons = say(MessageCode.SESSION_OF_ANOTHER, session=report.session_id)
        foreign = Assessment(Status.QUARANTINED, 0, reasons)
        return _Session(purchase, report, foreign, is_ours=False, money=Money())
    quoted = Quoted(
        purchase.quantity,
        purchase.total,
        purchase.currency,
        livemode,
        purchase.returned,
        purchase.accepted,
    )
    is_same_money = facts.currency == purchase.currency and facts.livemode == livemode
    money = facts.money if is_same_money else Money()
    assessment = _assess_quote(purchase, quoted, facts)
    return _Session(purchase, report, assessment, is_ours=True, money=money)


def _assess_quote(purchase: Purchase, quoted: Quoted, facts: PaymentFacts) -> Assessment:
    """Assess the session so that no license moves because of a refund in an unknown state.

    If such a refund may have returned licenses, the assessment that matches the pool is used.
    """
    assessment = assess(quoted, facts)
    if not purchase.maybe_returned:
        return assessment
    returned = purchase.returned + purchase.maybe_returned
    other = assess(replace(quoted, returned=returned), facts)
    return other if other.worth == purchase.licenses_granted else assessment


def _paid_twice(session_ids: list[str]) -> Sentences:
    if len(session_ids) == 1:
        return say(MessageCode.PAID_TWICE, session=session_ids[0])
    return say(MessageCode.PAID_SEVERAL_TIMES, times=len(session_ids) + 1, sessions=session_ids)
