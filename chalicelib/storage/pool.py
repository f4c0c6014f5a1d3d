"""The license pool: the only module that writes license_count and license_used.

Each move adds its steps to a transaction: the counter under the condition that makes the
move right, and the ledger entry that explains it. The caller adds what rides along (the
tenant, the purchase, the claims) and commits; all of it happens or none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pynamodb.expressions.update import Action

from chalicelib.domain.ledger import Kind
from chalicelib.errors import (
    LicenseCountBelowUsed,
    LicensesExhausted,
    NotFound,
    ResellerInactive,
    VersionConflict,
)
from chalicelib.observability import count
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import new_id
from chalicelib.storage.transactions import Transaction


@dataclass(frozen=True, slots=True)
class Move:
    """Why a counter moves: for the ledger. ref: the tenant, purchase or report it is about."""

    kind: Kind
    actor: str
    ref: str | None = None
    reason: str | None = None


def take(tx: Transaction, reseller_id: str, move: Move) -> LedgerEntry:
    """One license into use. Raises at commit: NotFound, ResellerInactive, LicensesExhausted.

    Invariant: a take succeeds only while used < count, whatever runs beside it.
    """

    def refused(found: Reseller | None) -> Exception:
        if found is None:
            return NotFound("reseller")
        if not found.is_active:
            count("LicensesRefusedInactive")
            return ResellerInactive()
        count("LicensesRefusedExhausted")
        return LicensesExhausted(found.license_used, found.license_count)

    tx.update(
        Reseller(reseller_id),
        [Reseller.license_used.add(1)],
        condition=(Reseller.is_active == True)  # noqa: E712 - builds a condition
        & (Reseller.license_used < Reseller.license_count),
        otherwise=refused,
        by_pool=True,
    )
    return _record(tx, reseller_id, move, used_change=1)


def release(tx: Transaction, reseller_id: str, move: Move) -> LedgerEntry:
    """One license out of use. The caller's step on the tenant holds the condition that makes
    it right: that the tenant held a license until now. Raises at commit: NotFound.
    """
    tx.update(
        Reseller(reseller_id),
        [Reseller.license_used.add(-1)],
        condition=Reseller.license_used > 0,
        otherwise=lambda found: NotFound("reseller") if found is None else PoolDrifted(reseller_id),
        by_pool=True,
    )
    return _record(tx, reseller_id, move, used_change=-1)


def grant(
    tx: Transaction,
    reseller_id: str,
    licenses: int,
    move: Move,
    *,
    also: Sequence[Action] = (),
) -> LedgerEntry:
    """Licenses added to what is owned. also: what else changes on the reseller's row, of which
    a transaction can touch each only once. Raises at commit: NotFound."""
    tx.update(
        Reseller(reseller_id),
        [Reseller.license_count.add(licenses), *also],
        condition=Reseller.id.exists(),
        otherwise=NotFound("reseller"),
        by_pool=True,
    )
    return _record(tx, reseller_id, move, count_change=licenses)


def revoke_unused(tx: Transaction, reseller: Reseller, licenses: int, move: Move) -> LedgerEntry:
    """An admin takes licenses back, never those in use.

    DynamoDB does not add inside a condition, so what would remain is reckoned from the row
    as read and holds only while license_count is still the same. Raises at commit: NotFound,
    LicenseCountBelowUsed, VersionConflict (read again and retry).
    """
    remaining = reseller.license_count - licenses

    def refused(found: Reseller | None) -> Exception:
        if found is None:
            return NotFound("reseller")
        if found.license_count != reseller.license_count:
            return VersionConflict()
        return LicenseCountBelowUsed(found.license_used)

    tx.update(
        Reseller(reseller.id),
        [Reseller.license_count.add(-licenses)],
        condition=(Reseller.license_count == reseller.license_count)
        & (Reseller.license_used <= remaining),
        otherwise=refused,
        by_pool=True,
    )
    return _record(tx, reseller.id, move, count_change=-licenses)


def set_count(
    tx: Transaction, reseller: Reseller, license_count: int, move: Move, **columns: Any
) -> LedgerEntry:
    """An admin edits the total, perhaps with other columns of the row, as read.

    Raises LicenseCountBelowUsed; at commit VersionConflict.
    """
    change = license_count - reseller.license_count
    if change < 0 and license_count < reseller.license_used:
        raise LicenseCountBelowUsed(reseller.license_used)
    tx.change(reseller, by_pool=True, license_count=license_count, **columns)
    return _record(tx, reseller.id, move, count_change=change)


def set_used(
    tx: Transaction, reseller: Reseller, counted: int, recorded: int, move: Move
) -> LedgerEntry:
    """A repair: license_used becomes what was counted, and the ledger, which added up to
    `recorded`, adds up to it again. Refused where the reseller's row has moved since the
    count began: VersionConflict at commit."""
    tx.change(reseller, by_pool=True, license_used=counted)
    return _record(tx, reseller.id, move, used_change=counted - recorded)


def adopt_count(tx: Transaction, reseller: Reseller, unexplained: int, move: Move) -> LedgerEntry:
    """A repair: license_count stays as it is, and the ledger explains what it did not.
    Condition and error as for `set_used`."""
    tx.change(reseller)
    return _record(tx, reseller.id, move, count_change=unexplained)


def revert_count(tx: Transaction, reseller: Reseller, explained: int, move: Move) -> LedgerEntry:
    """A repair: license_count becomes what the ledger explains; the entry says that it was
    done. May leave more in use than owned. Condition and error as for `set_used`."""
    tx.change(reseller, by_pool=True, license_count=explained)
    return _record(tx, reseller.id, move)


def open_pool(tx: Transaction, reseller: Reseller, licenses: int, move: Move) -> None:
    """A new reseller's row with its initial allocation."""
    reseller.license_count = licenses
    reseller.license_used = 0
    tx.create(reseller, otherwise=VersionConflict(), by_pool=True)
    if licenses:
        _record(tx, reseller.id, move, count_change=licenses)


def revoke(tx: Transaction, reseller_id: str, licenses: int, move: Move) -> LedgerEntry:
    """Licenses whose money went back. May leave more in use than owned: existing tenants
    keep running. Raises at commit: NotFound."""
    tx.update(
        Reseller(reseller_id),
        [Reseller.license_count.add(-licenses)],
        condition=Reseller.id.exists(),
        otherwise=NotFound("reseller"),
        by_pool=True,
    )
    return _record(tx, reseller_id, move, count_change=-licenses)


class PoolDrifted(RuntimeError):
    """A tenant held a license that its pool does not count: for reconciliation."""

    def __init__(self, reseller_id: str) -> None:
        super().__init__(f"license_used of {reseller_id} is already 0, yet a tenant held one.")


def _record(
    tx: Transaction,
    reseller_id: str,
    move: Move,
    *,
    count_change: int = 0,
    used_change: int = 0,
) -> LedgerEntry:
    entry = LedgerEntry(
        reseller_id,
        new_id("led"),
        at=tx.now,
        kind=move.kind,
        count_change=count_change,
        used_change=used_change,
        actor=move.actor,
        reason=move.reason,
        ref=move.ref,
    )
    tx.witness(entry)
    tx.afterwards(lambda: _count(count_change, used_change))
    return entry


def _count(count_change: int, used_change: int) -> None:
    if count_change:
        count("LicensesGranted" if count_change > 0 else "LicensesRevoked", abs(count_change))
    if used_change:
        count("LicensesTaken" if used_change > 0 else "LicensesReleased", abs(used_change))
