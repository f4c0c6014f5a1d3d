"""Statements for accounting: every license of a period explained, beside the money.

Licenses and money count in the period in which they were booked, in one transaction: what is
read of a closed month does not change, whatever is refunded or disputed later. The ledger is
read as a stream: in memory are the sums, and what was booked in the period.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from operator import itemgetter

from chalicelib.domain.ledger import Kind
from chalicelib.domain.statements import Licenses, Money, Period
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
class Booked:
    """A purchase, and what its money did in the period."""

    purchase: Purchase
    money: Money


@dataclass(frozen=True, slots=True)
class Statement:
    """money: by currency. purchases: those whose money moved in the period."""

    reseller: Reseller
    period: Period
    licenses: Licenses
    money: dict[str, Money]
    purchases: list[Booked]


def statement(reseller: Reseller, period: Period) -> Statement:
    licenses = Licenses()
    for entry in _counted(reseller.id, period):
        if entry.at < period.start:
            licenses.opening += entry.count_change
        else:
            licenses.add(entry.kind, entry.count_change)
    purchases: dict[str, Booked] = {}
    money: dict[str, Money] = {}
    for _, purchase, moved in _bookings(reseller.id, period):
        purchases.setdefault(purchase.id, Booked(purchase, Money())).money.add(moved)
        money.setdefault(purchase.currency, Money()).add(moved)
    return Statement(reseller, period, licenses, money, list(purchases.values()))


def statement_lines(reseller: Reseller, period: Period) -> Iterator[Cells]:
    """A line for each move of licenses or money, both in one line where they moved together;
    between the opening and the closing balance."""
    bookings = _bookings(reseller.id, period)
    together = {(purchase.id, iso(at)): (purchase, moved) for at, purchase, moved in bookings}
    moves: Iterable[tuple[datetime, LedgerEntry | Purchase]] = merge(
        ((entry.at, entry) for entry in _counted(reseller.id, period)),
        ((at, purchase) for at, purchase, _ in bookings),
        key=itemgetter(0),
    )
    balance = 0
    opened = False
    for at, moved in moves:
        if not opened and at >= period.start:
            opened = True
            yield _balance(period.start, "opening", balance)
        if isinstance(moved, LedgerEntry):
            balance += moved.count_change
            if opened:
                booked = together.pop((moved.ref or "", iso(at)), None)
                yield _license_line(moved, balance, booked)
        elif booked := together.pop((moved.id, iso(at)), None):
            yield _money_line(at, balance, booked)
    if not opened:
        yield _balance(period.start, "opening", balance)
    yield _balance(period.end, "closing", balance)


def ledger_lines(reseller_id: str) -> Iterator[Cells]:
    """Every move of either counter, newest first."""
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


def _counted(reseller_id: str, period: Period) -> Iterator[LedgerEntry]:
    """The moves of what is owned, oldest first, up to the end of the period."""
    for entry in iterate_partition(LedgerEntry, reseller_id):
        if entry.at < period.end and entry.count_change:
            yield entry


def _bookings(reseller_id: str, period: Period) -> list[tuple[datetime, Purchase, Money]]:
    """What the money of its purchases did in the period, oldest first."""
    found = [
        (moment, purchase, money)
        for purchase in iterate_partition(Purchase, reseller_id)
        for at, money in purchase.money_moves
        if (moment := datetime.fromisoformat(at)) in period
    ]
    return sorted(found, key=itemgetter(0))


def _license_line(entry: LedgerEntry, balance: int, booked: tuple[Purchase, Money] | None) -> Cells:
    money = _cells(*booked) if booked else NO_MONEY
    moved = (entry.kind, entry.count_change, balance, entry.ref, entry.reason)
    return (iso(entry.at), *moved, *money)


def _money_line(at: datetime, balance: int, booked: tuple[Purchase, Money]) -> Cells:
    """Money that moved no license: one came earlier or later, or none was due."""
    purchase, money = booked
    moved = (_kind(money), 0, balance, purchase.id, None)
    return (iso(at), *moved, *_cells(purchase, money))


def _kind(money: Money) -> Kind:
    if money.gross > 0:
        return Kind.PURCHASE
    if money.disputed > 0:
        return Kind.DISPUTE
    return Kind.REFUND if money.refunded > 0 else Kind.REINSTATEMENT


def _cells(purchase: Purchase, money: Money) -> Cells:
    amounts = (money.gross, money.refunded, money.disputed)
    papers = (purchase.invoice_url, purchase.receipt_url)
    return (*amounts, purchase.currency, purchase.status, *papers)


def _balance(at: datetime, name: str, balance: int) -> Cells:
    return (iso(at), name, None, balance, None, None, *NO_MONEY)
