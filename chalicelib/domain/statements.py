"""Statements: what moved the licenses of a period, so that opening and closing tie."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.domain.ledger import Kind

# Where each kind of move stands in a statement, and whether the line is one of what was taken.
LINES: Mapping[Kind, tuple[str, int]] = {
    Kind.PURCHASE: ("purchased", 1),
    Kind.ALLOCATION: ("allocated", 1),
    Kind.REVOCATION: ("revoked", -1),
    Kind.REFUND: ("refunded", -1),
    Kind.DISPUTE: ("disputed", -1),
    Kind.REINSTATEMENT: ("reinstated", 1),
    Kind.SYNC: ("synced", 1),
}


@dataclass(slots=True)
class Licenses:
    """opening + purchased + allocated + reinstated + synced - revoked - refunded - disputed
    = closing. Only `synced`, the repairs, can be negative."""

    opening: int = 0
    purchased: int = 0
    allocated: int = 0
    reinstated: int = 0
    synced: int = 0
    revoked: int = 0
    refunded: int = 0
    disputed: int = 0

    @property
    def closing(self) -> int:
        given = self.purchased + self.allocated + self.reinstated + self.synced
        return self.opening + given - self.revoked - self.refunded - self.disputed

    def add(self, kind: str, change: int) -> None:
        """Raises KeyError for a kind that moves no owned licenses."""
        line, sign = LINES[Kind(kind)]
        setattr(self, line, getattr(self, line) + sign * change)


@dataclass(slots=True)
class Money:
    """Integer cents that moved: gross was paid, refunded went back, disputed is held by the
    bank (negative: it gave back what it held)."""

    gross: int = 0
    refunded: int = 0
    disputed: int = 0

    @property
    def net(self) -> int:
        return self.gross - self.refunded - self.disputed

    @classmethod
    def total(cls, moneys: Iterable["Money"]) -> "Money":
        total = cls()
        for money in moneys:
            total.add(money)
        return total

    def add(self, other: "Money") -> None:
        self.gross += other.gross
        self.refunded += other.refunded
        self.disputed += other.disputed


@dataclass(frozen=True, slots=True)
class Period:
    """[start, end)."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


def month(text: str) -> Period:
    """`2026-11`, in UTC. Raises ValueError."""
    start = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    following = (start.year + 1, 1) if start.month == 12 else (start.year, start.month + 1)
    return Period(start, datetime(*following, 1, tzinfo=UTC))
