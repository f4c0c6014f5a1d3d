"""Find Stripe sessions that no purchase lists.

This happens if the purchase's row was lost or was restored from a backup older than the session.
Once the sweep's window has passed, nothing else finds such a payment.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from chalicelib import clock
from chalicelib.domain.findings import Action, Code, Finding, make_finding
from chalicelib.domain.messages import MessageCode, Sentences, say
from chalicelib.services.reconciliation import stripe_view
from chalicelib.services.reconciliation.batches import Batch, BatchResult, Position
from chalicelib.services.reconciliation.facts import SWEEP_GRACE
from chalicelib.services.reconciliation.stripe_view import SessionSummary
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import batch_get, get
from chalicelib.storage.reports import Report
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import iso

if TYPE_CHECKING:
    from chalicelib.payments.listings import SessionOwner

# Sessions older than this can no longer be paid, and an earlier nightly run settled those that
# were.
SESSION_AGE_LIMIT = timedelta(days=180)

PURCHASE_COLUMNS = ["reseller_id", "id", "session_id", "other_sessions"]


def sessions(_report: Report, position: Position) -> Iterator[Batch]:
    """Check Stripe's sessions page by page, newest first.

    A position has the keys "from", "to", and "after"; "after" is None once the last page is
    done. Raises PaymentProviderUnavailable.
    """
    now = clock.now() + timedelta(seconds=1)
    start, end, after = now - SESSION_AGE_LIMIT, now, None
    if position is not None:
        start, end = (datetime.fromisoformat(position[name]) for name in ("from", "to"))
        after = position["after"]
        if after is None:
            return
    while True:
        owners, after = stripe_view.list_own_sessions(start, end, after)
        next_position = {"from": iso(start), "to": iso(end), "after": after}
        skipped = say(MessageCode.SKIPPED_SESSIONS)
        if owners:
            skipped = say(MessageCode.SKIPPED_SESSIONS_OF, day=f"{owners[0].at:%Y-%m-%d}")
        yield Batch(next_position, skipped, partial(_check_page, owners))
        if after is None:
            return


def _check_page(owners: Sequence["SessionOwner"]) -> BatchResult:
    keys = dict.fromkeys(_purchase_key(owner) for owner in owners)
    rows = batch_get(Purchase, [Purchase(*key) for key in keys], columns=PURCHASE_COLUMNS)
    purchases = {(row.reseller_id, row.id): row for row in rows}
    findings = [_session_finding(owner, purchases.get(_purchase_key(owner))) for owner in owners]
    return BatchResult([finding for finding in findings if finding is not None])


def _purchase_key(owner: "SessionOwner") -> tuple[str, str]:
    return str(owner.reseller_id), str(owner.purchase_id)


def _session_finding(owner: "SessionOwner", row: Purchase | None) -> Finding | None:
    reseller_id, purchase_id = _purchase_key(owner)
    if row is None:
        return lost_session_finding(owner.session_id, purchase_id, reseller_id)
    # The purchase's row may not list a new session yet, and the sweep checks the session first.
    if _lists_session(row, owner.session_id) or clock.now() - owner.at < SWEEP_GRACE:
        return None
    return unknown_session_finding(owner.session_id, purchase_id, reseller_id)


def _lists_session(row: Purchase, session_id: str) -> bool:
    return session_id == row.session_id or session_id in (row.other_sessions or ())


def recheck(evidence: dict[str, object]) -> Finding | None:
    """Return the finding based on the current facts. Raises PaymentProviderUnavailable."""
    ids = (str(evidence[name]) for name in ("session_id", "purchase_id", "reseller_id"))
    session_id, purchase_id, reseller_id = ids
    row = get(Purchase, reseller_id, purchase_id)
    if row is None:
        return lost_session_finding(session_id, purchase_id, reseller_id)
    if _lists_session(row, session_id):
        return None
    return unknown_session_finding(session_id, purchase_id, reseller_id)


def lost_session_finding(session_id: str, purchase_id: str, reseller_id: str) -> Finding | None:
    """Return a finding for a session whose purchase doesn't exist."""
    session = stripe_view.read_session(session_id)
    if not session.is_relevant:
        return None
    exists = get(Reseller, reseller_id) is not None
    adopt = {Action.ADOPT: say(MessageCode.DO_RECREATE_PURCHASE)}
    return make_finding(
        Code.SESSION_WITHOUT_PURCHASE,
        purchase_id,
        reseller_id,
        say(MessageCode.SESSION_OF_MISSING_PURCHASE, purchase=purchase_id)
        + _payment_state(session),
        _evidence(session_id, purchase_id, reseller_id, session) | {"reseller_exists": exists},
        adopt if exists else {},
        safe=False,
    )


def unknown_session_finding(session_id: str, purchase_id: str, reseller_id: str) -> Finding | None:
    """Return a finding for a session that its purchase doesn't list.

    Settling the purchase with the session is safe: the sweep does the same with every session
    that it encounters.
    """
    session = stripe_view.read_session(session_id)
    if not session.is_relevant:
        return None
    return make_finding(
        Code.SESSION_WITHOUT_PURCHASE,
        session_id,
        reseller_id,
        say(MessageCode.SESSION_NOT_LISTED, purchase=purchase_id) + _payment_state(session),
        _evidence(session_id, purchase_id, reseller_id, session),
        {Action.REPAIR: say(MessageCode.DO_SETTLE_SESSION)},
    )


def _payment_state(session: SessionSummary) -> Sentences:
    if session.paid:
        return say(MessageCode.SESSION_PAID, amount=session.amount)
    return say(MessageCode.SESSION_OPEN)


def _evidence(
    session_id: str, purchase_id: str, reseller_id: str, session: SessionSummary
) -> dict[str, object]:
    return {
        "session_id": session_id,
        "purchase_id": purchase_id,
        "reseller_id": reseller_id,
        "paid": session.paid,
        "amount": session.amount,
        "quantity": session.quantity,
    }
