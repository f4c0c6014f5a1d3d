"""Which of a purchase's Checkout Sessions counts, and what it says the purchase is worth.

A purchase has one session. It can come to have more where Stripe made one and its answer was
lost for good: then at most one of them may stay open, and money counts once.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chalicelib.domain.purchases import Assessment, Quoted, Status, assess
from chalicelib.observability import count, logger
from chalicelib.settings import settings
from chalicelib.storage.purchases import Purchase

if TYPE_CHECKING:
    from chalicelib.payments.reports import SessionReport


@dataclass(frozen=True, slots=True)
class Look:
    """report: of the session that counts. other_sessions: those that were paid beside it.

    paid_twice: one of them has money that should go back. strays: those that are open, and
    that nobody should pay.
    """

    assessment: Assessment
    report: "SessionReport"
    other_sessions: frozenset[str]
    paid_twice: bool
    strays: tuple[str, ...]


def look(purchase: Purchase, session_id: str | None = None) -> Look | None:
    """What Stripe says now, and nothing else; None for a purchase of which no session is known.

    session_id: one that the row may not know. Raises PaymentProviderUnavailable.
    """
    from chalicelib.payments.reports import report

    known = (purchase.session_id, session_id, *sorted(purchase.other_sessions or ()))
    reports = [report(id) for id in dict.fromkeys(known) if id]
    if not reports:
        return None
    ranked = sorted(
        ((_assess(purchase, report), report) for report in reports),
        key=lambda pair: _rank(pair[0], pair[1], purchase),
        reverse=True,
    )
    (assessment, counted), *others = ranked
    paid_too = [report.session_id for _, report in others if report.facts.paid]
    too_much = [report.session_id for other, report in others if other.worth]
    if too_much:
        assessment = replace(assessment, reason=_paid_twice(too_much))
    strays = tuple(r.session_id for r in reports if _is_stray(r, reports, purchase))
    return Look(assessment, counted, frozenset(paid_too), bool(too_much), strays)


def look_and_close(purchase: Purchase, session_id: str | None = None) -> Look | None:
    """As `look`, once nobody can pay any more what nobody should."""
    seen = look(purchase, session_id)
    if seen is not None and seen.strays:
        _close(purchase, seen.strays)
        seen = look(purchase, session_id)
    if seen is not None and seen.paid_twice and seen.assessment.reason != purchase.status_reason:
        count("PurchasesPaidTwice")
        logger.error(
            "A purchase was paid twice",
            extra={"purchase_id": purchase.id, "session_ids": sorted(seen.other_sessions)},
        )
    return seen


def _rank(
    assessment: Assessment, report: "SessionReport", purchase: Purchase
) -> tuple[bool, int, bool, bool, bool]:
    """The row's own counts while it is worth anything: what was credited is its money, and is
    refunded from it. Then what is worth most; what was paid, and what still can be."""
    own = report.session_id == purchase.session_id
    return (
        own and assessment.worth > 0,
        assessment.worth,
        report.facts.paid,
        assessment.status != Status.EXPIRED,
        own,
    )


def _close(purchase: Purchase, session_ids: tuple[str, ...]) -> None:
    from chalicelib.payments.checkout import expire_checkout

    for session_id in session_ids:
        logger.warning(
            "A stray checkout is closed",
            extra={"purchase_id": purchase.id, "session_id": session_id},
        )
        expire_checkout(session_id)


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
        return Assessment(Status.QUARANTINED, 0, reason)
    quoted = Quoted(
        purchase.quantity,
        purchase.total,
        purchase.currency,
        settings().livemode,
        purchase.returned,
    )
    return assess(quoted, report.facts)


def _paid_twice(session_ids: list[str]) -> str:
    names = ", ".join(session_ids)
    if len(session_ids) == 1:
        said = f"Paid twice: Stripe's session {names} was paid too. Refund one of the two"
    else:
        said = f"Paid {len(session_ids) + 1} times: so were {names}. Refund all but one of them"
    return f"{said}, all of it, in Stripe's dashboard."
