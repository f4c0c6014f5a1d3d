"""License statements: how movements in a period lead from its opening to its closing balance."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from chalicelib.domain.ledger import Kind

# The days that a statement can cover. Python's dates end with the year 9999.
FIRST_DAY = date(1970, 1, 1)
LAST_DAY = date(9998, 12, 31)

# The statement line for each ledger kind. The sign is -1 for lines that show removed licenses as a
# positive number.
STATEMENT_LINES: Mapping[str, tuple[str, int]] = {
    Kind.PURCHASE: ("purchased", 1),
    Kind.ALLOCATION: ("allocated", 1),
    Kind.REVOCATION: ("revoked", -1),
    Kind.REFUND: ("refunded", -1),
    Kind.DISPUTE: ("disputed", -1),
    Kind.REINSTATEMENT: ("reinstated", 1),
    Kind.SYNC: ("synced", 1),
}


@dataclass(slots=True)
class LicenseMovements:
    """A period's balances and movements.

    closing = opening + purchased + allocated + reinstated + synced - revoked - refunded - disputed.
    Only `synced` can be negative: it is the net effect of repairs, and of kinds that only a later
    release knows.
    """

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
        added = self.purchased + self.allocated + self.reinstated + self.synced
        return self.opening + added - self.revoked - self.refunded - self.disputed

    def add(self, kind: str, change: int) -> None:
        """Add a change in the number of licenses owned to the line for its kind."""
        line, sign = STATEMENT_LINES.get(kind, ("synced", 1))
        setattr(self, line, getattr(self, line) + sign * change)


@dataclass(slots=True)
class Money:
    """Amounts received (`gross`), `refunded`, and `disputed`, in integer cents.

    `disputed` is money withdrawn by the bank. It is negative if the bank returned more than it
    withdrew, such as in a period when a dispute was won.
    """

    gross: int = 0
    refunded: int = 0
    disputed: int = 0

    @property
    def net(self) -> int:
        return self.gross - self.refunded - self.disputed

    @classmethod
    def total(cls, amounts: Iterable["Money"]) -> "Money":
        total = cls()
        for amount in amounts:
            total.add(amount)
        return total

    def add(self, other: "Money") -> None:
        self.gross += other.gross
        self.refunded += other.refunded
        self.disputed += other.disputed


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open interval: `start` is included, `end` is not."""

    start: datetime
    end: datetime

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end


def parse_month(text: str) -> Period:
    """Parse a month such as `2026-11` into its period in UTC; raise ValueError if it is invalid."""
    start = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    following = (start.year + 1, 1) if start.month == 12 else (start.year, start.month + 1)
    return Period(start, datetime(*following, 1, tzinfo=UTC))
