"""Statements for accounting: license changes in a period, alongside the money that moved.

Licenses and money count in the period in which they were booked. A closed month therefore never
changes, no matter what is refunded or disputed later. The ledger is read as a stream; only the sums
and the period's bookings are held in memory.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from operator import itemgetter

from chalicelib.domain.ledger import Kind
from chalicelib.domain.statements import LicenseMovements, Money, Period
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import iterate_partition
from chalicelib.storage.resellers import Reseller
from chalicelib.storage.rows import iso

COLUMNS = (
    "at",
    "line",
    "licenses",
    "balance",
    "reference",
    "reason",
    "paid",
    "refunded",
    "disputed",
    "currency",
    "status",
    "invoice_url",
    "receipt_url",
)
NO_MONEY = (None,) * 7
LEDGER_COLUMNS = ("at", "id", "kind", "count_change", "used_change", "reference", "actor", "reason")

Cells = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class PurchaseMoney:
    """A purchase, and the money that moved for it in the period."""

    purchase: Purchase
    money: Money


@dataclass(frozen=True, slots=True)
class Statement:
    """A reseller's statement. `money` is keyed by currency.

    `purchases` are the purchases for which money moved in the period, no matter when they were
    started.
    """

    reseller: Reseller
    period: Period
    licenses: LicenseMovements
    money: dict[str, Money]
    purchases: list[PurchaseMoney]


def build_statement(reseller: Reseller, period: Period) -> Statement:
    """Add up the reseller's license and money movements in a period."""
    licenses = LicenseMovements()
    for entry in _count_changes(reseller.id, period):
        if entry.at < period.start:
            licenses.opening += entry.count_change
        else:
            licenses.add(entry.kind, entry.count_change)
    purchases: dict[str, PurchaseMoney] = {}
    money: dict[str, Money] = {}
    for _, purchase, moved in _bookings(reseller.id, period):
        purchases.setdefault(purchase.id, PurchaseMoney(purchase, Money())).money.add(moved)
        money.setdefault(purchase.currency, Money()).add(moved)
    return Statement(reseller, period, licenses, money, list(purchases.values()))


def statement_lines(reseller: Reseller, period: Period) -> Iterator[Cells]:
    """Yield the opening balance, a line per license or money movement, and the closing balance.

    Licenses and money that moved in the same transaction share a line.
    """
    bookings = _bookings(reseller.id, period)
    unmatched = {(purchase.id, iso(at)): (purchase, moved) for at, purchase, moved in bookings}
    moves: Iterable[tuple[datetime, LedgerEntry | Purchase]] = merge(
        ((entry.at, entry) for entry in _count_changes(reseller.id, period)),
        ((at, purchase) for at, purchase, _ in bookings),
        key=itemgetter(0),
    )
    balance = 0
    opened = False
    for at, moved in moves:
        if not opened and at >= period.start:
            opened = True
            yield _balance_line(period.start, "opening", balance)
        if isinstance(moved, LedgerEntry):
            balance += moved.count_change
            if opened:
                booked = unmatched.pop((moved.ref or "", iso(at)), None)
                yield _license_line(moved, balance, booked)
        elif booked := unmatched.pop((moved.id, iso(at)), None):
            yield _money_line(at, balance, booked)
    if not opened:
        yield _balance_line(period.start, "opening", balance)
    yield _balance_line(period.end, "closing", balance)


def ledger_lines(reseller_id: str) -> Iterator[Cells]:
    """Yield every ledger entry for the reseller, newest first."""
    for entry in iterate_partition(LedgerEntry, reseller_id, scan_index_forward=False):
        yield (
            iso(entry.at),
            entry.id,
            entry.kind,
            entry.count_change,
            entry.used_change,
            entry.ref,
            entry.actor,
            entry.reason,
        )


def _count_changes(reseller_id: str, period: Period) -> Iterator[LedgerEntry]:
    """Yield the ledger entries that changed license_count, oldest first, up to the period's end."""
    for entry in iterate_partition(LedgerEntry, reseller_id):
        if entry.at < period.end and entry.count_change:
            yield entry


def _bookings(reseller_id: str, period: Period) -> list[tuple[datetime, Purchase, Money]]:
    """Return the period's bookings for the reseller's purchases, oldest first."""
    found = [
        (booked_at, purchase, money)
        for purchase in iterate_partition(Purchase, reseller_id)
        for at, money in purchase.money_moves
        if (booked_at := datetime.fromisoformat(at)) in period
    ]
    return sorted(found, key=itemgetter(0))


def _license_line(entry: LedgerEntry, balance: int, booked: tuple[Purchase, Money] | None) -> Cells:
    money = _money_cells(*booked) if booked else NO_MONEY
    moved = (entry.kind, entry.count_change, balance, entry.ref, entry.reason)
    return (iso(entry.at), *moved, *money)


def _money_line(at: datetime, balance: int, booked: tuple[Purchase, Money]) -> Cells:
    """Return a line for money that moved without licenses.

    The licenses moved at another time, or none were due.
    """
    purchase, money = booked
    moved = (_money_kind(money), 0, balance, purchase.id, None)
    return (iso(at), *moved, *_money_cells(purchase, money))


def _money_kind(money: Money) -> Kind:
    if money.gross > 0:
        return Kind.PURCHASE
    if money.disputed > 0:
        return Kind.DISPUTE
    return Kind.REFUND if money.refunded > 0 else Kind.REINSTATEMENT


def _money_cells(purchase: Purchase, money: Money) -> Cells:
    amounts = (money.gross, money.refunded, money.disputed)
    links = (purchase.invoice_url, purchase.receipt_url)
    return (*amounts, purchase.currency, purchase.status, *links)


def _balance_line(at: datetime, name: str, balance: int) -> Cells:
    return (iso(at), name, None, balance, None, None, *NO_MONEY)
