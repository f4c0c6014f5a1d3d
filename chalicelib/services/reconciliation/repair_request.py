"""A decision about one finding, with what is needed to carry it out."""

from dataclasses import dataclass

from chalicelib.domain.findings import Action, Finding
from chalicelib.domain.ledger import Kind
from chalicelib.services.reconciliation.facts import Inspection
from chalicelib.storage.pool import Move


@dataclass(frozen=True, slots=True)
class RepairRequest:
    """inspection: the count that it rests on, for the findings about
    a pool or a purchase. to: the reseller or user that an adoption names.
    ref: the report, for the ledger."""

    finding: Finding
    action: Action
    by: str
    reason: str
    ref: str
    inspection: Inspection | None = None
    to: str | None = None

    @property
    def move(self) -> Move:
        return Move(Kind.SYNC, self.by, self.ref, self.reason)

    @property
    def counted(self) -> Inspection:
        if self.inspection is None:
            raise RuntimeError(f"{self.finding.code} is repaired by a count of its reseller.")
        return self.inspection
