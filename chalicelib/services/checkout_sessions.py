"""Which of a purchase's Checkout Sessions counts, and what it says the purchase is worth.

A purchase has one session. It can come to have two where Stripe made one and its answer was
lost for good: then at most one of them may stay open, and money counts once.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.domain.purchases import Assessment, Quoted, Status, assess
from chalicelib.observability import count, logger
from chalicelib.settings import settings
from chalicelib.storage.purchases import Purchase

if TYPE_CHECKING:
    from chalicelib.payments.reports import SessionReport


@dataclass(frozen=True, slots=True)
class Look:
    """report: of the session that counts. other_session_id: one that was paid beside it."""

    assessment: Assessment
    report: "SessionReport"
    other_session_id: str | None


def look(purchase: Purchase, session_id: str | None = None) -> Look | None:
    """What Stripe says now; None for a purchase of which no session is known.

    session_id: one that the row may not know. Raises PaymentProviderUnavailable.
    """
    known = (purchase.session_id, purchase.other_session_id, session_id)
    reports = _reports(list(dict.fromkeys(id for id in known if id)), purchase)
    if not reports:
        return None
    ranked = sorted(
        ((_assess(purchase, report), report) for report in reports),
        key=lambda pair: _rank(pair[0], pair[1], purchase),
        reverse=True,
    )
    (assessment, counted), *others = ranked
    paid_too = [report.session_id for _, report in others if report.facts.paid]
    if any(other.worth for other, _ in others):
        assessment = _paid_twice(assessment, purchase, paid_too[0])
    return Look(assessment, counted, paid_too[0] if paid_too else None)


def _rank(
    assessment: Assessment, report: "SessionReport", purchase: Purchase
) -> tuple[int, bool, bool, bool]:
    """What is worth most counts; then what was paid, what still can be, and what the row says."""
    return (
        assessment.worth,
        report.facts.paid,
        assessment.status != Status.EXPIRED,
        report.session_id == purchase.session_id,
    )


def _reports(session_ids: list[str], purchase: Purchase) -> list["SessionReport"]:
    if not session_ids:
        return []
    from chalicelib.payments.checkout import expire_checkout
    from chalicelib.payments.reports import report

    reports = [report(session_id) for session_id in session_ids]
    strays = [r.session_id for r in reports if _is_stray(r, reports, purchase)]
    if not strays:
        return reports
    for session_id in strays:
        logger.warning(
            "A stray checkout is closed",
            extra={"purchase_id": purchase.id, "session_id": session_id},
        )
        expire_checkout(session_id)
    return [report(session_id) for session_id in session_ids]


def _is_stray(report: "SessionReport", reports: list["SessionReport"], purchase: Purchase) -> bool:
    """An open session that nobody should pay: the purchase has another, or was given up."""
    if report.facts.session_status != "open" or report.purchase_id != purchase.id:
        return False
    if purchase.session_id is None:
        return purchase.status != Status.PENDING
    return report.session_id != purchase.session_id or any(r.facts.paid for r in reports)


def _assess(purchase: Purchase, report: "SessionReport") -> Assessment:
    if report.purchase_id != purchase.id:
        reason = f"Stripe's session {report.session_id} was not made for this purchase."
        return Assessment(Status.QUARANTINED, 0, reason, awaited=True)
    quoted = Quoted(
        purchase.quantity,
        purchase.total,
        purchase.currency,
        settings().livemode,
        purchase.returned,
    )
    return assess(quoted, report.facts)


def _paid_twice(assessment: Assessment, purchase: Purchase, session_id: str) -> Assessment:
    if purchase.other_session_id is None:
        count("PurchasesPaidTwice")
        logger.error(
            "A purchase was paid twice",
            extra={"purchase_id": purchase.id, "session_id": session_id},
        )
    reason = f"Paid twice: Stripe's session {session_id} was paid too. Refund one of them."
    return Assessment(assessment.status, assessment.worth, reason, assessment.awaited)
