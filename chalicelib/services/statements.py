"""Statements for accounting: every license of a period explained, beside the money.

The ledger is read as a stream: in memory are the sums, and the purchases paid in the period.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.purchases import Status
from chalicelib.domain.statements import Licenses, Money, Period
from chalicelib.storage.ledger import LedgerEntry
from chalicelib.storage.purchases import Purchase
from chalicelib.storage.reads import every
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
    "currency",
    "status",
    "invoice_url",
    "receipt_url",
)
LEDGER_COLUMNS = ("at", "id", "kind", "count_change", "used_change", "reference", "actor", "reason")

Cells = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """money: by currency. purchases: those that were paid in the period."""

    reseller: Reseller
    period: Period
    licenses: Licenses
    money: dict[str, Money]
    purchases: list[Purchase]


def statement(reseller: Reseller, period: Period) -> Statement:
    licenses = Licenses()
    for entry in _counted(reseller.id, period):
        if entry.at < period.start:
            licenses.opening += entry.count_change
        else:
            licenses.add(entry.kind, entry.count_change)
    purchases = _paid(reseller.id, period)
    money: dict[str, Money] = {}
    for purchase in purchases:
        _add(money.setdefault(purchase.currency, Money()), purchase)
    return Statement(reseller, period, licenses, money, purchases)


def statement_lines(reseller: Reseller, period: Period) -> Iterator[Cells]:
    """A line for each move, with the money of its purchase beside the payment; between the
    opening and the closing balance."""
    paid = {purchase.id: purchase for purchase in _paid(reseller.id, period)}
    balance = 0
    opened = False
    for entry in _counted(reseller.id, period):
        if not opened and entry.at >= period.start:
            opened = True
            yield _balance(period.start, "opening", balance)
        balance += entry.count_change
        if opened:
            bought = paid.get(entry.ref or "") if entry.kind == "purchase" else None
            yield _line(entry, balance, bought)
    if not opened:
        yield _balance(period.start, "opening", balance)
    yield _balance(period.end, "closing", balance)


def ledger_lines(reseller_id: str) -> Iterator[Cells]:
    """Every move of either counter, newest first."""
    for entry in every(LedgerEntry, reseller_id, scan_index_forward=False):
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
    for entry in every(LedgerEntry, reseller_id):
        if entry.at < period.end and entry.count_change:
            yield entry


def _paid(reseller_id: str, period: Period) -> list[Purchase]:
    return [
        purchase
        for purchase in every(Purchase, reseller_id)
        if purchase.paid_at is not None and purchase.paid_at in period
    ]


def _add(money: Money, purchase: Purchase) -> None:
    money.gross += purchase.amount_paid
    money.refunded += purchase.amount_refunded
    if purchase.status == Status.DISPUTED:
        money.disputed += purchase.amount_paid - purchase.amount_refunded


def _line(entry: LedgerEntry, balance: int, bought: Purchase | None) -> Cells:
    money: Cells = (None,) * 6
    if bought is not None:
        money = (
            bought.amount_paid,
            bought.amount_refunded,
            bought.currency,
            bought.status,
            bought.invoice_url,
            bought.receipt_url,
        )
    return (
        iso(entry.at),
        entry.kind,
        entry.count_change,
        balance,
        entry.ref,
        entry.reason,
        *money,
    )


def _balance(at: datetime, name: str, balance: int) -> Cells:
    return (iso(at), name, None, balance, *(None,) * 8)
