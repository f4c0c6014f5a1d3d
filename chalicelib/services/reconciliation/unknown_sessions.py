"""Stripe's sessions that no purchase knows: its row is gone, or was restored from
before it had learnt of the session. Nothing else leads to such money once the sweep is past it."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from chalicelib import clock
from chalicelib.domain.findings import Action, Code, Finding, make_finding
from chalicelib.services.reconciliation import stripe_view
from chalicelib.services.reconciliation.batches import Batch, BatchResult, Position
from chalicelib.services.reconciliation.facts import SWEPT_WITHIN
from chalicelib.services.reconciliation.stripe_view import SeenSession
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import batch_get, get
from chalicelib.storage.reports import Report
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import iso

if TYPE_CHECKING:
    from chalicelib.payments.listings import SessionOwner

# Older sessions can no longer be paid, and what was paid was settled by an earlier night.
SESSIONS_BACK = timedelta(days=180)

KNOWN_COLUMNS = ["reseller_id", "id", "session_id", "other_sessions"]


def sessions(_report: Report, position: Position) -> Iterator[Batch]:
    """A page of Stripe's list at a time, newest first. Positions: {"from", "to", "after"}, the
    last without an `after`. Raises PaymentProviderUnavailable."""
    now = clock.now() + timedelta(seconds=1)
    start, end, after = now - SESSIONS_BACK, now, None
    if position is not None:
        start, end = (datetime.fromisoformat(position[name]) for name in ("from", "to"))
        after = position["after"]
        if after is None:
            return
    while True:
        owners, after = stripe_view.our_sessions(start, end, after)
        where = {"from": iso(start), "to": iso(end), "after": after}
        what = f"Stripe's sessions of {owners[0].at:%Y-%m-%d}" if owners else "Stripe's sessions"
        yield Batch(where, what, partial(_check_page, owners))
        if after is None:
            return


def _check_page(owners: Sequence["SessionOwner"]) -> BatchResult:
    keys = {(str(o.reseller_id), str(o.purchase_id)): o for o in owners}
    rows = batch_get(Purchase, [Purchase(*key) for key in keys], columns=KNOWN_COLUMNS)
    known = {(row.reseller_id, row.id): row for row in rows}
    found = [_of(owner, known.get(_key(owner))) for owner in owners]
    return BatchResult([one for one in found if one is not None])


def _key(owner: "SessionOwner") -> tuple[str, str]:
    return str(owner.reseller_id), str(owner.purchase_id)


def _of(owner: "SessionOwner", row: Purchase | None) -> Finding | None:
    reseller_id, purchase_id = _key(owner)
    if row is None:
        return lost_session(owner.session_id, purchase_id, reseller_id)
    if _knows(row, owner.session_id) or clock.now() - owner.at < SWEPT_WITHIN:
        return None  # a new one may be about to be written; the sweep comes by first
    return unknown_session(owner.session_id, purchase_id, reseller_id)


def _knows(row: Purchase, session_id: str) -> bool:
    return session_id == row.session_id or session_id in (row.other_sessions or ())


def recheck(evidence: dict[str, Any]) -> Finding | None:
    """The same finding, by what is so now. Raises PaymentProviderUnavailable."""
    ids = (str(evidence[name]) for name in ("session_id", "purchase_id", "reseller_id"))
    session_id, purchase_id, reseller_id = ids
    row = get(Purchase, reseller_id, purchase_id)
    if row is None:
        return lost_session(session_id, purchase_id, reseller_id)
    if _knows(row, session_id):
        return None
    return unknown_session(session_id, purchase_id, reseller_id)


def lost_session(session_id: str, purchase_id: str, reseller_id: str) -> Finding | None:
    """Its purchase is not there."""
    seen = stripe_view.session(session_id)
    if not seen.matters:
        return None
    exists = get(Reseller, reseller_id) is not None
    adopt = {Action.ADOPT: "Make the purchase anew from what Stripe says, and settle it"}
    return make_finding(
        Code.SESSION_WITHOUT_PURCHASE,
        purchase_id,
        reseller_id,
        f"Stripe has a checkout for {purchase_id}, which is not there; {_state(seen)}.",
        _evidence(session_id, purchase_id, reseller_id, seen) | {"reseller_exists": exists},
        adopt if exists else {},
        safe=False,
    )


def unknown_session(session_id: str, purchase_id: str, reseller_id: str) -> Finding | None:
    """Its purchase is there and knows nothing of it. Settling with it is safe: the sweep
    does the same with every session that it meets."""
    seen = stripe_view.session(session_id)
    if not seen.matters:
        return None
    return make_finding(
        Code.SESSION_WITHOUT_PURCHASE,
        session_id,
        reseller_id,
        f"Stripe has a checkout for {purchase_id} that its row does not know; {_state(seen)}.",
        _evidence(session_id, purchase_id, reseller_id, seen),
        {Action.REPAIR: "Settle the purchase with this checkout: add what was paid, or close it"},
    )


def _state(seen: SeenSession) -> str:
    return f"{seen.amount} cents were paid" if seen.paid else "it is open and can be paid"


def _evidence(
    session_id: str, purchase_id: str, reseller_id: str, seen: SeenSession
) -> dict[str, Any]:
    return {
        "session_id": session_id,
        "purchase_id": purchase_id,
        "reseller_id": reseller_id,
        "paid": seen.paid,
        "amount": seen.amount,
        "quantity": seen.quantity,
    }
