"""A decision about one finding and the data needed to carry it out."""

from dataclasses import dataclass

from chalicelib.domain.actors import Actor
from chalicelib.domain.findings import Action, Finding
from chalicelib.domain.ledger import Kind
from chalicelib.services.reconciliation.facts import Inspection
from chalicelib.storage.pool import Move


@dataclass(frozen=True, slots=True)
class RepairRequest:
    """An action to take on a finding.

    Attributes:
        ref: The ID that the ledger entry refers to, usually the report's.
        inspection: The snapshot that a finding about a counter or a purchase is based on.
        to: The ID of the new reseller or user, if an adoption needs one.
    """

    finding: Finding
    action: Action
    by: Actor
    reason: str
    ref: str
    inspection: Inspection | None = None
    to: str | None = None

    @property
    def move(self) -> Move:
        return Move(Kind.SYNC, self.by, self.ref, self.reason)

    def require_inspection(self) -> Inspection:
        if self.inspection is None:
            raise RuntimeError(f"Repairing {self.finding.code} requires an inspection.")
        return self.inspection
