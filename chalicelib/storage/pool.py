"""The license pool: the only module that writes license_count and license_used.

Each function adds its steps to a transaction: the update of the counter, with the condition that
makes it correct, and the ledger entry that explains it. The caller adds the related writes (to the
tenant, the purchase, or the claims) and commits. Either everything is written, or nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pynamodb.expressions.update import Action

from chalicelib.domain.actors import Actor
from chalicelib.domain.ledger import Kind
from chalicelib.errors import (
    LicenseCountBelowUsed,
    LicensesExhausted,
    NotFound,
    ResellerInactive,
    VersionConflict,
)
from chalicelib.observability import Metric, count
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import new_id, reads_as
from chalicelib.storage.transactions import Transaction

# The columns that a step may write. Anything else that rides along must leave them alone.
COUNT = frozenset({"license_count"})
USED = frozenset({"license_used"})


@dataclass(frozen=True, slots=True)
class Move:
    """Why a counter changes, for the ledger. `ref` is the ID of the tenant, purchase, or report."""

    kind: Kind
    actor: Actor
    ref: str | None = None
    reason: str | None = None


def take(tx: Transaction, reseller_id: str, move: Move) -> LedgerEntry:
    """Put one license into use.

    Invariant: this succeeds only while used < count, whatever runs concurrently.
    Raises at commit: NotFound, ResellerInactive, LicensesExhausted.
    """

    def refused(found: Reseller | None) -> Exception:
        if found is None:
            return NotFound("reseller")
        if not found.is_active:
            count(Metric.LICENSES_REFUSED_INACTIVE)
            return ResellerInactive()
        count(Metric.LICENSES_REFUSED_EXHAUSTED)
        return LicensesExhausted(found.license_used, found.license_count)

    tx.update(
        Reseller(reseller_id),
        [Reseller.license_used.add(1)],
        condition=reads_as(Reseller.is_active, True)
        & (Reseller.license_used < Reseller.license_count),
        otherwise=refused,
        by_pool=USED,
    )
    return _record(tx, reseller_id, move, used_change=1)


def release(tx: Transaction, reseller_id: str, move: Move) -> LedgerEntry:
    """Take one license out of use.

    The caller's write to the tenant has the condition that makes this correct: the tenant held a
    license until now. Raises at commit: NotFound, PoolDrifted.
    """
    tx.update(
        Reseller(reseller_id),
        [Reseller.license_used.add(-1)],
        condition=Reseller.license_used > 0,
        otherwise=lambda found: NotFound("reseller") if found is None else PoolDrifted(reseller_id),
        by_pool=USED,
    )
    return _record(tx, reseller_id, move, used_change=-1)


def grant(
    tx: Transaction,
    reseller_id: str,
    licenses: int,
    move: Move,
    *,
    extra_actions: Sequence[Action] = (),
) -> LedgerEntry:
    """Add licenses to the number the reseller owns. Raises at commit: NotFound.

    `extra_actions` change other columns of the reseller's row, which a transaction can write
    only once.
    """
    tx.update(
        Reseller(reseller_id),
        [Reseller.license_count.add(licenses), *extra_actions],
        condition=Reseller.id.exists(),
        otherwise=NotFound("reseller"),
        by_pool=COUNT,
    )
    return _record(tx, reseller_id, move, count_change=licenses)


def revoke_unused(tx: Transaction, reseller: Reseller, licenses: int, move: Move) -> LedgerEntry:
    """Take back licenses that are not in use, for an admin.

    DynamoDB can't add within a condition, so the remaining count is computed from the row as it was
    read, and the write succeeds only if license_count is still the same.
    Raises at commit: NotFound, LicenseCountBelowUsed, VersionConflict (read again and retry).
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
        by_pool=COUNT,
    )
    return _record(tx, reseller.id, move, count_change=-licenses)


def set_count(
    tx: Transaction,
    reseller: Reseller,
    license_count: int,
    move: Move,
    columns: Mapping[str, object] = MappingProxyType({}),
) -> LedgerEntry:
    """Set the total, and any other `columns` of the row, to the values an admin entered.

    Raises LicenseCountBelowUsed immediately, or VersionConflict at commit.
    """
    change = license_count - reseller.license_count
    if change < 0 and license_count < reseller.license_used:
        raise LicenseCountBelowUsed(reseller.license_used)
    tx.change(reseller, columns, by_pool=COUNT, license_count=license_count)
    return _record(tx, reseller.id, move, count_change=change)


def set_used(
    tx: Transaction, reseller: Reseller, counted: int, recorded: int, move: Move
) -> LedgerEntry:
    """Repair license_used: set it to the number counted, and make the ledger add up to it.

    `recorded` is the sum of the ledger so far. Raises VersionConflict at commit if the reseller's
    row has changed since the counting began.
    """
    tx.change(reseller, by_pool=USED, license_used=counted)
    return _record(tx, reseller.id, move, used_change=counted - recorded)


def adopt_count(tx: Transaction, reseller: Reseller, unexplained: int, move: Move) -> LedgerEntry:
    """Repair the ledger: keep license_count, and record the licenses it did not explain.

    The condition and the error are the same as for `set_used`.
    """
    tx.change(reseller)
    return _record(tx, reseller.id, move, count_change=unexplained)


def revert_count(tx: Transaction, reseller: Reseller, explained: int, move: Move) -> LedgerEntry:
    """Repair license_count: set it to the number the ledger explains, and add an entry saying so.

    Afterward, more licenses can be in use than the reseller owns. The condition and the error are
    the same as for `set_used`.
    """
    tx.change(reseller, by_pool=COUNT, license_count=explained)
    return _record(tx, reseller.id, move)


def open_pool(tx: Transaction, reseller: Reseller, licenses: int, move: Move) -> None:
    """Create a reseller's row with its initial licenses."""
    reseller.license_count = licenses
    reseller.license_used = 0
    tx.create(reseller, otherwise=VersionConflict(), by_pool=COUNT | USED)
    if licenses:
        _record(tx, reseller.id, move, count_change=licenses)


def revoke(tx: Transaction, reseller_id: str, licenses: int, move: Move) -> LedgerEntry:
    """Take back licenses whose payment was refunded or charged back. Raises at commit: NotFound.

    Afterward, more licenses can be in use than the reseller owns. Existing tenants keep running.
    """
    tx.update(
        Reseller(reseller_id),
        [Reseller.license_count.add(-licenses)],
        condition=Reseller.id.exists(),
        otherwise=NotFound("reseller"),
        by_pool=COUNT,
    )
    return _record(tx, reseller_id, move, count_change=-licenses)


class PoolDrifted(RuntimeError):
    """A tenant held a license that its pool does not count. Reconciliation repairs that."""

    def __init__(self, reseller_id: str) -> None:
        super().__init__(
            f"license_used of {reseller_id} is already 0, although a tenant held a license."
        )


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
        actor=move.actor.id,
        reason=move.reason,
        ref=move.ref,
    )
    tx.put_commit_marker(entry)
    tx.after_commit(lambda: _emit_metrics(count_change, used_change))
    return entry


def _emit_metrics(count_change: int, used_change: int) -> None:
    if count_change:
        moved = Metric.LICENSES_GRANTED if count_change > 0 else Metric.LICENSES_REVOKED
        count(moved, abs(count_change))
    if used_change:
        moved = Metric.LICENSES_TAKEN if used_change > 0 else Metric.LICENSES_RELEASED
        count(moved, abs(used_change))
