"""The phases of a run: what each goes through, a piece at a time, and where it can go on.

A position is the key of the last row that was looked at; None is the beginning.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from chalicelib import clock
from chalicelib.domain.findings import Action, Code, Finding, finding
from chalicelib.services.reconciliation import names, stripe_view
from chalicelib.storage.claims import Claim
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import by_keys, get
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import Row, iso
from chalicelib.storage.tenants import Tenant
from chalicelib.storage.users import User

PIECE = 100
# Older sessions can no longer be paid, and what was paid was settled by an earlier night.
SESSIONS_BACK = timedelta(days=180)
SESSIONS_SPAN = timedelta(days=15)

R = TypeVar("R", bound=Row)
Position = dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Piece:
    """resellers: those to be inspected. position: where to go on after this piece."""

    position: Position
    findings: tuple[Finding, ...] = ()
    resellers: tuple[str, ...] = ()


def resellers(position: Position) -> Iterator[Piece]:
    """One at a time: each may have a great many tenants."""
    for rows, after in _pieces(Reseller, position, ["id"], size=1):
        yield Piece(after, resellers=(rows[0].id,))


def orphan_tenants(position: Position) -> Iterator[Piece]:
    """The tenants whose reseller is not there."""
    columns = ["reseller_id", "id", "name", "slug", "is_active", "deleted_at", "version"]
    for rows, after in _pieces(Tenant, position, columns):
        owners = {tenant.reseller_id for tenant in rows}
        keys = [Reseller(id) for id in owners]
        known = {reseller.id for reseller in by_keys(Reseller, keys, columns=["id"])}
        orphans = (tenant for tenant in rows if tenant.reseller_id not in known)
        yield Piece(after, tuple(names.orphan_tenant(tenant) for tenant in orphans))


def users(position: Position) -> Iterator[Piece]:
    columns = ["id", "email", "reseller_id", "version"]
    for rows, after in _pieces(User, position, columns):
        yield Piece(after, tuple(names.user_findings(rows)))


def claims(position: Position) -> Iterator[Piece]:
    for rows, after in _pieces(Claim, position):
        yield Piece(after, tuple(names.orphan_claims(rows)))


def sessions(position: Position) -> Iterator[Piece]:
    """Stripe's sessions that no purchase knows, some days of them at a time.

    Raises PaymentProviderUnavailable.
    """
    now = clock.now() + timedelta(seconds=1)
    start, end = now - SESSIONS_BACK, now
    if position is not None:
        start, end = (datetime.fromisoformat(position[name]) for name in ("from", "to"))
    while start < end:
        after = min(start + SESSIONS_SPAN, end)
        found = tuple(_unknown_sessions(start, after))
        yield Piece({"from": iso(after), "to": iso(end)}, found)
        start = after


PHASES: dict[str, Callable[[Position], Iterator[Piece]]] = {
    "resellers": resellers,
    "tenants": orphan_tenants,
    "users": users,
    "claims": claims,
    "sessions": sessions,
}


def _unknown_sessions(start: datetime, end: datetime) -> Iterator[Finding]:
    for owner in stripe_view.our_sessions(start, end):
        if get(Purchase, str(owner.reseller_id), str(owner.purchase_id)) is not None:
            continue
        found = lost_session(owner.session_id, str(owner.purchase_id), str(owner.reseller_id))
        if found is not None:
            yield found


def lost_session(session_id: str, purchase_id: str, reseller_id: str) -> Finding | None:
    """None for a session that closed unpaid: it concerns nobody."""
    seen = stripe_view.session(session_id)
    if not seen.paid and not seen.is_open:
        return None
    known = get(Reseller, reseller_id) is not None
    state = f"{seen.amount} cents were paid" if seen.paid else "it is open and can be paid"
    return finding(
        Code.SESSION_WITHOUT_PURCHASE,
        purchase_id,
        reseller_id,
        f"Stripe has a checkout for {purchase_id}, which is not there; {state}.",
        {
            "session_id": session_id,
            "purchase_id": purchase_id,
            "reseller_id": reseller_id,
            "reseller_exists": known,
            "paid": seen.paid,
            "amount": seen.amount,
            "quantity": seen.quantity,
        },
        {Action.ADOPT: "Make the purchase anew from what Stripe says, and settle it"}
        if known
        else {},
    )


def _pieces(
    model: type[R], position: Position, columns: list[str] | None = None, size: int = PIECE
) -> Iterator[tuple[list[R], Position]]:
    rows: list[R] = []
    scan = model.scan(
        attributes_to_get=columns,
        page_size=PIECE,
        last_evaluated_key=position,
        consistent_read=True,
    )
    for row in scan:
        rows.append(row)
        if len(rows) == size:
            yield rows, _position(rows[-1])
            rows = []
    if rows:
        yield rows, _position(rows[-1])


def _position(row: Row) -> Position:
    return {name: {"S": value} for name, value in names.named_key(row).items()}
